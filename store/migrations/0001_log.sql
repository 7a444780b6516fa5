-- The log: one table that is only ever added to, and the one function that adds.
--
-- The engine runs under a role that may read the table and call the function, and nothing else. The function runs as the owner, so its
-- search_path is pinned and every name in it is written out.

-- Usually there already: the book of migrations is kept in it.
CREATE SCHEMA IF NOT EXISTS daftar_log;

DO $$
BEGIN
    CREATE ROLE daftar_engine NOLOGIN;
EXCEPTION
    -- Roles belong to the whole server: another database's migration may have made it, perhaps this very moment.
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;

CREATE TABLE daftar_log.events (
    -- Gap-free from 1, in the order of the commits.
    position bigint PRIMARY KEY CHECK (position > 0),
    -- Byte order: an index that depends on a language's order breaks when the system's idea of that language changes.
    stream text COLLATE "C" NOT NULL,
    revision bigint NOT NULL CHECK (revision >= 0),
    id uuid NOT NULL,
    type text COLLATE "C" NOT NULL,
    json boolean NOT NULL,
    created_at timestamptz NOT NULL,
    -- The very bytes that were written: hashes depend on them.
    data bytea NOT NULL,
    metadata bytea NOT NULL,
    UNIQUE (stream, revision)
);

CREATE FUNCTION daftar_log.refuse() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION 'the log is only ever added to: % refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER only_added_to BEFORE UPDATE OR DELETE OR TRUNCATE ON daftar_log.events
    FOR EACH STATEMENT EXECUTE FUNCTION daftar_log.refuse();

-- For the owner too, and for a session that says it is a replica.
ALTER TABLE daftar_log.events ENABLE ALWAYS TRIGGER only_added_to;

-- Adds a group of writes in one step. A write is a guard with rows: its rows are added if its stream, and the metadata stream of that,
-- end where the guard says; else nothing of it is, and the answer says where they end. One write's refusal does not touch the others.
--
-- The caller puts at most one write on a stream (with its metadata stream) into a group: all guards are checked before any row is added.
CREATE FUNCTION daftar_log.append(
    guard_streams text[],
    guard_revisions bigint[],
    guard_metadata_revisions bigint[],
    -- Of each row: the number of its guard, from 1; in ascending order.
    row_guards integer[],
    row_streams text[],
    row_revisions bigint[],
    row_ids uuid[],
    row_types text[],
    row_json boolean[],
    row_data bytea[],
    row_metadata bytea[],
    -- Of each guard: whether it held. The rows of those that did stand, in order, after `head`.
    OUT head bigint,
    OUT accepted boolean[],
    -- Of each guard, if any was refused: where its streams end.
    OUT revisions bigint[],
    OUT metadata_revisions bigint[],
    OUT metadata bytea[]
)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- The plans do not depend on the values, nor on what the table looked like when a connection first came here.
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_bitmapscan = off
AS $body$
DECLARE
    added bigint;
BEGIN
    -- Held until the commit is visible to everyone, so whoever comes next sees our positions and takes those after them, and nobody ever
    -- sees a position before all smaller ones. (The number is "the log" in ASCII.)
    PERFORM pg_advisory_xact_lock(32765880843399015);

    -- A new statement has a new snapshot: from here on we see what the last holder of the lock did.
    SELECT (SELECT coalesce(max(e.position), 0) FROM daftar_log.events e),
           array_agg(
               s.revision IS NOT DISTINCT FROM g.revision AND s.metadata_revision IS NOT DISTINCT FROM g.metadata_revision ORDER BY g.n)
    INTO head, accepted
    FROM unnest(guard_streams, guard_revisions, guard_metadata_revisions) WITH ORDINALITY AS g (stream, revision, metadata_revision, n)
    CROSS JOIN LATERAL (
        SELECT (SELECT e.revision FROM daftar_log.events e WHERE e.stream = g.stream ORDER BY e.revision DESC LIMIT 1) AS revision,
               (SELECT e.revision FROM daftar_log.events e WHERE e.stream = '$$' || g.stream ORDER BY e.revision DESC LIMIT 1)
                   AS metadata_revision
    ) s;

    INSERT INTO daftar_log.events (position, stream, revision, id, type, json, created_at, data, metadata)
    SELECT head + row_number() OVER (ORDER BY r.n), r.stream, r.revision, r.id, r.type, r.json, now, r.data, r.metadata
    -- In step with each other, and without the table that `FROM unnest(a, b, …)` would first fill from them.
    FROM (SELECT generate_subscripts(row_guards, 1) AS n, unnest(row_guards) AS guard, unnest(row_streams) AS stream,
                 unnest(row_revisions) AS revision, unnest(row_ids) AS id, unnest(row_types) AS type, unnest(row_json) AS json,
                 unnest(row_data) AS data, unnest(row_metadata) AS metadata) r,
         -- Read while the lock is held, so that it rises with the positions.
         clock_timestamp() AS now
    WHERE accepted[r.guard]
    ORDER BY r.n;
    GET DIAGNOSTICS added = ROW_COUNT;

    IF added > 0 THEN
        -- Delivered when the commit is visible. The position says all: listeners read the log itself.
        PERFORM pg_notify('daftar_log', (head + added)::text);
    END IF;

    IF NOT (true = ALL (accepted)) THEN
        SELECT array_agg(s.revision ORDER BY g.n), array_agg(m.revision ORDER BY g.n), array_agg(m.data ORDER BY g.n)
        INTO revisions, metadata_revisions, metadata
        FROM unnest(guard_streams) WITH ORDINALITY AS g (stream, n)
        LEFT JOIN LATERAL (
            SELECT e.revision FROM daftar_log.events e WHERE e.stream = g.stream ORDER BY e.revision DESC LIMIT 1) s ON true
        LEFT JOIN LATERAL (
            SELECT e.revision, e.data FROM daftar_log.events e WHERE e.stream = '$$' || g.stream ORDER BY e.revision DESC LIMIT 1) m ON true;
    END IF;
END
$body$;

REVOKE ALL ON FUNCTION daftar_log.append, daftar_log.refuse FROM PUBLIC;
GRANT USAGE ON SCHEMA daftar_log TO daftar_engine;
GRANT SELECT ON daftar_log.events TO daftar_engine;
GRANT EXECUTE ON FUNCTION daftar_log.append TO daftar_engine;
