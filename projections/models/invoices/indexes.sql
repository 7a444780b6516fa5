ALTER TABLE invoice ADD PRIMARY KEY (invoice_id);
CREATE INDEX ON invoice (account_id, issued_on DESC, invoice_id DESC);
CREATE INDEX ON invoice (due_on, invoice_id) WHERE left_to_pay > 0;
CREATE INDEX ON invoice (status, invoice_id) WHERE status IN ('draft', 'held', 'approved');
CREATE INDEX ON standing (invoice_id, position);
ALTER TABLE document ADD PRIMARY KEY (document_id);
CREATE INDEX ON document (invoice_id, position);
CREATE INDEX ON document (number);
CREATE INDEX ON document (issued_on);
