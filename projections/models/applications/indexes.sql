ALTER TABLE application ADD PRIMARY KEY (application_id);
CREATE INDEX ON application (status, submitted_on, application_id);
CREATE INDEX ON application (submitted_on, application_id);
CREATE INDEX ON application (changed_on, application_id);
CREATE INDEX ON application (account_id, submitted_on, application_id);
ALTER TABLE step ADD PRIMARY KEY (application_id, position);
