ALTER TABLE journal ADD PRIMARY KEY (position);
CREATE UNIQUE INDEX ON journal (event_id);
ALTER TABLE entry ADD PRIMARY KEY (position, line);
CREATE INDEX ON entry (account, currency, effective_on, position, line);
-- Days come nearly in the log's order, so a month's entries are found by it at no cost.
CREATE INDEX ON entry USING brin (effective_on);
CREATE INDEX ON entry (customer_id, account) WHERE customer_id IS NOT NULL;
ALTER TABLE day ADD PRIMARY KEY (account, currency, effective_on);
ALTER TABLE period ADD PRIMARY KEY (position);
ALTER TABLE second ADD PRIMARY KEY (second);
ALTER TABLE clock ADD PRIMARY KEY (clock);
