//! The made-up company, as `daftar up` leaves it; and a deployment of it for whoever reads a page.

use std::{
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
};

use daftar_cluster::{Cluster, Options, SUPERUSER};
use tempfile::TempDir;

use super::root;
use crate::daftar::{Running, address_in, daftar};

const GATEWAY_SECRET: &str = "a secret that is long enough to be one";

pub struct Company {
    cluster: Cluster,
    home: TempDir,
    pub password: String,
}

/// Everything that runs, on a copy of the company's data.
pub struct Deployment {
    pub address: SocketAddr,
    /// For commands: where things are, and what they are called on the pages.
    pub environment: Vec<(&'static str, String)>,
    _processes: [Running; 3],
}

impl Company {
    pub fn new() -> Self {
        let (cluster, home) = (Cluster::throw_away(Options::durable()).unwrap(), tempfile::tempdir().unwrap());
        let company = Self { cluster, home, password: String::new() };
        company.psql("postgres", "CREATE DATABASE company");
        let mut up = daftar(&["up", "--demo", "--listen", "127.0.0.1:0", "--node-port", "0"]);
        up.env("DAFTAR_HOME", company.home.path()).env("DATABASE_URL", company.cluster.url("company", SUPERUSER));
        up.env("DAFTAR_DEMO_ACCOUNTS", "24").env("DAFTAR_DEMO_MONTHS", "4").env("DAFTAR_SEAL_EVERY", "0").env("DAFTAR_LOG", "error");
        let mut up = Running::start(&mut up);
        let password = up.line_with("Password").split_whitespace().last().unwrap().to_owned();
        assert!(up.terminate().0);
        company.link_programs();
        Self { password, ..company }
    }

    pub fn deployed(&self, name: &str) -> Deployment {
        self.psql("postgres", &format!("CREATE DATABASE {name} TEMPLATE company"));
        let mut environment = vec![
            ("DATABASE_URL", self.cluster.url(name, SUPERUSER)),
            ("DAFTAR_MASTER_KEY_FILE", self.home.path().join("master.key").to_str().unwrap().to_owned()),
            ("DAFTAR_SEAL_KEY_FILE", self.home.path().join("seal.key").to_str().unwrap().to_owned()),
            ("DAFTAR_SEAL_EVERY", "0".to_owned()),
            ("DAFTAR_LOG", "error".to_owned()),
        ];
        let run = |arguments: &[&str]| {
            let mut command = daftar(arguments);
            command.envs(environment.iter().cloned()).env("DAFTAR_SIMULATED_GATEWAY_SECRET", GATEWAY_SECRET);
            command
        };
        let mut gateway = Running::start(&mut run(&["simulated-gateway", "--listen", "127.0.0.1:0"]));
        let gateway_url = format!("http://{}", address_in(&gateway.line_with("gateway on")));
        let terms = root().join("fixtures/demo/terms.json");
        let server = ["server", "--listen", "127.0.0.1:0", "--simulated-gateway", &gateway_url, "--terms", terms.to_str().unwrap()];
        let mut server = Running::start(&mut run(&server));
        let address = address_in(&server.line_with("GraphQL on"));
        let projector = Running::start(&mut run(&["projector"]));
        let programs = format!("{}:{}", self.programs().display(), self.cluster.binaries().directory().display());
        environment.extend([
            ("PATH", std::env::var("PATH").map_or(programs.clone(), |path| format!("{programs}:{path}"))),
            ("SERVER", format!("http://{address}")),
            ("PASSWORD", self.password.clone()),
        ]);
        Deployment { address, environment, _processes: [gateway, server, projector] }
    }

    fn programs(&self) -> PathBuf {
        self.home.path().join("programs")
    }

    fn link_programs(&self) {
        fs::create_dir(self.programs()).unwrap();
        symlink(env!("CARGO_BIN_EXE_daftar"), self.programs().join("daftar")).unwrap();
        fs::set_permissions(self.home.path(), Permissions::from_mode(0o755)).unwrap();
    }

    fn psql(&self, database: &str, statement: &str) {
        let mut psql = Command::new(self.cluster.binaries().directory().join("psql"));
        psql.args(["--quiet", "--no-psqlrc", "--command", statement, &self.cluster.url(database, SUPERUSER)]);
        assert!(psql.status().unwrap().success(), "{statement}");
    }
}
