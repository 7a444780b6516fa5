-- Usually there already: the book of migrations is kept in it.
CREATE SCHEMA IF NOT EXISTS daftar_projections;

-- Whoever runs the projectors and answers queries. A read model is derived and may be written freely; nothing else may.
DO $$
BEGIN
    CREATE ROLE daftar_projector NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL; -- Roles belong to the whole server: another database's migration made it.
END
$$;

-- How far each read model has read the log. It moves in the transaction that writes the rows.
CREATE TABLE daftar_projections.checkpoint (
    model            text        PRIMARY KEY,
    version          integer     NOT NULL,
    -- Both halves: with only one an event can be skipped. Empty before the first event.
    commit_position  bigint,
    prepare_position bigint,
    moved_at         timestamptz NOT NULL DEFAULT now(),
    -- Which event the model cannot go past, and why.
    stopped_because  text,
    CHECK ((commit_position IS NULL) = (prepare_position IS NULL))
);

GRANT USAGE ON SCHEMA daftar_projections TO daftar_projector;
GRANT SELECT, INSERT, UPDATE ON daftar_projections.checkpoint TO daftar_projector;

CREATE SCHEMA read_accounts;

CREATE TABLE read_accounts.account (
    account_id  uuid        PRIMARY KEY,
    -- Sealed, as in the event: only the keyring opens it, and only until the person is forgotten.
    holder_name bytea       NOT NULL,
    class       text        NOT NULL,
    currency    text        NOT NULL,
    language    text        NOT NULL,
    opened_on   date        NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- Of the event that last changed the row.
    position    bigint      NOT NULL
);

GRANT USAGE ON SCHEMA read_accounts TO daftar_projector;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA read_accounts TO daftar_projector;
