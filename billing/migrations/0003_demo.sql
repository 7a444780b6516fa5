-- Says that what is in the store is made up, and from what. Absent where the customers are real.
CREATE TABLE daftar_billing.demo (
    -- There is one row at most.
    made_up   boolean     PRIMARY KEY DEFAULT true CHECK (made_up),
    accounts  integer     NOT NULL,
    months    integer     NOT NULL,
    seed      integer     NOT NULL,
    begun_at  timestamptz NOT NULL DEFAULT now(),
    -- Empty while it is being loaded.
    loaded_at timestamptz
);

-- Only the owner makes a store a demo.
GRANT SELECT ON daftar_billing.demo TO daftar_projector;
