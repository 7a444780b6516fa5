//! The official Python client against the node: plain, and over TLS with the credentials that it sends nowhere else.

use std::process::Command;

use crate::peers::{Node, installed, run, scenarios, source};

const TIMEOUT: &str = "60";

fn client(scenario: &str, url: &str, node: &Node) {
    let place = installed("python", &["requirements.txt"], |place| {
        run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(place.join("venv")));
        let mut pip = Command::new(place.join("venv/bin/pip"));
        run(pip.args(["install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(place.join("requirements.txt")));
    });
    let mut client = Command::new("timeout");
    client.arg(TIMEOUT).arg(place.join("venv/bin/python")).arg(source("python", "peer.py")).args([url, scenario]);
    client.args(node.authority.as_ref().map(|authority| authority.path()));
    run(&mut client);
}

mod memory {
    use super::*;

    macro_rules! tests {
        ($($scenario:ident)*) => {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                let node = Node::over_memory().await;
                let url = node.url(stringify!($scenario));
                tokio::task::spawn_blocking(move || client(stringify!($scenario), &url, &node)).await.expect("the client succeeds");
            }
        )*};
    }
    scenarios!(tests);
}

mod tls {
    use super::*;

    macro_rules! tests {
        ($($scenario:ident)*) => {$(
            #[tokio::test(flavor = "multi_thread")]
            async fn $scenario() {
                let node = Node::with_credentials("clerk", "secret").await;
                let scheme = if stringify!($scenario) == "discovers_the_node" { "esdb+discover" } else { "esdb" };
                let url = format!("{scheme}://clerk:secret@{}", node.address);
                tokio::task::spawn_blocking(move || client(stringify!($scenario), &url, &node)).await.expect("the client succeeds");
            }
        )*};
    }
    scenarios!(tests);
}
