//! The contract of the port, held against each store.

use std::sync::Arc;

use daftar_store::{EventStoreDb, EventWriter, Memory, contract, contract_cases};

/// A test of each case against the store that `open` gives where this stands. What it gives besides lives until the case ends.
macro_rules! tests {
    ($($module:ident: $case:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread")]
        async fn $case() {
            let (store, _alive) = open().await;
            let store: Arc<dyn EventWriter> = Arc::new(store);
            contract::run(stringify!($case), store).await.unwrap_or_else(|failure| panic!("{}", failure.0));
        }
    )*};
}

mod memory {
    use super::*;

    async fn open() -> (impl EventWriter, ()) {
        (Memory::log(), ())
    }

    contract_cases!(tests);
}

mod postgres {
    use super::*;
    use crate::support;

    async fn open() -> (impl EventWriter, impl Sized) {
        let database = support::database().await;
        (support::open(&database).await, database)
    }

    contract_cases!(tests);
}

/// EventStoreDB's protocol on both sides: our client, and our node over memory.
mod eventstoredb {
    use super::*;
    use crate::support;

    async fn open() -> (impl EventWriter, impl Sized) {
        let node = support::node(Memory::log()).await;
        (EventStoreDb::connect(node.url.parse().expect("a connection string")).expect("no certificates to refuse"), node)
    }

    contract_cases!(tests);
}

/// The whole way: our client, the node, and PostgreSQL behind it.
mod eventstoredb_over_postgres {
    use super::*;
    use crate::support;

    async fn open() -> (impl EventWriter, impl Sized) {
        let database = support::database().await;
        let node = support::node(support::open(&database).await).await;
        (EventStoreDb::connect(node.url.parse().expect("a connection string")).expect("no certificates to refuse"), (node, database))
    }

    contract_cases!(tests);
}
