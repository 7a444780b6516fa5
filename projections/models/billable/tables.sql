-- What a bill can depend on, of accounts, service points, premises, meters and tariff series: the facts themselves, in the newest version of
-- their schema, so that whoever rates folds them with the rules' own hands. Which of them count is asked by position.
CREATE TABLE fact (
    stream_id  uuid   NOT NULL,
    event_type text   NOT NULL,
    version    bigint NOT NULL,
    data       text   NOT NULL,
    position   bigint NOT NULL
);

-- Which tariff series there are.
CREATE TABLE series (
    series_id uuid   NOT NULL,
    position  bigint NOT NULL
);

-- Who is, or was, supplied where.
CREATE TABLE supply (
    account_id       uuid   NOT NULL,
    agreement_id     uuid   NOT NULL,
    service_point_id uuid   NOT NULL,
    premises_id      uuid   NOT NULL,
    service          text   NOT NULL,
    position         bigint NOT NULL
);

-- Which meters measured a service at any time.
CREATE TABLE meter (
    service_point_id uuid   NOT NULL,
    meter_id         uuid   NOT NULL,
    position         bigint NOT NULL
);

-- What was billed: up to and without which day, and what the bill left for the next one to give back.
CREATE TABLE billed (
    account_id   uuid   NOT NULL,
    agreement_id uuid   NOT NULL,
    invoice_id   uuid   NOT NULL,
    billed_to    date   NOT NULL,
    carried      text,
    -- Of the whole invoice.
    total        bigint NOT NULL,
    currency     text   NOT NULL,
    position     bigint NOT NULL
);

-- What was drafted for a person to look at. It waits until it is billed or void.
CREATE TABLE draft (
    account_id   uuid   NOT NULL,
    agreement_id uuid   NOT NULL,
    invoice_id   uuid   NOT NULL,
    position     bigint NOT NULL
);

-- Invoices that were cancelled, and drafts that were discarded.
CREATE TABLE void (
    invoice_id uuid   NOT NULL,
    position   bigint NOT NULL
);

-- Corrections that were begun, and those that have ended: an account is not billed between the two.
CREATE TABLE correction (
    account_id    uuid   NOT NULL,
    correction_id uuid   NOT NULL,
    position      bigint NOT NULL
);

CREATE TABLE corrected (
    correction_id uuid   NOT NULL,
    position      bigint NOT NULL
);

-- Where the streams of accounts and meters stand, so that a command need not read them first.
CREATE TABLE stand (
    stream_id   uuid        NOT NULL,
    revision    bigint      NOT NULL,
    recorded_at timestamptz NOT NULL,
    -- Of an account: credit that has paid nothing yet.
    unapplied   bigint      NOT NULL,
    position    bigint      NOT NULL
);

-- For people, in decimals.
CREATE VIEW billed_in_decimals AS
SELECT account_id, agreement_id, invoice_id, billed_to, currency, daftar_projections.decimal(total, currency) AS total
FROM billed;
