-- How each application for a connection stands.
CREATE TABLE application (
    application_id   uuid   NOT NULL,
    account_id       uuid   NOT NULL,
    status           text   NOT NULL,
    service          text   NOT NULL,
    -- As it was asked for, until somebody was there; then as it was found.
    load_kva         numeric,
    phase            text,
    diameter_mm      bigint,
    meter            text   NOT NULL,
    -- Where, in the customer's words: sealed with the account's key.
    site             bytea  NOT NULL,
    submitted_on     date   NOT NULL,
    question         text,
    answer           bytea,
    premises_id      uuid,
    service_point_id uuid,
    distance_m       numeric,
    area             text,
    -- As the event has it.
    quote            text,
    total            bigint,
    currency         text,
    valid_until      date,
    invoice_id       uuid,
    fee_paid         boolean NOT NULL,
    planned_on       date,
    meter_id         uuid,
    agreement_id     uuid,
    -- Why it came to nothing, if it did.
    reason           text,
    -- The day of what happened last.
    changed_on       date   NOT NULL,
    revision         bigint NOT NULL,
    position         bigint NOT NULL
);

-- What happened, in its order.
CREATE TABLE step (
    application_id uuid   NOT NULL,
    status         text   NOT NULL,
    effective_on   date   NOT NULL,
    note           text,
    position       bigint NOT NULL
);

-- For people, in decimals.
CREATE VIEW application_in_decimals AS
SELECT application_id, account_id, status, service, submitted_on, daftar_projections.decimal(total, currency) AS total, currency,
       valid_until, fee_paid, planned_on, changed_on
FROM application;
