-- A payment that an account has received, as it stands.
CREATE TABLE payment (
    account_id  uuid        NOT NULL,
    payment_id  uuid        NOT NULL,
    tender      text        NOT NULL,
    channel     text        NOT NULL,
    session_id  uuid,
    -- What the outside calls it.
    reference   text        NOT NULL,
    currency    text        NOT NULL,
    amount      bigint      NOT NULL,
    allocated   bigint      NOT NULL,
    refunded    bigint      NOT NULL,
    received_at timestamptz NOT NULL,
    value_on    date        NOT NULL,
    -- With its cause, if the money was taken back.
    reversed_on date,
    reversal    text,
    -- When these two became known.
    received_position bigint NOT NULL,
    reversed_position bigint,
    position    bigint      NOT NULL
);

-- A payment that a customer began at a gateway, and what that says of it. It is money once an account has received it.
CREATE TABLE attempt (
    payment_id uuid        NOT NULL,
    account_id uuid        NOT NULL,
    gateway    text        NOT NULL,
    status     text        NOT NULL,
    reference  text,
    currency   text        NOT NULL,
    amount     bigint      NOT NULL,
    started_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    -- The gateway's own word for why it failed.
    cause      text,
    -- Asked of the gateway and not answered yet.
    open_refunds integer   NOT NULL,
    position   bigint      NOT NULL
);

-- What a payment paid of what, or was freed from if negative.
CREATE TABLE allocation (
    account_id   uuid   NOT NULL,
    payment_id   uuid   NOT NULL,
    item         text   NOT NULL,
    -- The same, where it is an invoice.
    invoice_id   uuid,
    currency     text   NOT NULL,
    amount       bigint NOT NULL,
    vat          bigint NOT NULL,
    effective_on date   NOT NULL,
    position     bigint NOT NULL
);

-- Money that went back to a customer, from whatever credit, or came back from there if negative.
CREATE TABLE refund (
    account_id   uuid   NOT NULL,
    refund_id    uuid   NOT NULL,
    payment_id   uuid,
    tender       text   NOT NULL,
    currency     text   NOT NULL,
    amount       bigint NOT NULL,
    reason       text   NOT NULL,
    effective_on date   NOT NULL,
    position     bigint NOT NULL
);

-- Every movement of money, in or out if negative, by what it was tendered as: payments, deposits, refunds and what was taken back.
CREATE TABLE cash (
    account_id   uuid   NOT NULL,
    tender       text   NOT NULL,
    cause        text   NOT NULL,
    channel      text,
    session_id   uuid,
    currency     text   NOT NULL,
    amount       bigint NOT NULL,
    effective_on date   NOT NULL,
    position     bigint NOT NULL
);

-- The sums of all movements of a day, so that nobody adds up years of them.
CREATE TABLE day (
    effective_on date   NOT NULL,
    tender       text   NOT NULL,
    cause        text   NOT NULL,
    currency     text   NOT NULL,
    movements    bigint NOT NULL,
    amount       bigint NOT NULL,
    position     bigint NOT NULL
);

-- For people, in decimals.
CREATE VIEW payment_in_decimals AS
SELECT account_id, payment_id, tender, channel, reference, currency, daftar_projections.decimal(amount, currency) AS amount,
       daftar_projections.decimal(allocated, currency) AS allocated, daftar_projections.decimal(refunded, currency) AS refunded,
       received_at, value_on, reversed_on, reversal
FROM payment;

CREATE VIEW daily_cash_in_decimals AS
SELECT effective_on, tender, cause, currency, movements, daftar_projections.decimal(amount, currency) AS amount
FROM day;

CREATE VIEW allocation_in_decimals AS
SELECT account_id, payment_id, item, currency, daftar_projections.decimal(amount, currency) AS amount,
       daftar_projections.decimal(vat, currency) AS vat, effective_on
FROM allocation;

CREATE VIEW refund_in_decimals AS
SELECT account_id, refund_id, payment_id, tender, currency, daftar_projections.decimal(amount, currency) AS amount, reason, effective_on
FROM refund;

CREATE VIEW attempt_in_decimals AS
SELECT payment_id, account_id, gateway, status, reference, currency, daftar_projections.decimal(amount, currency) AS amount, started_at,
       expires_at, cause
FROM attempt;

CREATE VIEW cash_in_decimals AS
SELECT account_id, tender, cause, channel, session_id, currency, daftar_projections.decimal(amount, currency) AS amount, effective_on
FROM cash;
