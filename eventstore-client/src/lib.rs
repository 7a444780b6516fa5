//! A client for EventStoreDB and KurrentDB over gRPC.

pub mod wire;
