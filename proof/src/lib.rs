//! Provable history: what lets an auditor trust nobody.
//!
//! Every event is a leaf of a Merkle tree; signed checkpoints say the tree's root at a size; tiles hold its hashes; an archive carries the
//! events away; a proof file shows one document's events to be in the log. Nothing here waits, reads a clock or knows a store or a bill.

pub mod archive;
mod checkpoint;
mod document;
mod frontier;
mod hash;
mod key;
mod leaf;
mod note;
mod seal;
mod tiles;
mod tree;

pub use checkpoint::{Checkpoint, CheckpointError, CheckpointReason, OpenError, OpenedCheckpoint};
pub use document::{DocumentError, DocumentProof, Payload, Proven, ProvenEvent};
pub use frontier::{Frontier, FrontierError};
pub use hash::{HASH_BYTES, Hash, NotAHash};
pub use key::{KeyError, KeyName, SigningKey, VerifyingKey};
pub use leaf::{Leaf, is_proven};
pub use note::{Note, NoteError, NoteReason, VerifyError};
pub use seal::{Contradiction, Guard, Intent, LogKeys, LogKeysError};
pub use tiles::{
    AuthenticTiles, Difference, DifferenceKind, LeafCheck, NotATile, ResumeError, TILE_WIDTH, Tile, TileDirectory, TileError, TileMap,
    TileSource, TileWriter, WrittenTile,
};
pub use tree::{
    ConsistencyError, Head, InclusionError, Nodes, ProveError, prove_consistency, prove_inclusion, root, verify_consistency,
    verify_inclusion,
};
