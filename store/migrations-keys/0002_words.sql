-- By what sealed values are found: words and endings of numbers, each as a keyed fingerprint. They tell whoever has the index's key which
-- account to open, and others at most that two accounts share a word. They are here and not in a read model, so that a person is forgotten by
-- them in the transaction that deletes the key.
CREATE TABLE daftar_keys.word (
    account_id uuid   NOT NULL,
    -- The beginning of the sealed value's own fingerprint: whose word it is.
    value      bigint NOT NULL,
    token      bigint NOT NULL,
    PRIMARY KEY (token, account_id, value)
);

CREATE INDEX ON daftar_keys.word (account_id);

GRANT SELECT, INSERT, DELETE ON daftar_keys.word TO daftar_keyring;
