-- Who is billed for what, by which tariff, read when: as first agreed, and when it ended.
CREATE TABLE agreement (
    agreement_id     uuid   NOT NULL,
    service_point_id uuid   NOT NULL,
    account_id       uuid   NOT NULL,
    premises_id      uuid   NOT NULL,
    service          text   NOT NULL,
    valid_from       date   NOT NULL,
    -- The day after the last; open if absent.
    valid_to         date,
    start_cause      text   NOT NULL,
    end_cause        text,
    end_reason       text,
    -- Of the service point, after the event that last changed the row; and where that event is.
    revision         bigint NOT NULL,
    position         bigint NOT NULL
);

-- Which tariff series and read cycle apply from when. Of two that begin on one day the later word counts.
CREATE TABLE tariff_series (
    agreement_id  uuid   NOT NULL,
    tariff_series text   NOT NULL,
    effective_on  date   NOT NULL,
    reason        text,
    position      bigint NOT NULL
);

CREATE TABLE read_cycle (
    agreement_id  uuid   NOT NULL,
    read_cycle_id uuid   NOT NULL,
    effective_on  date   NOT NULL,
    reason        text,
    position      bigint NOT NULL
);

-- When an agreement was seen to end: what `agreement` has, for those who ask what was known before.
CREATE TABLE ended (
    agreement_id uuid   NOT NULL,
    valid_to     date   NOT NULL,
    position     bigint NOT NULL
);

-- What happened to the place where a service is measured: a meter came or went.
CREATE TABLE meter (
    service_point_id uuid    NOT NULL,
    meter_id         uuid    NOT NULL,
    attached         boolean NOT NULL,
    effective_on     date    NOT NULL,
    position         bigint  NOT NULL
);

CREATE TABLE premises (
    premises_id   uuid   NOT NULL,
    -- Sealed with a key of the premises' own.
    address       bytea  NOT NULL,
    registered_on date   NOT NULL,
    revision      bigint NOT NULL,
    position      bigint NOT NULL
);

-- What a tariff may ask about a place, from when. Of two that begin on one day the later word counts.
CREATE TABLE premises_facts (
    premises_id  uuid    NOT NULL,
    dwellings    bigint  NOT NULL,
    breaker_amps bigint,
    load_kva     numeric,
    area         text    NOT NULL,
    effective_on date    NOT NULL,
    reason       text,
    position     bigint  NOT NULL
);
