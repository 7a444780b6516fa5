ALTER TABLE meter ADD PRIMARY KEY (meter_id);
ALTER TABLE register ADD PRIMARY KEY (meter_id, register);
ALTER TABLE month ADD PRIMARY KEY (meter_id, register, month);
ALTER TABLE reading ADD PRIMARY KEY (meter_id, reading_id);
ALTER TABLE used ADD PRIMARY KEY (service, month);
CREATE INDEX ON change (position);
