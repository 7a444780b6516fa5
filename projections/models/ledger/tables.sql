-- The books' side of an event.
CREATE TABLE journal (
    position     bigint      NOT NULL,
    event_id     uuid        NOT NULL,
    event_type   text        NOT NULL,
    stream_id    uuid        NOT NULL,
    effective_on date        NOT NULL,
    recorded_at  timestamptz NOT NULL
);

-- A line of a journal, in minor units. One side of it is zero.
CREATE TABLE entry (
    position     bigint   NOT NULL,
    line         integer  NOT NULL,
    -- By its number in the chart.
    account      integer  NOT NULL,
    -- What it hangs under: a customer's account or a till, or nothing.
    customer_id  uuid,
    till_id      uuid,
    currency     text     NOT NULL,
    debit        bigint   NOT NULL,
    credit       bigint   NOT NULL,
    effective_on date     NOT NULL
);

-- The sums of all entries of a day, so that nobody adds up ten years of them. What was not yet known is taken off again.
CREATE TABLE day (
    account      integer NOT NULL,
    currency     text    NOT NULL,
    effective_on date    NOT NULL,
    debit        bigint  NOT NULL,
    credit       bigint  NOT NULL
);

-- What happened to accounting periods.
CREATE TABLE period (
    period_from date    NOT NULL,
    period_to   date    NOT NULL,
    closed      boolean NOT NULL,
    -- Where the books of the period end, once it is closed.
    closed_at   bigint,
    -- The digest of the trial balance there.
    digest      text,
    position    bigint  NOT NULL
);

-- Seconds in which something was recorded, and where the first fact of each stands. Clocks that go back are not followed.
CREATE TABLE second (
    second   timestamptz NOT NULL,
    position bigint      NOT NULL
);

-- The last of the seconds.
CREATE TABLE clock (
    clock  text        NOT NULL,
    second timestamptz NOT NULL
);

-- For people: who was debited and credited, in decimals.
CREATE VIEW entry_in_decimals AS
SELECT position, line, account, customer_id, till_id, currency, daftar_projections.decimal(debit, currency) AS debit,
       daftar_projections.decimal(credit, currency) AS credit, effective_on, event_id, event_type, recorded_at
FROM entry JOIN journal USING (position, effective_on);

CREATE VIEW balance_in_decimals AS
SELECT account, currency, daftar_projections.decimal(sum(debit) - sum(credit), currency) AS balance
FROM day GROUP BY account, currency;
