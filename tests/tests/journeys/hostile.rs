//! What attackers type, in every field of every mutation and query that takes text: found by introspection, so that a new field is tried too.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    house::{House, Way},
    mutations::story::{NOWHERE, PHRASE, WORD},
};

const SCHEMA: &str = "{ __schema { queryType { fields { name args { name type { ...T } } type { ...T } } } mutationType { fields { name args { name type { ...T } }
    type { ...T } } } types { name kind isOneOf enumValues { name } fields { name } inputFields { name type { ...T } } } } }
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// What is put where text is taken; ids are text as well, until they are looked at.
#[derive(Clone, Copy, Debug)]
struct Typed {
    text: &'static str,
    id: &'static str,
}

const ATTEMPTS: [Typed; 4] = [
    Typed { text: PHRASE, id: NOWHERE },
    Typed { text: WORD, id: NOWHERE },
    Typed { text: "\u{0}\u{1b}[2J\r\nX-Injected: 1", id: "' OR '1'='1" },
    Typed { text: "{{7*7}}${7*7}<img src=x onerror=alert(1)>", id: PHRASE },
];

struct Schema {
    types: BTreeMap<String, Value>,
}

impl Schema {
    /// A value that fits the type, with the text of the attempt wherever text fits.
    fn value(&self, kind: &Value, typed: Typed, depth: u32) -> Value {
        let of = &kind["ofType"];
        match kind["kind"].as_str().unwrap() {
            "NON_NULL" => self.value(of, typed, depth),
            "LIST" => json!([self.value(of, typed, depth)]),
            "SCALAR" => match kind["name"].as_str().unwrap() {
                "String" => json!(typed.text),
                "ID" => json!(typed.id),
                "Int" => json!(1),
                "Boolean" => json!(true),
                "Float" => json!(1.5),
                "Date" => json!("2026-01-01"),
                "DateTime" => json!("2026-01-01T00:00:00Z"),
                "Decimal" => json!("1"),
                other => panic!("say what is to be typed for a {other}"),
            },
            "ENUM" => self.types[kind["name"].as_str().unwrap()]["enumValues"][0]["name"].clone(),
            "INPUT_OBJECT" => {
                let input = &self.types[kind["name"].as_str().unwrap()];
                let fields = input["inputFields"].as_array().unwrap().iter();
                let most = if input["isOneOf"] == true { 1 } else { usize::MAX };
                let wanted = fields.filter(|field| depth < 4 || field["type"]["kind"] == "NON_NULL").take(most);
                let object: Map<_, _> = wanted
                    .map(|field| (field["name"].as_str().unwrap().to_owned(), self.value(&field["type"], typed, depth + 1)))
                    .collect();
                object.into()
            }
            other => panic!("{other}"),
        }
    }

    /// As it is written in a declaration of variables.
    fn written(kind: &Value) -> String {
        match kind["kind"].as_str().unwrap() {
            "NON_NULL" => format!("{}!", Self::written(&kind["ofType"])),
            "LIST" => format!("[{}]", Self::written(&kind["ofType"])),
            _ => kind["name"].as_str().unwrap().to_owned(),
        }
    }

    fn is_leaf(mut kind: &Value) -> bool {
        while !kind["ofType"].is_null() {
            kind = &kind["ofType"];
        }
        ["SCALAR", "ENUM"].contains(&kind["kind"].as_str().unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_typed_anywhere_is_text() {
    let house = House::build(Way::Postgres).await;
    let answer = house.graphql("en", SCHEMA, json!({}));
    let schema = &answer["data"]["__schema"];
    let list = |value: &Value| value.as_array().cloned().unwrap_or_else(|| panic!("{answer}"));
    let types = list(&schema["types"]).into_iter().map(|found| (found["name"].as_str().unwrap().to_owned(), found));
    let types = Schema { types: types.collect() };
    let mut asked = 0;
    for (operation, root) in [("query", "queryType"), ("mutation", "mutationType")] {
        for field in list(&schema[root]["fields"]) {
            let (name, args) = (field["name"].as_str().unwrap(), list(&field["args"]));
            // These end the session that the test asks with.
            if args.is_empty() || ["changePassword", "enrolSecondFactor"].contains(&name) {
                continue;
            }
            let declared: Vec<_> =
                args.iter().map(|arg| format!("${}: {}", arg["name"].as_str().unwrap(), Schema::written(&arg["type"]))).collect();
            let given: Vec<_> = args.iter().map(|arg| format!("{0}: ${0}", arg["name"].as_str().unwrap())).collect();
            let selection = if Schema::is_leaf(&field["type"]) { "" } else { "{ __typename }" };
            let query = format!("{operation}({}) {{ {name}({}) {selection} }}", declared.join(", "), given.join(", "));
            for typed in ATTEMPTS {
                let variables: Map<_, _> =
                    args.iter().map(|arg| (arg["name"].as_str().unwrap().to_owned(), types.value(&arg["type"], typed, 0))).collect();
                let answer = house.graphql("en", &query, variables.into());
                let codes: Vec<_> = answer["errors"].as_array().into_iter().flatten().map(|error| &error["extensions"]["code"]).collect();
                assert!(
                    !codes.iter().any(|code| **code == "INTERNAL" || **code == "INVALID_QUERY" || code.is_null()),
                    "{name} {typed:?}: {answer}"
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 400, "{asked} is less than there are fields");
    assert!(house.events().await > 0, "the log is there");
    let page = house.query(&[], &format!("{{ account(id: {}) {{ id }} }}", json!(PHRASE)));
    assert!(page.header("Content-Type").unwrap().starts_with("application/json") && page.header("X-Injected").is_none(), "{page:?}");
}
