CREATE TABLE account (
    account_id  uuid        NOT NULL,
    -- Sealed, as in the event: only the keyring opens it, and only until the person is forgotten.
    holder_name bytea       NOT NULL,
    -- As last decided, also if it applies only from a later date: a row knows no today.
    class       text        NOT NULL,
    currency    text        NOT NULL,
    language    text        NOT NULL,
    opened_on   date        NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- Of the event that last changed the row.
    position    bigint      NOT NULL
);
