ALTER TABLE version ADD PRIMARY KEY (series_id, code);
CREATE INDEX ON version (series, effective_from);
CREATE INDEX ON version (service, class, effective_from);
ALTER TABLE closed ADD PRIMARY KEY (series_id, code);
