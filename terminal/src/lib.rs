//! What programs show to people. Where nobody looks (a pipe, a file) it is plain text without control characters.

mod display;
mod size;
mod table;

pub use display::Display;
pub use size::bytes;
pub use table::{Align, Table, isolated};
