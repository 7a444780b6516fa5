//! `daftar user`: the first admin, and whoever has forgotten their password.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use daftar_cluster::testing::{TestDatabase, test_database};
use daftar_tests::http;
use expect_test::expect;
use serde_json::{Value, json};

use crate::daftar::{Running, address_in, daftar, failure};

const NODE: (&str, &str) = ("DAFTAR_NODE_USER", "DAFTAR_NODE_PASSWORD");

/// A log of its own behind a node, the tables in a database, and a master key.
struct Deployment {
    log: Running,
    log_url: String,
    tables: TestDatabase,
    files: tempfile::TempDir,
}

impl Deployment {
    async fn new() -> Self {
        let mut log = Running::start(daftar(&["node", "--memory", "--writable", "--port", "0"]).env(NODE.0, "me").env(NODE.1, "secret"));
        let log_url = format!("esdb://me:secret@{}?tls=false", address_in(&log.line_with("event store on")));
        let tables = test_database("empty", async |_| Ok::<(), ()>(())).await;
        let deployment = Self { log, log_url, tables, files: tempfile::tempdir().unwrap() };
        fs::write(deployment.file("master.key"), [7; 32]).unwrap();
        fs::set_permissions(deployment.file("master.key"), fs::Permissions::from_mode(0o600)).unwrap();
        assert!(deployment.run(&["migrate"]).status().unwrap().success());
        deployment
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.files.path().join(name)
    }

    fn run(&self, arguments: &[&str]) -> Command {
        let mut command = daftar(arguments);
        command.env("DATABASE_URL", self.tables.url()).env("EVENTSTORE_URL", &self.log_url).env("DAFTAR_LISTEN", "127.0.0.1:0");
        command.env("DAFTAR_MASTER_KEY_FILE", self.file("master.key"));
        command
    }

    fn said(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}

fn password_in(said: &str) -> String {
    let (_, password) = said.split_once("password ").unwrap_or_else(|| panic!("no password in {said:?}"));
    password.split(' ').next().unwrap().to_owned()
}

fn write(path: &Path, text: &str) -> String {
    fs::write(path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_admin_is_made_on_the_command_line_and_let_in_again() {
    let deployment = Deployment::new().await;
    let mut server = Running::start(&mut deployment.run(&["server"]));
    server.line_with("Nobody can sign in yet: make an admin with `daftar user create`");
    let address = address_in(&server.line_with("GraphQL on"));
    let sign_in = |password: &str| -> Value {
        let query = format!("mutation {{ signIn(input: {{ userName: \"noura\", password: \"{password}\" }}) {{ accessToken }} }}");
        let headers = [("Content-Type", "application/json"), ("Accept-Language", "en")];
        http::post(address, "/graphql", &headers, &json!({ "query": query }).to_string()).unwrap().json()
    };

    let made_up = password_in(&deployment.said(&["user", "create", "--name", "Noura", "--role", "admin", "--role", "billing"]));
    assert_eq!(made_up.len(), 20);
    assert!(sign_in(&made_up)["data"]["signIn"]["accessToken"].is_string(), "{}", sign_in(&made_up));

    let (code, taken) = failure(&mut deployment.run(&["user", "create", "--name", "noura", "--role", "cashier"]));
    assert_eq!((code, taken.as_str()), (1, "error: somebody else has this user name\n"));
    let (code, nobody) = failure(&mut deployment.run(&["user", "reset", "--name", "nobody"]));
    assert_eq!((code, nobody.as_str()), (1, "error: there is no such user\n"));
    let short = write(&deployment.file("short"), "short\n");
    let (code, short) = failure(&mut deployment.run(&["user", "reset", "--name", "noura", "--password-file", &short]));
    expect!["error: it must not be shorter than 10 characters\n"].assert_eq(&short);
    assert_eq!(code, 2);
    assert!(sign_in(&made_up)["errors"].is_null(), "what was refused has changed nothing");

    for _ in 0..5 {
        sign_in("wrong password");
    }
    assert_eq!(sign_in(&made_up)["errors"][0]["extensions"]["code"], "LOCKED_OUT");
    let chosen = write(&deployment.file("chosen"), "correct horse battery\n");
    let said = deployment.said(&["user", "reset", "--name", "noura", "--password-file", &chosen]);
    assert!(said.ends_with("has a new password, no second factor and no session\n"), "{said}");
    assert_eq!(sign_in(&made_up)["errors"][0]["extensions"]["code"], "BAD_CREDENTIALS");
    assert!(sign_in("correct horse battery")["errors"].is_null());

    assert!(server.terminate().0);
    assert!(deployment.log.terminate().0);
}
