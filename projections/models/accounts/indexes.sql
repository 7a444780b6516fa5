ALTER TABLE account ADD PRIMARY KEY (account_id);
CREATE INDEX ON account (number);
CREATE INDEX ON account (opened_on, account_id);
ALTER TABLE class ADD PRIMARY KEY (account_id, effective_on, position);
ALTER TABLE holder ADD PRIMARY KEY (account_id, effective_on, position);
ALTER TABLE standing ADD PRIMARY KEY (account_id, effective_on, position);
ALTER TABLE vat_status ADD PRIMARY KEY (account_id, position);
ALTER TABLE contact ADD PRIMARY KEY (account_id, contact_id);
ALTER TABLE address ADD PRIMARY KEY (account_id, address_id);
