//! Asks for mutations and writes down what came of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use daftar_api::caller::Role;
use serde_json::{Value, json};

use super::super::house::{House, Way};

/// Where a phrase is taken.
pub const PHRASE: &str = "'); DROP TABLE daftar_log.events; -- <script>alert(1)</script> \u{202e}";

/// Where a name without blanks is taken.
pub const WORD: &str = "';DROP/**/TABLE--<script>alert(1)</script>";

/// The id of nothing.
pub const NOWHERE: &str = "00000000-0000-0000-0000-000000000007";

pub struct Story {
    pub house: House,
    schema: Schema,
    auditor: String,
    written: String,
    asked: BTreeSet<String>,
    keys: u32,
}

/// What is asked for: the input as it should be, and what to change in it.
pub struct Case {
    pub mutation: &'static str,
    pub input: Value,
    /// Changes that make it something that cannot be meant, or that the rules refuse.
    pub refused: Vec<Value>,
    /// A change that makes it another wish; null, if it says nothing but what it is about.
    pub other: Value,
}

impl Story {
    pub async fn begin() -> Self {
        let house = House::build(Way::Postgres).await;
        let schema = Schema::of(&house);
        let auditor = house.staff("auditor", Role::Auditor).await;
        Self { house, schema, auditor, written: String::new(), asked: BTreeSet::new(), keys: 0 }
    }

    /// Asks for it in every way, and hands back what it was answered at first.
    pub async fn ask(&mut self, case: Case) -> Value {
        let Case { mutation, input, refused, other } = case;
        self.asked.insert(mutation.to_owned());
        writeln!(self.written, "{mutation}").unwrap();
        for change in refused {
            self.refuse(mutation, changed(&input, &change)).await;
        }
        for (token, code) in [("", "UNAUTHENTICATED"), (self.auditor.as_str(), "FORBIDDEN")] {
            let denied = self.send_as(token, "en", mutation, "denied", &input);
            assert_eq!(problem(&denied)["extensions"]["code"], code, "{mutation}: {denied}");
        }
        self.keys += 1;
        let key = format!("{mutation} {}", self.keys);
        let before = self.events().await;
        let answer = self.send("en", mutation, &key, &input);
        let payload = answer["data"][mutation].clone();
        assert!(payload.is_object(), "{mutation}: {answer}");
        assert_eq!(payload["readable"], true, "{mutation}: {answer}");
        let after = self.events().await;
        writeln!(self.written, "  done: {} events, {}", after - before, fields(&payload)).unwrap();

        let again = self.send("ar", mutation, &key, &input);
        assert_eq!(told(&again["data"][mutation]), told(&payload), "a retry of {mutation} is answered as the first try was: {again}");
        // What holds already leaves nothing behind, so nothing knows its key.
        if after > before && !other.is_null() {
            let otherwise = self.send("en", mutation, &key, &changed(&input, &other));
            assert_eq!(problem(&otherwise)["extensions"]["code"], "IDEMPOTENCY_KEY_REUSED", "{mutation}: {otherwise}");
        }
        assert_eq!(self.events().await, after, "{mutation} was done once");
        payload
    }

    /// Asks for what is refused, in both languages.
    pub async fn refuse(&mut self, mutation: &'static str, input: Value) {
        let before = self.events().await;
        for language in ["en", "ar"] {
            let answer = self.send(language, mutation, "refused", &input);
            let problem = problem(&answer);
            let field = problem["extensions"]["field"].as_str().map_or(String::new(), |field| format!(" {field}"));
            let code = problem["extensions"]["code"].as_str().unwrap_or("?");
            assert!(code != "INTERNAL" && code != "INVALID_QUERY", "{mutation}: {answer}");
            let line = format!("  {code}{field}: {}", problem["message"].as_str().unwrap_or("?"));
            writeln!(self.written, "{}", without_ids(&line)).unwrap();
        }
        assert_eq!(self.events().await, before, "what is refused writes nothing: {mutation}");
    }

    /// Asks for something only because the story needs it.
    pub fn prepare(&mut self, mutation: &'static str, input: Value) -> Value {
        self.keys += 1;
        let answer = self.send("en", mutation, &format!("prepare {}", self.keys), &input);
        let payload = answer["data"][mutation].clone();
        assert!(payload.is_object(), "{mutation}: {answer}");
        payload
    }

    /// Holds what was told against the file, and the mutations asked for against those that were to be.
    pub fn end(self, mutations: &[&str], file: expect_test::ExpectFile) {
        let expected: BTreeSet<_> = mutations.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(self.asked, expected);
        file.assert_eq(&self.written);
    }

    /// Those that somebody asked for: what policies make of them comes when it comes. That somebody was refused is noted, too.
    async fn events(&self) -> i64 {
        let count = "SELECT count(*) FROM daftar_log.events WHERE type <> 'ActNoted'
            AND convert_from(metadata, 'UTF8')::jsonb ->> 'actor' NOT LIKE 'policy:%'";
        sqlx::query_scalar(count).fetch_one(&self.house.read_models).await.unwrap()
    }

    fn send(&self, language: &str, mutation: &str, key: &str, input: &Value) -> Value {
        self.send_as(&self.house.admin, language, mutation, key, input)
    }

    fn send_as(&self, token: &str, language: &str, mutation: &str, key: &str, input: &Value) -> Value {
        let Some(Mutation { input: kind, fields }) = &self.schema.mutations[mutation] else { panic!("{mutation} has no input") };
        let query = format!(
            "mutation($key: String!, $input: {kind}) {{ {mutation}(idempotencyKey: $key, input: $input) {{ {} }} }}",
            fields.join(" ")
        );
        self.house.ask(token, language, &query, json!({ "key": key, "input": input }))
    }
}

pub fn names_of_mutations(house: &House) -> BTreeSet<String> {
    Schema::of(house).mutations.into_keys().collect()
}

/// What a client that knows no more than the introspection can ask for.
struct Schema {
    /// Those that are asked for once, by a key.
    mutations: BTreeMap<String, Option<Mutation>>,
}

struct Mutation {
    /// The type of its input.
    input: String,
    /// What its answer says of itself, without what lies behind.
    fields: Vec<String>,
}

impl Schema {
    fn of(house: &House) -> Self {
        let query = "{ __schema { types { name kind fields { name type { kind ofType { kind } } } } mutationType { fields { name type { name ofType { name } }
            args { name type { kind name ofType { name } } } } } } }";
        let answer = house.graphql("en", query, json!({}));
        let schema = &answer["data"]["__schema"];
        let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| panic!("{answer}"));
        let scalars = |type_name: &Value| -> Vec<String> {
            let types = list(&schema["types"]);
            let payload = types.iter().find(|found| found["name"] == *type_name).unwrap();
            let is_scalar = |field: &&Value| {
                let kind = &field["type"];
                ["SCALAR", "ENUM"]
                    .iter()
                    .any(|scalar| kind["kind"] == *scalar || (kind["kind"] == "NON_NULL" && kind["ofType"]["kind"] == *scalar))
            };
            list(&payload["fields"]).iter().filter(is_scalar).map(|field| field["name"].as_str().unwrap().to_owned()).collect()
        };
        let mutations = list(&schema["mutationType"]["fields"]).into_iter().map(|field| {
            let args = list(&field["args"]);
            let mutation = field["name"].as_str().unwrap().to_owned();
            let arg = |name: &str| args.iter().find(|arg| arg["name"] == name);
            let (Some(input), Some(_)) = (arg("input"), arg("idempotencyKey")) else { return (mutation, None) };
            let name = format!("{}!", input["type"]["ofType"]["name"].as_str().unwrap());
            let payload = if field["type"]["name"].is_null() { &field["type"]["ofType"]["name"] } else { &field["type"]["name"] };
            let fields = if payload.is_null() || *payload == "ID" { vec![] } else { scalars(payload) };
            (mutation, Some(Mutation { input: name, fields }))
        });
        Self { mutations: mutations.collect() }
    }
}

fn problem(answer: &Value) -> Value {
    let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("no errors in {answer}"));
    assert_eq!(errors.len(), 1, "{answer}");
    errors[0].clone()
}

/// Objects are changed field by field, all else is replaced.
fn changed(input: &Value, change: &Value) -> Value {
    match (input, change) {
        (Value::Object(input), Value::Object(change)) => {
            let mut input = input.clone();
            for (name, value) in change {
                let field = input.get(name).map_or(value.clone(), |field| changed(field, value));
                input.insert(name.clone(), field);
            }
            input.into()
        }
        _ => change.clone(),
    }
}

/// All but where it stands: policies may have gone on in the meantime.
fn told(payload: &Value) -> Value {
    let mut payload = payload.clone();
    payload.as_object_mut().unwrap().remove("position").expect("a position");
    payload
}

fn fields(payload: &Value) -> String {
    let told = payload.as_object().unwrap().iter().filter(|(name, _)| *name != "position" && *name != "readable");
    let fields: Vec<_> = told.map(|(name, value)| format!("{name} {}", without_ids(&value.to_string()))).collect();
    fields.join(", ")
}

/// Ids follow from keys, but nobody can read them.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| word.len() == 36 && word.bytes().filter(|byte| *byte == b'-').count() == 4;
    let mut rest = text;
    let mut shown = String::new();
    while let Some(next) = rest.chars().next() {
        match rest.get(..36) {
            Some(word) if is_id(word) && word.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit()) => {
                shown.push('…');
                rest = &rest[36..];
            }
            Some(_) | None => {
                shown.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    shown
}
