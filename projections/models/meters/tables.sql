-- A meter as it stands.
CREATE TABLE meter (
    meter_id        uuid   NOT NULL,
    maker           text   NOT NULL,
    -- Sorted by bytes, so that one is found by how it begins.
    serial          text   COLLATE "C" NOT NULL,
    kind            text   NOT NULL,
    certified_until date,
    status          text   NOT NULL,
    reserved_for    uuid,
    -- Where it hangs, for which service, and which account had it put up.
    premises_id     uuid,
    service         text,
    account_id      uuid,
    registered_on   date   NOT NULL,
    revision        bigint NOT NULL,
    position        bigint NOT NULL
);

CREATE TABLE register (
    meter_id   uuid    NOT NULL,
    code       text    NOT NULL,
    digits     bigint  NOT NULL,
    decimals   bigint  NOT NULL,
    multiplier numeric NOT NULL,
    direction  text    NOT NULL,
    unit       text    NOT NULL,
    position   bigint  NOT NULL
);

-- Its life: what it was from when, and where. A reservation has no date of its own.
CREATE TABLE status (
    meter_id     uuid   NOT NULL,
    status       text   NOT NULL,
    effective_on date,
    premises_id  uuid,
    reason       text,
    position     bigint NOT NULL
);

-- What was changed of the parts at the customer.
CREATE TABLE component (
    meter_id     uuid   NOT NULL,
    part         text   NOT NULL,
    number       text   NOT NULL,
    change       text   NOT NULL,
    -- Of a breaker, and of a seal.
    amps         bigint,
    place        text,
    effective_on date   NOT NULL,
    reason       text,
    position     bigint NOT NULL
);

CREATE TABLE test (
    meter_id        uuid    NOT NULL,
    test_id         uuid    NOT NULL,
    tested_on       date    NOT NULL,
    passed          boolean NOT NULL,
    error_percent   numeric NOT NULL,
    certified_until date,
    position        bigint  NOT NULL
);
