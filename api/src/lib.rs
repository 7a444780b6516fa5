//! The one door for people: GraphQL and HTTP, the command line, and the place where parts are put together.
//!
//! Nothing here has an opinion on billing. A resolver parses, calls one function, and maps the result.

pub mod app;
pub mod auth;
pub mod caller;
pub mod cli;
pub mod commands;
pub mod compose;
pub mod consumption;
pub mod files;
mod formatted;
pub mod graphql;
pub mod http;
pub mod input;
pub mod language;
pub mod notices;
pub mod problem;
mod refusal;
mod seal;
pub mod stop;
pub mod telemetry;
