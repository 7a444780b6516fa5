-- Each read model's tables are made from projections/models/<name>, and by that the projectors themselves: a rebuild makes a second set,
-- fills it, and puts it in the place of the first.
DROP SCHEMA read_accounts CASCADE;
DELETE FROM daftar_projections.checkpoint;

-- A row for each set of tables: <model>, and <model>_next while a rebuild fills that.
ALTER TABLE daftar_projections.checkpoint
    -- Taken in since the tables were made.
    ADD COLUMN events bigint NOT NULL DEFAULT 0,
    -- The time that took.
    ADD COLUMN busy_micros bigint NOT NULL DEFAULT 0,
    -- The process that was last elected to keep the model.
    ADD COLUMN leader text,
    -- What last interrupted it, for a while or for good.
    ADD COLUMN last_error text,
    ADD COLUMN last_error_at timestamptz;

GRANT DELETE ON daftar_projections.checkpoint TO daftar_projector;

-- Tables belong to the projectors, so whoever makes the first ones must be able to hand them over.
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'daftar_projector', 'MEMBER') THEN
        EXECUTE format('GRANT daftar_projector TO %I', current_user);
    END IF;
    EXECUTE format('GRANT CREATE ON DATABASE %I TO daftar_projector', current_database());
END
$$;
