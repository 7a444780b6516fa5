-- A run: what it is for, and how far it has come.
CREATE TABLE run (
    run_id          uuid        NOT NULL,
    cycle           text        NOT NULL,
    cut_off         date        NOT NULL,
    issued_on       date        NOT NULL,
    -- The whole plan, as in the event.
    plan            text        NOT NULL,
    -- Frozen so far, and those of them that are not issued yet.
    blocks          integer     NOT NULL,
    open_blocks     integer     NOT NULL,
    -- Of the accounts in frozen blocks.
    billed          bigint      NOT NULL,
    held            bigint      NOT NULL,
    failed          bigint      NOT NULL,
    -- The list goes on after it.
    last_account_id uuid,
    planned_at      timestamptz NOT NULL,
    moved_at        timestamptz NOT NULL,
    finished_at     timestamptz,
    revision        bigint      NOT NULL,
    position        bigint      NOT NULL
);

CREATE TABLE block (
    run_id           uuid        NOT NULL,
    block            integer     NOT NULL,
    billed           bigint      NOT NULL,
    held             bigint      NOT NULL,
    failed           bigint      NOT NULL,
    first_account_id uuid        NOT NULL,
    last_account_id  uuid        NOT NULL,
    -- Its bills were rated from what was recorded up to here.
    rated_as_of      bigint      NOT NULL,
    list_digest      text        NOT NULL,
    frozen_at        timestamptz NOT NULL,
    issued_at        timestamptz,
    position         bigint      NOT NULL
);

-- What the invoices of a block come to.
CREATE TABLE total (
    run_id    uuid    NOT NULL,
    block     integer NOT NULL,
    currency  text    NOT NULL,
    invoices  bigint  NOT NULL,
    net       bigint  NOT NULL,
    vat       bigint  NOT NULL,
    rounding  bigint  NOT NULL,
    total     bigint  NOT NULL,
    smallest  bigint  NOT NULL,
    largest   bigint  NOT NULL,
    issued_on date    NOT NULL,
    position  bigint  NOT NULL
);

-- Accounts that got no invoice by themselves: held for a person, or failed, and why.
CREATE TABLE exception (
    run_id     uuid    NOT NULL,
    account_id uuid    NOT NULL,
    block      integer NOT NULL,
    outcome    text    NOT NULL,
    code       text,
    why        text,
    position   bigint  NOT NULL
);

-- For people, in decimals.
CREATE VIEW total_in_decimals AS
SELECT run_id, cycle, block, currency, invoices, daftar_projections.decimal(net, currency) AS net,
       daftar_projections.decimal(vat, currency) AS vat, daftar_projections.decimal(rounding, currency) AS rounding,
       daftar_projections.decimal(total, currency) AS total, total.issued_on
FROM total JOIN run USING (run_id);
