//! A portal made of the libraries that portals are made of: graphql-request and graphql-ws.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use daftar_api::http::Settings;
use serde_json::json;

use crate::{
    journeys::{
        company::{Company, MANY},
        house::PASSWORD,
    },
    peers::{installed, run, source},
};

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_signs_in_lists_pays_and_hears_of_it_also_after_a_restart() {
    let place = installed("portal", &["package.json", "package-lock.json"], |place| {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(place));
    });
    let mut company = Company::with_door(Settings { per_user: MANY, per_address: MANY, ..Settings::default() }).await;
    let account = company.house.ask(&company.stranger, "en", "{ myAccounts { invoices { totalCount } } }", json!({}));
    assert!(account["data"]["myAccounts"][0]["invoices"]["totalCount"].is_number(), "{account}");

    let mut portal = Command::new("node")
        .arg(source("portal", "portal.mjs"))
        .args([&company.house.server.to_string(), "stranger", PASSWORD])
        .current_dir(place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let (mut tell, mut said) = (portal.stdin.take().unwrap(), BufReader::new(portal.stdout.take().unwrap()));
    let mut updates = 0;
    loop {
        let mut line = String::new();
        if said.read_line(&mut line).expect("text") == 0 {
            break;
        }
        updates += usize::from(line.contains("within two seconds"));
        if line.trim() == "restart" {
            company.house.stop_server().await;
            company.house.start_server().await;
            writeln!(tell, "restarted").expect("it listens");
        }
    }
    assert!(portal.wait().expect("it ends").success(), "it says above why not");
    assert_eq!(updates, 2);
}
