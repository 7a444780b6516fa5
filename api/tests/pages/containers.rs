//! The files for containers and for Prometheus. No container is started here: what can be held against the program is.

use std::{collections::BTreeSet, fs};

use clap::{CommandFactory, Parser};
use daftar_api::cli::Cli;
use yaml_rust2::{Yaml, YamlLoader};

use super::{company::Company, configuration::all_variables, root};

fn yaml(name: &str) -> Yaml {
    let text = fs::read_to_string(root().join(name)).unwrap();
    let mut documents = YamlLoader::load_from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(documents.len(), 1, "{name} is one document");
    documents.remove(0)
}

fn text(value: &Yaml) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value:?} is no text"))
}

#[test]
fn the_containers_run_commands_that_there_are_with_variables_that_there_are() {
    let (compose, variables) = (yaml("compose.yaml"), all_variables());
    let (services, secrets) = (compose["services"].as_hash().unwrap(), compose["secrets"].as_hash().unwrap());
    let mut ours = vec![];
    for (name, service) in services {
        for dependency in service["depends_on"].as_hash().into_iter().flat_map(|dependencies| dependencies.keys()) {
            assert!(services.contains_key(dependency), "{name:?} depends on {dependency:?}");
        }
        for secret in service["secrets"].as_vec().into_iter().flatten() {
            assert!(secrets.contains_key(secret), "{name:?} is given {secret:?}");
        }
        if service["build"].is_badvalue() {
            continue;
        }
        let command: Vec<&str> = service["command"].as_vec().unwrap().iter().map(text).collect();
        // Files and URLs come from the environment, whose values are in the secrets.
        let given = Cli::try_parse_from([&["daftar"], &command[..]].concat());
        let missing = given.err().filter(|error| error.kind() != clap::error::ErrorKind::MissingRequiredArgument);
        assert!(missing.is_none(), "{name:?}: {missing:?}");
        assert!(Cli::command().find_subcommand(command[0]).is_some(), "{command:?}");
        let secret =
            service["secrets"].as_vec().unwrap().iter().map(text).filter(|name| name.starts_with(|c: char| c.is_ascii_uppercase()));
        for variable in service["environment"].as_hash().into_iter().flat_map(|variables| variables.keys()).map(text).chain(secret) {
            assert!(variables.contains(variable), "{name:?} is given {variable}, which nobody reads");
        }
        ours.push(command[0]);
    }
    ours.sort_unstable();
    assert_eq!(ours, ["migrate", "projector", "scheduler", "server"]);
}

#[test]
fn the_image_holds_the_programs_that_are_built() {
    let dockerfile = fs::read_to_string(root().join("Dockerfile")).unwrap();
    for program in ["daftar", "replay-tool"] {
        assert!(dockerfile.contains(&format!("--bin {program}")) && dockerfile.contains(&format!("release/{program}")), "{program}");
    }
    let workspace = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let rust = workspace.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(dockerfile.contains(&format!("FROM rust:{rust}")), "built with the Rust that Cargo.toml asks for");
    let users: Vec<&str> = dockerfile.lines().filter(|line| line.starts_with("USER ")).collect();
    assert!(!users.is_empty() && users.iter().all(|user| *user != "USER root"), "{users:?}");
}

/// What each alert watches is measured, and the page says what to do about it.
pub fn alerts_watch_what_is_measured(company: &Company) {
    let deployment = company.deployed("measured");
    // Counted once somebody has asked.
    daftar_tests::http::post(deployment.address, "/graphql", &[("Content-Type", "application/json")], "{\"query\":\"{ __typename }\"}")
        .unwrap();
    let measured = daftar_tests::http::get(deployment.address, "/metrics").unwrap().body;
    let measured: BTreeSet<&str> = measured.lines().filter_map(|line| line.split(['{', ' ']).next()).collect();
    let mut alerts = BTreeSet::new();
    for rule in yaml("docs/alerts.yml")["groups"].as_vec().unwrap().iter().flat_map(|group| group["rules"].as_vec().unwrap()) {
        let (name, expression) = (text(&rule["alert"]).to_owned(), text(&rule["expr"]));
        let names = expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| word.starts_with("daftar_"));
        let names: Vec<&str> = names.collect();
        for metric in &names {
            assert!(measured.contains(metric), "{name} watches {metric}, which nobody measures");
        }
        assert!(!names.is_empty() || expression.contains("up{"), "{name} watches nothing of ours");
        assert!(
            ["page", "ticket"].contains(&text(&rule["labels"]["severity"])) && !text(&rule["annotations"]["summary"]).is_empty(),
            "{name}"
        );
        assert!(alerts.insert(name.clone()), "{name} is there twice");
    }
    let page = fs::read_to_string(root().join("docs/operators.md")).unwrap();
    for alert in alerts {
        assert!(page.contains(&format!("`{alert}`")), "docs/operators.md says nothing of {alert}");
    }
}
