//! The protocol as generated from `proto/`: messages, clients and server stubs.
//!
//! The client of this crate is built on it, and so is a node that wants to speak the same protocol.

#[allow(clippy::all, missing_debug_implementations)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/wire.rs"));
}

pub use generated::event_store::client::{
    AccessDenied, AllStreamPosition, BadRequest, Empty, MaximumAppendSizeExceeded, StreamDeleted, StreamIdentifier, Timeout, Uuid,
    WrongExpectedVersion, gossip, server_features, streams, uuid, wrong_expected_version,
};
pub use generated::google::rpc;
