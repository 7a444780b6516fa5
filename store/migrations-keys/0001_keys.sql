-- The keys that open personal data. They live outside the log, so that deleting one forgets a person and changes no event.

-- Usually there already: the book of migrations is kept in it.
CREATE SCHEMA IF NOT EXISTS daftar_keys;

-- Whoever runs the engine opens and forgets, but can neither remove the fact of a forgetting nor empty the table.
DO $$
BEGIN
    CREATE ROLE daftar_keyring NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL; -- Roles belong to the whole server: another database's migration made it.
END
$$;

CREATE TABLE daftar_keys.account_key (
    account_id   uuid        NOT NULL,
    purpose      text        NOT NULL CHECK (purpose IN ('contact', 'legal')),
    -- Encrypted by the master key. Empty once forgotten: the row stays, so that no new key is ever made for the account.
    wrapped      bytea,
    created_at   timestamptz NOT NULL DEFAULT now(),
    forgotten_at timestamptz,
    PRIMARY KEY (account_id, purpose),
    CHECK ((wrapped IS NULL) = (forgotten_at IS NOT NULL))
);

-- Which master key wrapped them, so that a start with another one is refused instead of making keys that do not fit together.
CREATE TABLE daftar_keys.master_key (
    only_one      boolean     PRIMARY KEY DEFAULT true CHECK (only_one),
    id            text        NOT NULL,
    first_used_at timestamptz NOT NULL DEFAULT now()
);

GRANT USAGE ON SCHEMA daftar_keys TO daftar_keyring;
GRANT SELECT, INSERT ON daftar_keys.account_key, daftar_keys.master_key TO daftar_keyring;
GRANT UPDATE (wrapped, forgotten_at) ON daftar_keys.account_key TO daftar_keyring;
