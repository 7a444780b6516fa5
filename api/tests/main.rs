//! The `daftar` program as whoever runs it meets it.

mod bill_run;
mod collector;
mod commands;
mod daftar;
mod head_end;
mod import;
mod logs;
mod node;
mod pages;
mod projections;
mod rate;
mod up;
mod user;
