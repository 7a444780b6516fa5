ALTER TABLE person ADD PRIMARY KEY (user_id);
CREATE INDEX ON person (registered_position);
ALTER TABLE claim ADD PRIMARY KEY (user_id, account_id);
CREATE INDEX ON claim (account_id);
ALTER TABLE act ADD PRIMARY KEY (position);
CREATE INDEX ON act (user_id, position);
CREATE INDEX ON act (subject, position);
CREATE INDEX ON act (act, position);
