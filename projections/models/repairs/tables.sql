-- A repair as it stands.
CREATE TABLE repair (
    repair_id       uuid        NOT NULL,
    account_id      uuid        NOT NULL,
    branch_id       uuid        NOT NULL,
    status          text        NOT NULL,
    -- The status as it would be if no part were on its way.
    stage           text        NOT NULL,
    work_has_begun  boolean     NOT NULL,
    parts_on_way    integer     NOT NULL,
    visit           integer     NOT NULL,
    device_kind     text        NOT NULL,
    device_name     text        NOT NULL,
    device_model    text        NOT NULL,
    device_serial   text,
    technician      text,
    -- Sealed, as in the event.
    complaint       bytea       NOT NULL,
    coverage        text,
    estimate_number integer,
    currency        text,
    estimated_total bigint,
    approved_total  bigint,
    invoice_id      uuid,
    warranty_until  date,
    ready_on        date,
    -- Since when its customer waits for a word.
    waiting_since   timestamptz,
    requested_at    timestamptz NOT NULL,
    moved_at        timestamptz NOT NULL,
    revision        bigint      NOT NULL,
    position        bigint      NOT NULL
);

-- Everything that was ever offered.
CREATE TABLE estimate (
    repair_id      uuid    NOT NULL,
    visit          integer NOT NULL,
    number         integer NOT NULL,
    -- The whole estimate, as in the event.
    estimate       text    NOT NULL,
    currency       text    NOT NULL,
    net            bigint  NOT NULL,
    vat            bigint  NOT NULL,
    total          bigint  NOT NULL,
    needs_approval boolean NOT NULL,
    valid_until    date    NOT NULL,
    offered_on     date    NOT NULL,
    position       bigint  NOT NULL
);

-- What happened, in its order, as customer and workshop read it.
CREATE TABLE entry (
    repair_id   uuid        NOT NULL,
    revision    bigint      NOT NULL,
    what        text        NOT NULL,
    -- The status after it.
    status      text        NOT NULL,
    actor       text        NOT NULL,
    audience    text        NOT NULL,
    comment_id  uuid,
    side        text,
    -- Sealed, as in the event: what somebody wrote.
    words       bytea,
    -- What the workshop noted for everybody.
    note        text,
    recorded_at timestamptz NOT NULL,
    position    bigint      NOT NULL
);

CREATE TABLE file (
    repair_id     uuid        NOT NULL,
    attachment_id uuid        NOT NULL,
    -- Sealed, as in the event.
    name          bytea       NOT NULL,
    media_type    text        NOT NULL,
    bytes         bigint      NOT NULL,
    digest        text        NOT NULL,
    actor         text        NOT NULL,
    side          text        NOT NULL,
    audience      text        NOT NULL,
    attached_at   timestamptz NOT NULL,
    position      bigint      NOT NULL
);

CREATE TABLE part_request (
    request_id uuid    NOT NULL,
    repair_id  uuid    NOT NULL,
    visit      integer NOT NULL,
    part_id    uuid    NOT NULL,
    quantity   integer NOT NULL,
    here       boolean NOT NULL,
    missing    integer,
    used       integer NOT NULL,
    returned   integer NOT NULL,
    position   bigint  NOT NULL
);

-- For people, in decimals.
CREATE VIEW repair_in_decimals AS
SELECT repair_id, account_id, status, currency, daftar_projections.decimal(estimated_total, currency) AS estimated_total,
       daftar_projections.decimal(approved_total, currency) AS approved_total
FROM repair;

CREATE VIEW estimate_in_decimals AS
SELECT repair_id, visit, number, currency, daftar_projections.decimal(net, currency) AS net,
       daftar_projections.decimal(vat, currency) AS vat, daftar_projections.decimal(total, currency) AS total, valid_until
FROM estimate;
