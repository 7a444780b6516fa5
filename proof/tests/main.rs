//! Our notes, tiles and proofs, held to somebody else's implementation of the same specifications.

mod notes;
mod tiles;
