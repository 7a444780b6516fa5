//! What people do, from the door to the disk and back: real HTTP, a real Postgres, nothing mocked.

mod abuse;
mod attachments;
mod claiming;
pub mod company;
mod connecting;
mod hostile;
pub mod house;
mod live;
mod machines;
mod matrix;
mod mutations;
mod open_account;
mod orders;
mod queries;
mod repair;
mod resilience;
mod schema;
mod signing_in;
mod statements;

use serde_json::Value;

/// The errors of an answer: code, field and message, a line each.
fn problems(answer: &Value) -> String {
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("no errors in {answer}"));
    let line = |error: &Value| {
        let field = error["extensions"]["field"].as_str().unwrap_or("-");
        format!("{} {field}: {}\n", error["extensions"]["code"].as_str().unwrap_or("?"), error["message"].as_str().unwrap_or("?"))
    };
    errors.iter().map(line).collect()
}
