ALTER TABLE reading ADD PRIMARY KEY (reading_id);
CREATE INDEX ON reading (meter_id, register, taken_at);
CREATE INDEX ON word (reading_id, position);
CREATE INDEX ON word (meter_id, position);
CREATE INDEX ON bill (meter_id, position);
CREATE INDEX ON bill (invoice_id);
CREATE INDEX ON true_up (meter_id, position);
