-- An account as it stands. What applies only from a later date is in it already: a row knows no today.
CREATE TABLE account (
    account_id      uuid        NOT NULL,
    -- Sorted by bytes, so that one is found by how it begins.
    number          text        COLLATE "C" NOT NULL,
    -- Sealed, here and below, as in the event: only the keyring opens it, and only until the person is forgotten.
    holder_name     bytea       NOT NULL,
    class           text        NOT NULL,
    currency        text        NOT NULL,
    language        text        NOT NULL,
    -- Which items are paid first when nobody says.
    allocation_policy text      NOT NULL,
    standing        text        NOT NULL,
    identity_kind   text,
    identity_number bytea,
    identity_expires_on date,
    ledger_account  text,
    opened_on       date        NOT NULL,
    closed_on       date,
    recorded_at     timestamptz NOT NULL,
    -- Of the event that last changed the row.
    revision        bigint      NOT NULL,
    position        bigint      NOT NULL
);

-- Accounts counted by what they are at last.
CREATE TABLE headcount (
    class    text   NOT NULL,
    standing text   NOT NULL,
    accounts bigint NOT NULL,
    position bigint NOT NULL
);

-- Which class applies from when. Of two that begin on one day the later word counts.
CREATE TABLE class (
    account_id   uuid   NOT NULL,
    class        text   NOT NULL,
    effective_on date   NOT NULL,
    reason       text,
    position     bigint NOT NULL
);

CREATE TABLE holder (
    account_id   uuid   NOT NULL,
    holder_name  bytea  NOT NULL,
    effective_on date   NOT NULL,
    reason       text,
    position     bigint NOT NULL
);

CREATE TABLE standing (
    account_id   uuid   NOT NULL,
    standing     text   NOT NULL,
    effective_on date   NOT NULL,
    reason       text,
    position     bigint NOT NULL
);

-- How a supply is taxed. Of two that hold on a date the later word counts.
CREATE TABLE vat_status (
    account_id uuid   NOT NULL,
    category   text   NOT NULL,
    reason     text,
    valid_from date   NOT NULL,
    valid_to   date,
    position   bigint NOT NULL
);

-- Which subsidies were granted, and which were ended: an end cuts what was granted before it was said.
CREATE TABLE subsidy (
    account_id uuid   NOT NULL,
    scheme     text   NOT NULL,
    valid_from date   NOT NULL,
    valid_to   date,
    -- The authority's decision, by its number.
    proof      text   NOT NULL,
    renew_by   date,
    position   bigint NOT NULL
);

CREATE TABLE subsidy_end (
    account_id   uuid   NOT NULL,
    scheme       text   NOT NULL,
    -- The first day without it.
    effective_on date   NOT NULL,
    reason       text   NOT NULL,
    position     bigint NOT NULL
);

-- Those that have not been removed.
CREATE TABLE contact (
    account_id uuid   NOT NULL,
    contact_id uuid   NOT NULL,
    kind       text   NOT NULL,
    name       bytea,
    value      bytea  NOT NULL,
    position   bigint NOT NULL
);

CREATE TABLE address (
    account_id uuid   NOT NULL,
    address_id uuid   NOT NULL,
    kind       text   NOT NULL,
    text       bytea  NOT NULL,
    position   bigint NOT NULL
);
