ALTER TABLE payment ADD PRIMARY KEY (account_id, payment_id);
CREATE INDEX ON payment (account_id, value_on DESC, payment_id DESC);
CREATE INDEX ON payment (value_on DESC, payment_id DESC, account_id DESC);
CREATE INDEX ON payment (amount, payment_id, account_id);
CREATE INDEX ON payment (reference);
ALTER TABLE attempt ADD PRIMARY KEY (payment_id);
CREATE INDEX ON attempt (account_id, started_at);
-- Those of which a gateway has yet to say something, and those of which it may yet say otherwise.
CREATE INDEX ON attempt (payment_id) WHERE status IN ('started', 'pending', 'unknown') OR open_refunds > 0;
CREATE INDEX ON attempt (expires_at) WHERE status IN ('failed', 'expired');
CREATE INDEX ON allocation (account_id, payment_id, position);
CREATE INDEX ON allocation (invoice_id, position) WHERE invoice_id IS NOT NULL;
CREATE INDEX ON refund (account_id, position);
ALTER TABLE cash ADD PRIMARY KEY (position, tender);
ALTER TABLE day ADD PRIMARY KEY (effective_on, tender, cause, currency);
