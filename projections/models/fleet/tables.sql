-- What is known of a meter but for its readings: the facts themselves, one a line, each with its position, type and version.
CREATE TABLE meter (
    meter_id uuid   NOT NULL,
    facts    text   NOT NULL,
    position bigint NOT NULL
);

-- The months in which a register was read or estimated, in their order.
CREATE TABLE register (
    meter_id uuid   NOT NULL,
    register text   NOT NULL,
    months   text   NOT NULL,
    position bigint NOT NULL
);

-- What was said of the readings of one of these months, as of meters.
CREATE TABLE month (
    meter_id uuid   NOT NULL,
    register text   NOT NULL,
    month    date   NOT NULL,
    facts    text   NOT NULL,
    position bigint NOT NULL
);

-- In which of the months a reading is.
CREATE TABLE reading (
    meter_id   uuid   NOT NULL,
    reading_id uuid   NOT NULL,
    register   text   NOT NULL,
    month      date   NOT NULL,
    position   bigint NOT NULL
);

-- What all meters measured in a month, in the service's unit.
CREATE TABLE used (
    service  text    NOT NULL,
    month    date    NOT NULL,
    quantity numeric NOT NULL,
    position bigint  NOT NULL
);

-- What each fact changed in that.
CREATE TABLE change (
    service  text    NOT NULL,
    month    date    NOT NULL,
    quantity numeric NOT NULL,
    position bigint  NOT NULL
);
