use std::sync::Arc;

use eventstore_client::{ConnectionStringError, Settings, TlsError};
use thiserror::Error;

use crate::{EventStoreDb, EventWriter, Memory, Postgres, PostgresOptions, StoreError};

/// Why a URL does not lead to an event store.
#[derive(Debug, Error)]
pub enum OpenError {
    #[error("`{scheme}` is no event store that Daftar knows: expected postgres://, esdb://, kurrentdb:// or memory:")]
    UnknownScheme { scheme: String },
    #[error("the connection string is malformed")]
    ConnectionString(#[from] ConnectionStringError),
    #[error("the certificates of the connection cannot be used")]
    Tls(#[from] TlsError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The store that the URL's scheme names.
pub async fn open(url: &str) -> Result<Arc<dyn EventWriter>, OpenError> {
    match scheme(url) {
        "memory" => Ok(Arc::new(Memory::log())),
        "postgres" | "postgresql" => Ok(Arc::new(Postgres::connect(url, PostgresOptions::default()).await?)),
        _ if speaks_protocol(url) => Ok(Arc::new(EventStoreDb::connect(url.parse::<Settings>()?)?)),
        // Only the scheme may be repeated in a message: what follows may hold a password.
        scheme => Err(OpenError::UnknownScheme { scheme: scheme.chars().take(20).collect() }),
    }
}

/// Whether what the URL names speaks EventStoreDB's protocol.
pub fn speaks_protocol(url: &str) -> bool {
    let scheme = scheme(url);
    matches!(scheme.strip_suffix("+discover").unwrap_or(scheme), "esdb" | "kurrentdb" | "kurrent" | "kdb")
}

fn scheme(url: &str) -> &str {
    url.split_once(':').map_or(url, |(scheme, _)| scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_url_that_leads_nowhere_is_refused_without_its_password() {
        for (url, reason) in [
            (
                "mysql://me:secret@host",
                "`mysql` is no event store that Daftar knows: expected postgres://, esdb://, kurrentdb:// or memory:",
            ),
            ("", "`` is no event store that Daftar knows: expected postgres://, esdb://, kurrentdb:// or memory:"),
            ("esdb://me:secret@host?colour=red", "the connection string is malformed"),
            ("postgres://me:secret@host:port/", "the PostgreSQL URL failed"),
        ] {
            let error = open(url).await.map(|_| ()).unwrap_err();
            assert_eq!(error.to_string(), reason);
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
