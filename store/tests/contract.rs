//! The contract of the port, held against each store.

use std::sync::Arc;

use daftar_store::{EventWriter, Memory, contract, contract_cases};

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
