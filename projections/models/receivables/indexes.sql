ALTER TABLE item ADD PRIMARY KEY (account_id, item_id);
CREATE INDEX ON item (account_id) INCLUDE (item_id, currency, due_on, open, planned) WHERE open <> 0;
CREATE INDEX ON item (invoice_id) WHERE invoice_id IS NOT NULL;
ALTER TABLE credit ADD PRIMARY KEY (account_id, credit_id);
CREATE INDEX ON credit (account_id) INCLUDE (currency, unspent) WHERE unspent <> 0;
ALTER TABLE movement ADD PRIMARY KEY (position, line);
CREATE INDEX ON movement (account_id, effective_on, position);
-- Days come nearly in the log's order, so what applies after one is found by it at little cost.
CREATE INDEX ON movement USING brin (effective_on);
CREATE INDEX ON item (given_up_on, item_id) WHERE written_off <> 0;
CREATE INDEX ON dispute (account_id, item_id, position);
ALTER TABLE cohort ADD PRIMARY KEY (issued_in, due_on, currency);
ALTER TABLE plan ADD PRIMARY KEY (account_id, plan_id);
CREATE INDEX ON plan (account_id) WHERE state = 'running';
CREATE INDEX ON plan (agreed_on, plan_id);
ALTER TABLE instalment ADD PRIMARY KEY (account_id, plan_id, number);
ALTER TABLE subsidy ADD PRIMARY KEY (position);
ALTER TABLE subsidy_day ADD PRIMARY KEY (authority, currency, effective_on);
