//! A cluster's life, its accidents, and what is built on it, with real servers.

mod accidents;
mod databases;
mod lifecycle;
mod program;
mod support;
