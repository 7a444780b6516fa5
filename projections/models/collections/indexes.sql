ALTER TABLE dunning ADD PRIMARY KEY (account_id);
CREATE INDEX ON dunning (step, account_id) WHERE runs;
CREATE INDEX ON notice (account_id, position DESC);
CREATE INDEX ON outcome (ended_on);
-- Whoever holds up two accounts for one reason may give both holds the same id.
ALTER TABLE hold ADD PRIMARY KEY (account_id, hold_id);
ALTER TABLE work_order ADD PRIMARY KEY (disconnection_id);
CREATE INDEX ON work_order (account_id, requested_at DESC, disconnection_id DESC);
CREATE INDEX ON work_order (requested_at DESC, disconnection_id DESC);
CREATE INDEX ON work_order (stage, requested_at DESC, disconnection_id DESC);
ALTER TABLE entry ADD PRIMARY KEY (disconnection_id, revision);
