-- What registers showed, or were reckoned to show.
CREATE TABLE reading (
    meter_id    uuid        NOT NULL,
    reading_id  uuid        NOT NULL,
    register    text        NOT NULL,
    kind        text        NOT NULL,
    value       numeric     NOT NULL,
    taken_on    date        NOT NULL,
    taken_at    timestamptz NOT NULL,
    rolled_over boolean     NOT NULL,
    -- What the checks found, as in the event.
    findings    text        NOT NULL,
    revision    bigint      NOT NULL,
    position    bigint      NOT NULL
);

-- What was said of a reading. The last word says whether it counts.
CREATE TABLE word (
    meter_id   uuid   NOT NULL,
    reading_id uuid   NOT NULL,
    word       text   NOT NULL,
    reason     text,
    revision   bigint NOT NULL,
    position   bigint NOT NULL
);

-- Which invoices stand on which readings, or no longer do: on one reading, or on all of theirs.
CREATE TABLE bill (
    meter_id   uuid    NOT NULL,
    invoice_id uuid    NOT NULL,
    reading_id uuid,
    stands     boolean NOT NULL,
    position   bigint  NOT NULL
);

-- How estimates were settled by an actual reading, part by part.
CREATE TABLE true_up (
    meter_id    uuid    NOT NULL,
    register    text    NOT NULL,
    actual_id   uuid    NOT NULL,
    settlement  text    NOT NULL,
    period_from date    NOT NULL,
    period_to   date    NOT NULL,
    estimate_id uuid,
    estimated   numeric NOT NULL,
    settled     numeric NOT NULL,
    position    bigint  NOT NULL
);
