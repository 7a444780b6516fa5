-- An amount as people write it. Exponents are those of the program's own currencies; a test holds one list against the other.
CREATE FUNCTION daftar_projections.decimal(minor numeric, currency text) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN round(
    minor * CASE WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 0.001 ELSE 0.01 END,
    CASE WHEN currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 3 ELSE 2 END
);
