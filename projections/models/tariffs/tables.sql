-- What was published, word for word. A published version is never edited.
CREATE TABLE version (
    series_id      uuid   NOT NULL,
    series         text   NOT NULL,
    code           text   NOT NULL,
    service        text   NOT NULL,
    class          text   NOT NULL,
    currency       text   NOT NULL,
    effective_from date   NOT NULL,
    -- As published: the day after the last, open if absent.
    effective_to   date,
    tariff         text   NOT NULL,
    position       bigint NOT NULL
);

-- An open version ended because another begins.
CREATE TABLE closed (
    series_id    uuid   NOT NULL,
    code         text   NOT NULL,
    effective_to date   NOT NULL,
    successor    text   NOT NULL,
    position     bigint NOT NULL
);
