ALTER TABLE meter ADD PRIMARY KEY (meter_id);
CREATE INDEX ON meter (serial, meter_id);
CREATE INDEX ON meter (account_id) WHERE account_id IS NOT NULL;
CREATE INDEX ON meter (premises_id);
ALTER TABLE register ADD PRIMARY KEY (meter_id, code);
ALTER TABLE status ADD PRIMARY KEY (meter_id, position);
CREATE INDEX ON component (meter_id, position);
CREATE INDEX ON component (number);
ALTER TABLE test ADD PRIMARY KEY (meter_id, position);
