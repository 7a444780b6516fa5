//! Somebody who reads a page and tries everything on it, in the order in which it stands there.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::symlink,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use daftar_tests::{
    http,
    socket::{Heard, Socket},
};
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::{
    blocks::{Block, Task},
    company::{Company, Deployment},
    root,
};

const END: &str = "--- end of the block ---";

static READERS: AtomicUsize = AtomicUsize::new(0);

pub struct Reader {
    deployment: Deployment,
    password: String,
    tokens: BTreeMap<String, String>,
    /// What an answer called so, for the requests and commands after it.
    known: Map<String, Value>,
    shell: Shell,
    /// What the last commands printed.
    said: String,
}

impl Reader {
    pub fn new(company: &Company) -> Self {
        let deployment = company.deployed(&format!("reader_{}", READERS.fetch_add(1, Ordering::Relaxed)));
        let shell = Shell::new(&deployment.environment);
        let password = company.password.clone();
        let known = Map::from_iter([("password".to_owned(), password.clone().into())]);
        Self { deployment, password, tokens: BTreeMap::new(), known, shell, said: String::new() }
    }

    pub fn tries(&mut self, page: &str, Block { line, task, text }: &Block) {
        let place = format!("{page}:{line}");
        match task {
            Task::Run => self.said = self.shell.run(&place, &exports(&self.known), text),
            Task::Fail => {
                let fails = |line: &str| format!("if {line}; then echo 'this was done'; exit 1; fi\n");
                self.said = self.shell.run(&place, &exports(&self.known), &text.lines().map(fails).collect::<String>());
            }
            Task::Read => self.finds(&place, text),
            Task::Ask { refused } => self.asks(&place, text, refused.as_deref()),
            Task::Follow => self.follows(&place, text),
            Task::Save { name } => fs::write(self.shell.folder.path().join(name), text).unwrap(),
            Task::Parse | Task::Elsewhere => {}
        }
    }

    /// Each line; one that ends in `…` as far as it goes.
    fn finds(&self, place: &str, text: &str) {
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            let found = match line.strip_suffix('…') {
                Some(beginning) => self.said.lines().any(|said| said.starts_with(beginning)),
                None => self.said.lines().any(|said| said.trim_end() == line),
            };
            assert!(found, "{place}: the command does not say {line:?}, but\n{}", self.said);
        }
    }

    fn asks(&mut self, place: &str, text: &str, refused: Option<&str>) {
        let token = self.token(place, text);
        let answer = self.answer(text, &self.variables(place, text), token.as_deref());
        let code = answer["errors"][0]["extensions"]["code"].as_str();
        assert_eq!(code, refused, "{place}: {text}was answered with {answer:#}");
        if refused.is_none() {
            let data = answer["data"].as_object().unwrap_or_else(|| panic!("{place}: {answer}"));
            assert!(!data.values().any(Value::is_null), "{place}: {text}was answered with {answer:#}");
        }
        remember(&mut self.known, &answer["data"]);
    }

    fn follows(&mut self, place: &str, text: &str) {
        let token = self.token(place, text).unwrap_or_else(|| panic!("{place}: nobody follows anything who has not signed in"));
        let mut socket = Socket::introduced(self.deployment.address, &token, "en");
        socket.subscribe("1", text, &self.variables(place, text));
        match socket.hear(Duration::from_secs(10)) {
            Heard::Told(told) => assert_eq!((&told["type"], &told["payload"]["errors"]), (&"next".into(), &Value::Null), "{place}: {told}"),
            other => panic!("{place}: {other:?}"),
        }
    }

    /// `# as billing`: of whom the page says that they ask.
    fn token(&mut self, place: &str, text: &str) -> Option<String> {
        let who = text.lines().next().and_then(|line| line.strip_prefix("# as "))?.trim().to_owned();
        if !self.tokens.contains_key(&who) {
            let sign_in =
                "mutation ($who: String!, $password: String!) { signIn(input: { userName: $who, password: $password }) { accessToken } }";
            let answer = self.answer(sign_in, &json!({ "who": who, "password": self.password }), None);
            let token =
                answer["data"]["signIn"]["accessToken"].as_str().unwrap_or_else(|| panic!("{place}: {who} is not let in: {answer}"));
            self.tokens.insert(who.clone(), token.to_owned());
        }
        self.tokens.get(&who).cloned()
    }

    /// Those that the request declares, as far as an answer before it knew them.
    fn variables(&self, place: &str, text: &str) -> Value {
        let names = text.split('$').skip(1).map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default());
        let known = names.map(|name| {
            let value = self.known.get(name).unwrap_or_else(|| panic!("{place}: no answer before it has called anything `{name}`"));
            (name.to_owned(), value.clone())
        });
        Value::Object(known.collect())
    }

    fn answer(&self, query: &str, variables: &Value, token: Option<&str>) -> Value {
        let authorization = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Content-Type", "application/json"), ("Accept-Language", "en")];
        headers.extend(authorization.as_deref().map(|authorization| ("Authorization", authorization)));
        let body = json!({ "query": query, "variables": variables }).to_string();
        http::post(self.deployment.address, "/graphql", &headers, &body).unwrap().json()
    }
}

/// Every word and number of an answer, by its name; of a list, the first.
fn remember(known: &mut Map<String, Value>, answer: &Value) {
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(_) | Value::Number(_) => drop(known.insert(name.clone(), value.clone())),
                    Value::Object(_) | Value::Array(_) => remember(known, value),
                    Value::Null | Value::Bool(_) => {}
                }
            }
        }
        Value::Array(members) => members.iter().rev().for_each(|member| remember(known, member)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// For the shell.
fn exports(known: &Map<String, Value>) -> String {
    let words = known.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
    words.map(|(name, value)| format!("{name}='{}'\n", value.replace('\'', "'\\''"))).collect()
}

/// One for each page, in a folder of its own that has what stands beside README.
struct Shell {
    folder: TempDir,
    shell: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Shell {
    fn new(environment: &[(&'static str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["docs", "fixtures", "scripts"] {
            symlink(root().canonicalize().unwrap().join(name), folder.path().join(name)).unwrap();
        }
        let mut shell = Command::new("sh");
        shell.arg("-eu").current_dir(&folder).env_clear().envs(environment.iter().cloned());
        let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (input, output) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()));
        Self { folder, shell, input, output }
    }

    /// What it prints. The shell ends with the first command that fails.
    fn run(&mut self, place: &str, before: &str, script: &str) -> String {
        fs::write(self.folder.path().join(".block"), format!("{before}{script}")).unwrap();
        writeln!(self.input, ". ./.block </dev/null 2>&1\nprintf '\\n%s\\n' '{END}'").unwrap();
        let mut said = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.output.read_line(&mut line).unwrap(), 0, "{place}: this fails:\n{script}after it said\n{said}");
            if line.trim_end() == END {
                return said;
            }
            said += &line;
        }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}
