//! A private PostgreSQL cluster, for one machine and for tests.
