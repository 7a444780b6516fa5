-- How far the policies have read the log. It moves after what they asked has been done: asked again, it is done already.
CREATE SCHEMA IF NOT EXISTS daftar_billing;

CREATE TABLE daftar_billing.policies (
    -- There is one row.
    reader           boolean     PRIMARY KEY DEFAULT true CHECK (reader),
    -- Empty before the first event.
    commit_position  bigint,
    prepare_position bigint,
    moved_at         timestamptz NOT NULL DEFAULT now(),
    -- Which event the policies cannot go past, and why.
    stopped_because  text,
    CHECK ((commit_position IS NULL) = (prepare_position IS NULL))
);

INSERT INTO daftar_billing.policies DEFAULT VALUES;

-- Whoever runs the projectors runs the policies.
GRANT USAGE ON SCHEMA daftar_billing TO daftar_projector;
GRANT SELECT, UPDATE ON daftar_billing.policies TO daftar_projector;
