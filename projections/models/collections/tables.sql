-- How far dunning has come with an account. The last step stays to be read when its case has ended.
CREATE TABLE dunning (
    account_id uuid    NOT NULL,
    -- The ladder's version.
    ladder     text    NOT NULL,
    step       text    NOT NULL,
    action     text    NOT NULL,
    -- When the oldest of what it is about was due.
    since      date    NOT NULL,
    taken_on   date    NOT NULL,
    currency   text    NOT NULL,
    -- When the step was taken.
    owed       bigint  NOT NULL,
    runs       boolean NOT NULL,
    position   bigint  NOT NULL
);

-- Every step that was ever taken.
CREATE TABLE notice (
    account_id uuid   NOT NULL,
    ladder     text   NOT NULL,
    step       text   NOT NULL,
    action     text   NOT NULL,
    channel    text   NOT NULL,
    template   text   NOT NULL,
    taken_on   date   NOT NULL,
    since      date   NOT NULL,
    currency   text   NOT NULL,
    owed       bigint NOT NULL,
    position   bigint NOT NULL
);

-- At which step cases came to their end.
CREATE TABLE outcome (
    account_id uuid   NOT NULL,
    step       text   NOT NULL,
    action     text   NOT NULL,
    since      date   NOT NULL,
    currency   text   NOT NULL,
    owed       bigint NOT NULL,
    cause      text   NOT NULL,
    ended_on   date   NOT NULL,
    position   bigint NOT NULL
);

-- What holds dunning up, or did.
CREATE TABLE hold (
    hold_id     uuid   NOT NULL,
    account_id  uuid   NOT NULL,
    ground      text   NOT NULL,
    currency    text,
    promised    bigint,
    held_from   date   NOT NULL,
    -- The last day; without one until it is lifted.
    held_until  date,
    reason      text   NOT NULL,
    -- The first day that it no longer held.
    lifted_on   date,
    lift_reason text,
    position    bigint NOT NULL
);

-- A supply that is to be cut, is cut, or is back.
CREATE TABLE work_order (
    disconnection_id uuid        NOT NULL,
    account_id       uuid        NOT NULL,
    meter_id         uuid        NOT NULL,
    way              text        NOT NULL,
    stage            text        NOT NULL,
    currency         text        NOT NULL,
    owed             bigint      NOT NULL,
    requested_at     timestamptz NOT NULL,
    planned_for      timestamptz,
    -- How often somebody was sent out, for the errand of now.
    attempts         integer     NOT NULL,
    -- Whoever was sent last has not said in time what became of it.
    unanswered       boolean     NOT NULL,
    cut_at           timestamptz,
    lift_cause       text,
    lifted_at        timestamptz,
    due_by           timestamptz,
    fee              bigint,
    -- Of the fee and of the compensation.
    terms_currency   text,
    compensation     bigint,
    -- When the account was credited with it.
    compensated_on   date,
    restored_at      timestamptz,
    -- Why it failed the last time, or was withdrawn.
    note             text,
    moved_at         timestamptz NOT NULL,
    revision         bigint      NOT NULL,
    position         bigint      NOT NULL
);

-- What happened to an order, in its order.
CREATE TABLE entry (
    disconnection_id uuid        NOT NULL,
    revision         bigint      NOT NULL,
    what             text        NOT NULL,
    -- The stage after it.
    stage            text        NOT NULL,
    actor            text        NOT NULL,
    note             text,
    -- When it happened, as whoever reported it says.
    at               timestamptz NOT NULL,
    recorded_at      timestamptz NOT NULL,
    position         bigint      NOT NULL
);

-- For people, in decimals.
CREATE VIEW dunning_in_decimals AS
SELECT account_id, step, action, since, taken_on, currency, daftar_projections.decimal(owed, currency) AS owed, runs FROM dunning;

CREATE VIEW notice_in_decimals AS
SELECT account_id, step, action, channel, taken_on, since, currency, daftar_projections.decimal(owed, currency) AS owed FROM notice;

CREATE VIEW outcome_in_decimals AS
SELECT account_id, step, action, since, currency, daftar_projections.decimal(owed, currency) AS owed, cause, ended_on FROM outcome;

CREATE VIEW hold_in_decimals AS
SELECT hold_id, account_id, ground, currency, daftar_projections.decimal(promised, currency) AS promised, held_from, held_until FROM hold;

CREATE VIEW work_order_in_decimals AS
SELECT disconnection_id, account_id, stage, currency, daftar_projections.decimal(owed, currency) AS owed, terms_currency,
       daftar_projections.decimal(fee, terms_currency) AS fee, daftar_projections.decimal(compensation, terms_currency) AS compensation,
       compensated_on
FROM work_order;
