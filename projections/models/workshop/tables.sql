CREATE TABLE part (
    part_id       uuid    NOT NULL,
    code          text    NOT NULL,
    name          text    NOT NULL,
    currency      text    NOT NULL,
    -- A price may have more decimals than its currency.
    price         numeric NOT NULL,
    priced_on     date    NOT NULL,
    retired       boolean NOT NULL,
    position      bigint  NOT NULL
);

CREATE TABLE part_price (
    part_id  uuid    NOT NULL,
    price    numeric NOT NULL,
    since    date    NOT NULL,
    position bigint  NOT NULL
);

-- A part at a branch.
CREATE TABLE stock (
    stock_id      uuid    NOT NULL,
    branch_id     uuid,
    part_id       uuid,
    on_hand       integer NOT NULL,
    reserved      integer NOT NULL,
    currency      text,
    -- What all that is there has cost.
    value         bigint  NOT NULL,
    reorder_level integer NOT NULL,
    position      bigint  NOT NULL
);

CREATE TABLE stock_request (
    request_id uuid    NOT NULL,
    stock_id   uuid    NOT NULL,
    here       boolean NOT NULL,
    left_over  integer NOT NULL,
    position   bigint  NOT NULL
);

-- Every change of what is on the shelf, and why.
CREATE TABLE stock_move (
    stock_id   uuid    NOT NULL,
    what       text    NOT NULL,
    -- Below zero when it went.
    pieces     integer NOT NULL,
    currency   text    NOT NULL,
    value      bigint  NOT NULL,
    repair_id  uuid,
    reference  text,
    why        text,
    moved_on   date    NOT NULL,
    revision   bigint  NOT NULL,
    position   bigint  NOT NULL
);

CREATE TABLE branch (
    branch_id       uuid    NOT NULL,
    code            text    NOT NULL,
    name            text    NOT NULL,
    name_in_english text    NOT NULL,
    -- All that it tells people, as in the event.
    details         text    NOT NULL,
    closed_on       date,
    position        bigint  NOT NULL
);

CREATE TABLE appointment (
    appointment_id uuid    NOT NULL,
    branch_id      uuid    NOT NULL,
    account_id     uuid    NOT NULL,
    repair_id      uuid,
    day            date    NOT NULL,
    minute         integer NOT NULL,
    cancelled      boolean NOT NULL,
    position       bigint  NOT NULL
);

-- For people, in decimals.
CREATE VIEW stock_in_decimals AS
SELECT stock_id, branch_id, part_id, on_hand, reserved, currency, daftar_projections.decimal(value, currency) AS value FROM stock;

CREATE VIEW stock_move_in_decimals AS
SELECT stock_id, what, pieces, currency, daftar_projections.decimal(value, currency) AS value, moved_on FROM stock_move;
