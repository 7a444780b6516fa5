//! The client against a real gRPC server on loopback, which can be killed, restarted and told to misbehave.

mod server;

mod appending;
mod batching;
mod cluster;
mod connecting;
mod connection_strings;
mod errors;
mod metadata;
mod reading;
mod subscribing;
mod tls;
