ALTER TABLE run ADD PRIMARY KEY (run_id);
CREATE INDEX ON run (planned_at DESC, run_id DESC);
ALTER TABLE block ADD PRIMARY KEY (run_id, block);
ALTER TABLE total ADD PRIMARY KEY (run_id, block, currency);
ALTER TABLE exception ADD PRIMARY KEY (run_id, account_id);
