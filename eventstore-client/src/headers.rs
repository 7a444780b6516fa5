//! What accompanies every call.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tonic::Request;
use tonic::metadata::AsciiMetadataValue;
use uuid::Uuid;

use crate::settings::{Credentials, NodePreference, Settings};

#[derive(Clone)]
pub(crate) struct Headers {
    authorization: Option<AsciiMetadataValue>,
    requires_leader: AsciiMetadataValue,
    connection_name: Option<AsciiMetadataValue>,
}

impl Headers {
    pub(crate) fn new(settings: &Settings) -> Self {
        let requires_leader = match settings.node_preference {
            NodePreference::Leader => "true",
            NodePreference::Follower | NodePreference::Random | NodePreference::ReadOnlyReplica => "false",
        };
        let name = settings.connection_name.clone().unwrap_or_else(|| Uuid::new_v4().to_string());
        Headers {
            authorization: settings.credentials.as_ref().and_then(basic),
            requires_leader: AsciiMetadataValue::from_static(requires_leader),
            // A name that cannot travel is only missed in the server's log.
            connection_name: name.parse().ok(),
        }
    }

    pub(crate) fn with_credentials(&self, credentials: &Credentials) -> Self {
        Headers { authorization: basic(credentials), ..self.clone() }
    }

    /// The message as a request; the server is told how long we will wait.
    pub(crate) fn request<T>(&self, message: T, patience: Option<Duration>) -> Request<T> {
        let mut request = Request::new(message);
        let metadata = request.metadata_mut();
        metadata.insert("requires-leader", self.requires_leader.clone());
        if let Some(authorization) = &self.authorization {
            metadata.insert("authorization", authorization.clone());
        }
        if let Some(name) = &self.connection_name {
            metadata.insert("connection-name", name.clone());
        }
        if let Some(patience) = patience {
            request.set_timeout(patience);
        }
        request
    }
}

fn basic(credentials: &Credentials) -> Option<AsciiMetadataValue> {
    let encoded = BASE64_STANDARD.encode(format!("{}:{}", credentials.username, credentials.password));
    let mut value: AsciiMetadataValue = format!("Basic {encoded}").parse().ok()?;
    // Keeps it out of debug output and out of the header compression's memory.
    value.set_sensitive(true);
    Some(value)
}
