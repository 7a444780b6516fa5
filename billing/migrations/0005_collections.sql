-- How far the desk that raises and lifts orders to cut has read the log. It moves after what it saw has been done: seen again, it is done already.
CREATE TABLE daftar_billing.collections (
    -- There is one row.
    reader           boolean     PRIMARY KEY DEFAULT true CHECK (reader),
    -- Empty before the first event.
    commit_position  bigint,
    prepare_position bigint,
    moved_at         timestamptz NOT NULL DEFAULT now(),
    CHECK ((commit_position IS NULL) = (prepare_position IS NULL))
);

INSERT INTO daftar_billing.collections DEFAULT VALUES;

GRANT SELECT, UPDATE ON daftar_billing.collections TO daftar_projector;
