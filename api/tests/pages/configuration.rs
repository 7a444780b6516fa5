//! `docs/configuration.md`: every option of every command, as the command line itself describes it.

use std::{collections::BTreeSet, fs, path::Path};

use clap::{Arg, ArgAction, Command, CommandFactory};
use daftar_api::cli::Cli;

use super::root;

const INTRODUCTION: &str = "\
# Configuration

What `daftar` takes, command by command, made from what `daftar COMMAND --help` says: a test holds this page against it
(`UPDATE_EXPECT=1` writes it anew). An option on the command line is stronger than its environment variable; there is no file
of settings. Passwords and keys are not for the command line, which everybody on the machine can read: URLs with a password
belong into the environment, keys into files that nobody else can read.

## What is only in the environment

| variable | for | meaning |
|---|---|---|
";

/// What no option stands for.
const ENVIRONMENT: &[(&str, &str, &str)] = &[
    ("DAFTAR_LOG", "every command", "what is logged to standard error, as `warn,daftar_api=info`: a level for all and for parts"),
    ("DAFTAR_LOG_FORMAT", "every command", "`json` has one JSON object a line; text for people, if absent"),
    ("DAFTAR_NODE_PASSWORD", "`node --writable`", "the password of whoever may write"),
    ("DAFTAR_NODE_USER", "`node --writable`", "the name of whoever may write"),
    ("DAFTAR_PG_BIN", "`up`, `demo`", "the directory of PostgreSQL's programs, where they are in none of the usual places"),
    ("DAFTAR_SEAL_KEY", "`projector`, `up`, `seal key`", "the keys that seal the log, in place of their file"),
    (
        "DAFTAR_SIMULATED_GATEWAY_SECRET",
        "`server`, `scheduler`, `day-end`, `simulated-gateway`",
        "what the simulated payment gateway and the engine know each other by",
    ),
    (
        "DAFTAR_SIMULATED_HEAD_END_SECRET",
        "`server`, `scheduler`, `simulated-head-end`",
        "what the simulated head-end and the engine know each other by",
    ),
    ("DAFTAR_USER_PASSWORD", "`user create`, `user reset`", "the password, where no file holds it"),
    (
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "every command",
        "the collector that spans of requests and commands are sent to, by OTLP over gRPC, as `http://127.0.0.1:4317`; nowhere, if absent. The other variables of OpenTelemetry for that hold too",
    ),
    ("OTEL_SERVICE_NAME", "every command", "what the spans are said to be of; `daftar`, if absent"),
];

#[test]
fn the_page_of_options_is_what_the_command_line_says() {
    let mut page = INTRODUCTION.to_owned();
    for (variable, commands, meaning) in ENVIRONMENT {
        page += &format!("| `{variable}` | {commands} | {meaning} |\n");
    }
    tables(&Cli::command(), "daftar", &mut page);
    expect_test::expect_file!["../../../docs/configuration.md"].assert_eq(&page);
}

#[test]
fn no_variable_is_read_that_the_page_does_not_name() {
    let (mut read, mut named) = (BTreeSet::new(), variables(&Cli::command()));
    named.extend(ENVIRONMENT.iter().map(|(variable, ..)| (*variable).to_owned()));
    for crate_ in ["api", "cluster"] {
        literals(&root().join(crate_).join("src"), &mut read);
    }
    // What tests and whoever builds the program set is nobody's configuration.
    read.remove("DAFTAR_TEST_POSTGRES");
    assert_eq!(read, named.into_iter().filter(|name| name.starts_with("DAFTAR_")).collect());
}

/// What the environment may say in place of an option, of any command.
pub fn variables(command: &Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|argument| Some(argument.get_env()?.to_str()?.to_owned()));
    own.chain(command.get_subcommands().flat_map(variables)).collect()
}

/// All that the environment may say.
pub fn all_variables() -> BTreeSet<String> {
    let only_there = ENVIRONMENT.iter().map(|(variable, ..)| (*variable).to_owned());
    variables(&Cli::command()).into_iter().chain(only_there).collect()
}

fn tables(command: &Command, name: &str, page: &mut String) {
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let name = format!("{name} {}", command.get_name());
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let arguments: Vec<_> =
            command.get_arguments().filter(|argument| !["help", "version"].contains(&argument.get_id().as_str())).collect();
        if command.get_subcommands().next().is_none() {
            *page += &format!("\n## `{name}`\n{about}.\n");
            if !arguments.is_empty() {
                *page += "\n| option | environment | default | meaning |\n|---|---|---|---|\n";
                arguments.into_iter().for_each(|argument| *page += &row(argument));
            }
        }
        tables(command, &name, page);
    }
}

fn row(argument: &Arg) -> String {
    let takes_a_value = !matches!(argument.get_action(), ArgAction::SetTrue);
    let value = argument.get_value_names().into_iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join(" ");
    let option = match (argument.get_long(), takes_a_value) {
        (Some(long), true) => format!("`--{long} {value}`"),
        (Some(long), false) => format!("`--{long}`"),
        (None, _) => format!("`{value}`"),
    };
    let environment = argument.get_env().and_then(|name| name.to_str()).map(|name| format!("`{name}`")).unwrap_or_default();
    let default = match argument.get_default_values() {
        _ if argument.is_required_set() => "must be given".to_owned(),
        values if takes_a_value && !values.is_empty() => {
            values.iter().map(|value| format!("`{}`", value.to_string_lossy())).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    let meaning = argument.get_help().map(ToString::to_string).unwrap_or_default();
    format!("| {option} | {environment} | {default} | {} |\n", meaning.replace('|', "\\|"))
}

/// Names of ours that stand in quotes.
fn literals(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            literals(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&entry).unwrap();
            let quoted = text.split('"').filter(|part| part.starts_with("DAFTAR_"));
            found.extend(quoted.filter(|part| part.chars().all(|c| c.is_ascii_uppercase() || c == '_')).map(str::to_owned));
        }
    }
}
