-- What is sealed of the log. None of it is a fact: from the log the same tree grows again.
CREATE SCHEMA IF NOT EXISTS daftar_seal;

-- How far the tree has grown. It is written before its root is signed, so that no size is ever signed with two.
CREATE TABLE daftar_seal.head (
    only_one         boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    size             bigint  NOT NULL CHECK (size > 0),
    root             bytea   NOT NULL CHECK (length(root) = 32),
    -- The last leaf: where it is in the log, and which event it was.
    commit_position  bigint  NOT NULL,
    prepare_position bigint  NOT NULL,
    stream           text    NOT NULL,
    revision         bigint  NOT NULL
);

-- The tree's hashes as C2SP's tiles. A tile grows until it has 256 of them; a narrower one is the beginning of it.
CREATE TABLE daftar_seal.tile (
    level  smallint NOT NULL,
    place  bigint   NOT NULL,
    hashes bytea    NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
    PRIMARY KEY (level, place)
);

-- What was published, as signed.
CREATE TABLE daftar_seal.checkpoint (
    size      bigint      PRIMARY KEY,
    note      text        NOT NULL,
    signed_at timestamptz NOT NULL DEFAULT now()
);

-- Whoever runs the projectors seals; nobody takes back what was sealed.
GRANT USAGE ON SCHEMA daftar_seal TO daftar_projector;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA daftar_seal TO daftar_projector;
