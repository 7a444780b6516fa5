//! One binary: a module per journey, and one per official client.

mod journeys;
mod official_node;
mod official_python;
mod official_rust;
mod peers;
mod portal;
