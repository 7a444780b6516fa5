//! A client for EventStoreDB and KurrentDB over gRPC that outlives the servers it talks to.
//!
//! ```no_run
//! use eventstore_client::{Client, Expected, NewEvent, ReadStream, Settings};
//! use futures::TryStreamExt;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("esdb://localhost:2113?tls=false".parse::<Settings>()?)?;
//! client.append("greeting-1", Expected::NoStream, [NewEvent::json("Said", r#"{"word":"hello"}"#)]).await?;
//! let mut events = client.read_stream("greeting-1", ReadStream::forwards()).await?;
//! while let Some(event) = events.try_next().await? {
//!     println!("{} {}", event.event.revision, event.event.event_type);
//! }
//! # Ok(())
//! # }
//! ```

mod append;
mod backoff;
mod batch;
mod batch_wire;
mod client;
mod cluster;
mod connection;
mod connection_string;
mod convert;
mod error;
mod event;
mod events;
mod filter;
mod headers;
mod metadata;
mod progress;
mod read;
mod settings;
mod subscription;
mod tls;
pub mod wire;

pub use client::{Client, Method, ServerFeatures};
pub use cluster::{Member, NodeState};
pub use connection_string::ConnectionStringError;
pub use error::Error;
pub use event::{Actual, Appended, ContentType, Expected, NewEvent, Position, RecordedEvent, ResolvedEvent};
pub use events::Events;
pub use filter::Filter;
pub use metadata::{Acl, RecordedMetadata, Roles, StreamMetadata};
pub use read::{AllFrom, ReadAll, ReadStream, StreamFrom};
pub use settings::{Credentials, DEFAULT_PORT, Endpoint, NodePreference, Settings, UserCertificate};
pub use subscription::{SubscribeToAll, SubscribeToStream, Subscription, SubscriptionEvent};
pub use tls::TlsError;
