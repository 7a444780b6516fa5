//! EventStoreDB's protocol, held against the node over each storage, and over TLS.

use daftar_store::{Memory, protocol, protocol_cases};

use crate::{support, tls};

/// A test of each case against the server that `serve` gives where this stands. What it gives besides lives until the case ends.
macro_rules! tests {
    ($($module:ident: $case:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            let (url, _alive) = serve().await;
            protocol::run(stringify!($case), &url).await.unwrap_or_else(|failure| panic!("{}", failure.0));
        }
    )*};
}

mod memory {
    use super::*;

    async fn serve() -> (String, impl Sized) {
        let node = support::node(Memory::log()).await;
        (node.url.clone(), node)
    }

    protocol_cases!(tests);
}

mod postgres {
    use super::*;

    async fn serve() -> (String, impl Sized) {
        let database = support::database().await;
        let node = support::node(support::open(&database).await).await;
        (node.url.clone(), (node, database))
    }

    protocol_cases!(tests);
}

mod memory_over_tls {
    use super::*;

    async fn serve() -> (String, impl Sized) {
        let node = tls::node(Memory::log()).await;
        (node.url.clone(), node)
    }

    protocol_cases!(tests);
}
