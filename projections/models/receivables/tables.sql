-- What is to be paid, and what is open of it as far as anyone knows. The past is told by the movements.
CREATE TABLE item (
    account_id  uuid    NOT NULL,
    item_id     uuid    NOT NULL,
    -- Its id as events write it.
    reference   text    NOT NULL,
    document    text    NOT NULL,
    kind        text    NOT NULL,
    -- The invoice that it is, or adds to.
    invoice_id  uuid,
    currency    text    NOT NULL,
    amount      bigint  NOT NULL,
    vat         bigint  NOT NULL,
    open        bigint  NOT NULL,
    -- The part of what is open that is under an instalment plan.
    planned     bigint  NOT NULL,
    issued_on   date    NOT NULL,
    due_on      date    NOT NULL,
    disputed    boolean NOT NULL,
    -- Given up and not recovered since, the VAT in it, and what of that was claimed back.
    written_off bigint  NOT NULL,
    written_off_vat bigint NOT NULL,
    relieved    bigint  NOT NULL,
    -- When the last of it was given up.
    given_up_on date,
    position    bigint  NOT NULL
);

-- Money of the customer's, and what is left of it as far as anyone knows.
CREATE TABLE credit (
    account_id uuid   NOT NULL,
    credit_id  uuid   NOT NULL,
    reference  text   NOT NULL,
    kind       text   NOT NULL,
    -- What people call it: a receipt, a note's number.
    document   text,
    currency   text   NOT NULL,
    amount     bigint NOT NULL,
    unspent    bigint NOT NULL,
    value_on   date   NOT NULL,
    position   bigint NOT NULL
);

-- What an event changed: what is owed, what of that is under an instalment plan, what is left of credits, what is kept as deposits. An
-- allocation lowers what is owed and what is left of a credit alike.
CREATE TABLE movement (
    position     bigint  NOT NULL,
    line         integer NOT NULL,
    account_id   uuid    NOT NULL,
    cause        text    NOT NULL,
    document     text,
    item_id      uuid,
    credit_id    uuid,
    currency     text    NOT NULL,
    owed         bigint  NOT NULL,
    planned      bigint  NOT NULL,
    unapplied    bigint  NOT NULL,
    deposit      bigint  NOT NULL,
    -- Of the item.
    due_on       date,
    effective_on date    NOT NULL
);

-- The last word says whether an item is disputed.
CREATE TABLE dispute (
    account_id   uuid    NOT NULL,
    item_id      uuid    NOT NULL,
    disputed     boolean NOT NULL,
    reason       text    NOT NULL,
    effective_on date    NOT NULL,
    position     bigint  NOT NULL
);

-- A debt that is paid in parts, and how far that has come as far as anyone knows.
CREATE TABLE plan (
    account_id      uuid    NOT NULL,
    plan_id         uuid    NOT NULL,
    currency        text    NOT NULL,
    total           bigint  NOT NULL,
    paid            bigint  NOT NULL,
    -- By which payment the customer had paid down something, and how much.
    down_payment_id uuid,
    down_payment    bigint,
    agreed_on       date    NOT NULL,
    state           text    NOT NULL,
    -- Of the last instalment that was warned about.
    warned_on       date,
    ended_on        date,
    ended_because   text,
    reason          text,
    position        bigint  NOT NULL
);

CREATE TABLE instalment (
    account_id uuid    NOT NULL,
    plan_id    uuid    NOT NULL,
    number     integer NOT NULL,
    due_on     date    NOT NULL,
    amount     bigint  NOT NULL,
    position   bigint  NOT NULL
);

-- What was charged in a month, by when it is due, and what became of it as far as anyone knows.
CREATE TABLE cohort (
    -- The first day of the month.
    issued_in   date   NOT NULL,
    due_on      date   NOT NULL,
    currency    text   NOT NULL,
    charged     bigint NOT NULL,
    -- With money; with credit notes.
    paid        bigint NOT NULL,
    credited    bigint NOT NULL,
    written_off bigint NOT NULL,
    position    bigint NOT NULL
);

-- What an authority was to pay for subsidies, what of that it is not to pay after all, and what it has paid.
CREATE TABLE subsidy (
    position     bigint NOT NULL,
    authority    text   NOT NULL,
    currency     text   NOT NULL,
    credited     bigint NOT NULL,
    taken_back   bigint NOT NULL,
    settled      bigint NOT NULL,
    effective_on date   NOT NULL
);

-- The sums of all of these of a day, so that nobody adds up years of them. What was not yet known is taken off again.
CREATE TABLE subsidy_day (
    authority    text   NOT NULL,
    currency     text   NOT NULL,
    effective_on date   NOT NULL,
    credited     bigint NOT NULL,
    taken_back   bigint NOT NULL,
    settled      bigint NOT NULL,
    position     bigint NOT NULL
);

-- For people, in decimals.
CREATE VIEW open_item_in_decimals AS
SELECT account_id, document, kind, currency, daftar_projections.decimal(amount, currency) AS amount,
       daftar_projections.decimal(open, currency) AS open, daftar_projections.decimal(planned, currency) AS planned, issued_on, due_on, disputed
FROM item WHERE open <> 0;

CREATE VIEW item_in_decimals AS
SELECT account_id, item_id, document, kind, invoice_id, currency, daftar_projections.decimal(amount, currency) AS amount,
       daftar_projections.decimal(vat, currency) AS vat, daftar_projections.decimal(open, currency) AS open,
       daftar_projections.decimal(planned, currency) AS planned, issued_on, due_on, disputed
FROM item;

CREATE VIEW movement_in_decimals AS
SELECT position, line, account_id, cause, document, currency, daftar_projections.decimal(owed, currency) AS owed,
       daftar_projections.decimal(planned, currency) AS planned, daftar_projections.decimal(unapplied, currency) AS unapplied,
       daftar_projections.decimal(deposit, currency) AS deposit,
       due_on, effective_on
FROM movement;

CREATE VIEW credit_in_decimals AS
SELECT account_id, kind, document, currency, daftar_projections.decimal(amount, currency) AS amount,
       daftar_projections.decimal(unspent, currency) AS unspent, value_on
FROM credit;

CREATE VIEW month_in_decimals AS
SELECT issued_in, currency, daftar_projections.decimal(sum(charged), currency) AS charged,
       daftar_projections.decimal(sum(paid), currency) AS paid, daftar_projections.decimal(sum(credited), currency) AS credited,
       daftar_projections.decimal(sum(written_off), currency) AS written_off,
       daftar_projections.decimal(sum(charged - paid - credited - written_off), currency) AS open
FROM cohort GROUP BY issued_in, currency;

CREATE VIEW plan_in_decimals AS
SELECT account_id, plan_id, currency, daftar_projections.decimal(total, currency) AS total, daftar_projections.decimal(paid, currency) AS paid,
       down_payment_id, daftar_projections.decimal(down_payment, currency) AS down_payment, agreed_on, state, warned_on, ended_on, ended_because,
       reason
FROM plan;

CREATE VIEW instalment_in_decimals AS
SELECT account_id, plan_id, number, due_on, currency, daftar_projections.decimal(amount, currency) AS amount
FROM instalment JOIN plan USING (account_id, plan_id);

CREATE VIEW subsidy_in_decimals AS
SELECT position, authority, currency, daftar_projections.decimal(credited, currency) AS credited,
       daftar_projections.decimal(taken_back, currency) AS taken_back, daftar_projections.decimal(settled, currency) AS settled, effective_on
FROM subsidy;

CREATE VIEW authority_debt_in_decimals AS
SELECT authority, currency, daftar_projections.decimal(sum(credited), currency) AS credited,
       daftar_projections.decimal(sum(taken_back), currency) AS taken_back, daftar_projections.decimal(sum(settled), currency) AS settled,
       daftar_projections.decimal(sum(credited - taken_back - settled), currency) AS owed
FROM subsidy_day GROUP BY authority, currency;
