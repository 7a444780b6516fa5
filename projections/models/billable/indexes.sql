ALTER TABLE fact ADD PRIMARY KEY (stream_id, position);
ALTER TABLE series ADD PRIMARY KEY (series_id, position);
ALTER TABLE supply ADD PRIMARY KEY (account_id, agreement_id);
ALTER TABLE meter ADD PRIMARY KEY (service_point_id, meter_id, position);
ALTER TABLE billed ADD PRIMARY KEY (account_id, agreement_id, invoice_id, position);
ALTER TABLE draft ADD PRIMARY KEY (account_id, agreement_id, invoice_id, position);
ALTER TABLE void ADD PRIMARY KEY (invoice_id, position);
ALTER TABLE stand ADD PRIMARY KEY (stream_id);
