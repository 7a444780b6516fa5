-- How far the ends of days have come. What they did is in the log: done again, it is done already.
CREATE TABLE daftar_billing.day_end (
    -- There is one row.
    calendar           boolean     PRIMARY KEY DEFAULT true CHECK (calendar),
    -- Empty before the first.
    last_day           date,
    -- Every fee that was asked for up to here is billed.
    fees_commit        bigint,
    fees_prepare       bigint,
    moved_at           timestamptz NOT NULL DEFAULT now(),
    CHECK ((fees_commit IS NULL) = (fees_prepare IS NULL))
);

INSERT INTO daftar_billing.day_end DEFAULT VALUES;

-- Whoever runs the projectors ends the days.
GRANT SELECT, UPDATE ON daftar_billing.day_end TO daftar_projector;
