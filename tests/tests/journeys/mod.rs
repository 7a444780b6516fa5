//! What people do, from the door to the disk and back: real HTTP, a real Postgres, nothing mocked.

mod house;
mod open_account;
