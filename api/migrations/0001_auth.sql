-- What proves who somebody is. Who they are and what they may do are facts of the log; nothing here is one, and all of it can be lost
-- without losing a fact: people would be given new passwords.
CREATE SCHEMA IF NOT EXISTS daftar_auth;

DO $$
BEGIN
    CREATE ROLE daftar_auth NOLOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL; -- Roles belong to the whole server: another database's migration made it.
END
$$;

CREATE TABLE daftar_auth.password (
    user_id    uuid        PRIMARY KEY,
    -- A keyed fingerprint of the user's name: a name is looked for without being kept.
    name       bytea       NOT NULL UNIQUE,
    -- Argon2id, in the PHC form with its parameters and salt.
    hash       text        NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE TABLE daftar_auth.second_factor (
    user_id   uuid   PRIMARY KEY,
    -- Both sealed with the user's key. A pending secret counts for nothing until a code of it has been shown.
    secret    bytea,
    pending   bytea,
    -- The time step of the last code that was taken: no code is taken twice.
    last_step bigint NOT NULL DEFAULT 0
);

CREATE TABLE daftar_auth.session (
    session_id   uuid        PRIMARY KEY,
    user_id      uuid        NOT NULL,
    -- What the user may do, as of the last refresh: the roles of staff, the accounts of a customer.
    roles        text[],
    accounts     uuid[],
    began_at     timestamptz NOT NULL,
    refreshed_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz,
    address      text        NOT NULL,
    agent        text,
    CHECK ((roles IS NULL) <> (accounts IS NULL))
);
CREATE INDEX ON daftar_auth.session (user_id);
CREATE INDEX ON daftar_auth.session (expires_at);

-- A session's refresh tokens, of which one is unused. Showing a used one ends the session: somebody has a copy.
CREATE TABLE daftar_auth.refresh_token (
    hash       bytea       PRIMARY KEY,
    session_id uuid        NOT NULL REFERENCES daftar_auth.session ON DELETE CASCADE,
    used_at    timestamptz
);
CREATE INDEX ON daftar_auth.refresh_token (session_id);

-- Failed tries in a row, by user name and by address. The row of a name is there whether or not anybody has the name.
CREATE TABLE daftar_auth.attempts (
    of           text        PRIMARY KEY,
    failures     integer     NOT NULL,
    last_at      timestamptz NOT NULL,
    locked_until timestamptz
);

-- Somebody says that an account is theirs, and is about to show it. One without an account comes from a wrong number or phone,
-- and is there so that nobody can tell.
CREATE TABLE daftar_auth.claim (
    claim_id   uuid        PRIMARY KEY,
    account_id uuid,
    code_hash  bytea       NOT NULL,
    tries_left integer     NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX ON daftar_auth.claim (expires_at);

-- Messages that wait to be sent. Number and text are sealed with the key of their account.
CREATE TABLE daftar_auth.outbox (
    message_id uuid        PRIMARY KEY,
    account_id uuid        NOT NULL,
    channel    text        NOT NULL CHECK (channel IN ('sms')),
    recipient  bytea       NOT NULL,
    text       bytea       NOT NULL,
    made_at    timestamptz NOT NULL,
    sent_at    timestamptz
);

GRANT USAGE ON SCHEMA daftar_auth TO daftar_auth;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA daftar_auth TO daftar_auth;
