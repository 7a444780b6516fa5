//! The official Node.js client against the node.

use std::process::Command;

use crate::peers::{Node, installed, run, scenarios, source};

const TIMEOUT: &str = "60";

fn client(scenario: &str, url: &str) {
    let place = installed("node", &["package.json", "package-lock.json"], |place| {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(place));
    });
    run(Command::new("timeout").args([TIMEOUT, "node"]).arg(source("node", "peer.mjs")).args([url, scenario]).current_dir(place));
}

mod memory {
    use super::*;

    macro_rules! tests {
        ($($scenario:ident)*) => {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                let node = Node::over_memory().await;
                let url = node.url(stringify!($scenario));
                tokio::task::spawn_blocking(move || client(stringify!($scenario), &url)).await.expect("the client succeeds");
            }
        )*};
    }
    scenarios!(tests);
}
