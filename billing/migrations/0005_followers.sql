-- How far each of those who follow the log has read it, by name. It moves after what was asked there has been done: asked again, it is done
-- already. It takes the place of a table for each of them.
CREATE TABLE daftar_billing.follower (
    name             text        PRIMARY KEY,
    -- Empty before the first event.
    commit_position  bigint,
    prepare_position bigint,
    moved_at         timestamptz NOT NULL DEFAULT now(),
    -- Which event it cannot go past, and why.
    stopped_because  text,
    CHECK ((commit_position IS NULL) = (prepare_position IS NULL))
);

INSERT INTO daftar_billing.follower (name, commit_position, prepare_position, moved_at, stopped_because)
SELECT 'policies', commit_position, prepare_position, moved_at, stopped_because FROM daftar_billing.policies
UNION ALL
SELECT 'desk', commit_position, prepare_position, moved_at, NULL FROM daftar_billing.workshop;

DROP TABLE daftar_billing.policies, daftar_billing.workshop;

-- Whoever runs the projectors runs the policies.
GRANT SELECT, INSERT, UPDATE ON daftar_billing.follower TO daftar_projector;
