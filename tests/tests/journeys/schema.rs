//! The schema as a client learns it: by introspection.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Map, Value, json};

use super::house::House;

pub struct Schema {
    pub types: BTreeMap<String, Type>,
}

pub struct Type {
    pub kind: String,
    pub fields: Vec<Field>,
    pub inputs: Vec<Argument>,
    pub words: Vec<String>,
    one_of: bool,
}

#[derive(Clone)]
pub struct Field {
    pub name: String,
    pub arguments: Vec<Argument>,
    pub of: Reference,
}

#[derive(Clone)]
pub struct Argument {
    pub name: String,
    pub of: Reference,
}

#[derive(Clone)]
pub struct Reference {
    /// Of the type itself, whatever is around it.
    pub name: String,
    pub required: bool,
    pub list: bool,
}

impl Reference {
    fn of(reference: &Value) -> Self {
        let inner = || Self::of(&reference["ofType"]);
        match reference["kind"].as_str() {
            Some("NON_NULL") => Self { required: true, ..inner() },
            Some("LIST") => Self { required: false, list: true, ..inner() },
            _ => Self { name: reference["name"].as_str().unwrap().to_owned(), required: false, list: false },
        }
    }

    /// As a variable of it is declared.
    pub fn written(&self) -> String {
        let name = if self.list { format!("[{}!]", self.name) } else { self.name.clone() };
        if self.required { name + "!" } else { name }
    }
}

impl Schema {
    pub fn of(house: &House) -> Self {
        const REFERENCE: &str = "fragment R on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
        let query = "{ __schema { types { name kind isOneOf enumValues { name } inputFields { name type { ...R } }
            fields { name type { ...R } args { name type { ...R } } } } } } ";
        let answer = house.graphql("en", &(query.to_owned() + REFERENCE), json!({}));
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let name = |value: &Value| value["name"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        let argument = |value: &Value| Argument { name: name(value), of: Reference::of(&value["type"]) };
        let types = list(&answer["data"]["__schema"]["types"]).into_iter().map(|found| {
            let field = |value: &Value| Field {
                name: name(value),
                arguments: list(&value["args"]).iter().map(argument).collect(),
                of: Reference::of(&value["type"]),
            };
            let described = Type {
                kind: found["kind"].as_str().unwrap().to_owned(),
                fields: list(&found["fields"]).iter().map(field).collect(),
                inputs: list(&found["inputFields"]).iter().map(argument).collect(),
                words: list(&found["enumValues"]).iter().map(name).collect(),
                one_of: found["isOneOf"] == true,
            };
            (name(&found), described)
        });
        Self { types: types.collect() }
    }

    pub fn roots(&self, root: &str) -> &[Field] {
        &self.types[root].fields
    }

    pub fn is_object(&self, name: &str) -> bool {
        self.types[name].kind == "OBJECT"
    }

    /// Something that could be meant, as far as the schema tells. What is not required is left out; `known` has values for some names.
    pub fn example(&self, name: &str, of: &Reference, known: &dyn Fn(&str) -> Option<Value>) -> Value {
        let value = known(name).unwrap_or_else(|| self.example_of(&of.name, known));
        if of.list && !value.is_array() { json!([value]) } else { value }
    }

    fn example_of(&self, name: &str, known: &dyn Fn(&str) -> Option<Value>) -> Value {
        let found = &self.types[name];
        match (found.kind.as_str(), name) {
            ("ENUM", _) => json!(found.words[0]),
            ("INPUT_OBJECT", _) if found.one_of => {
                let first = &found.inputs[0];
                json!({ first.name.as_str(): self.example(&first.name, &first.of, known) })
            }
            ("INPUT_OBJECT", _) => {
                let wanted = found.inputs.iter().filter(|input| input.of.required);
                wanted.map(|input| (input.name.clone(), self.example(&input.name, &input.of, known))).collect::<Map<_, _>>().into()
            }
            (_, "ID") => json!("00000000-0000-0000-0000-000000000007"),
            (_, "Int") => json!(1),
            (_, "Float") => json!(1.5),
            (_, "Boolean") => json!(false),
            (_, "Date") => json!("2026-10-31"),
            (_, "DateTime") => json!("2026-10-31T09:00:00Z"),
            (_, "Decimal") => json!("1"),
            _ => json!("x"),
        }
    }

    /// The shortest way to each type that lies behind a root, fields by name.
    pub fn ways(&self, root: &Field) -> BTreeMap<String, Vec<Field>> {
        let mut ways = BTreeMap::new();
        let mut next = VecDeque::from([(root.of.name.clone(), vec![root.clone()])]);
        while let Some((name, way)) = next.pop_front() {
            if !self.is_object(&name) || ways.contains_key(&name) {
                continue;
            }
            for field in &self.types[&name].fields {
                next.push_back((field.of.name.clone(), [way.as_slice(), std::slice::from_ref(field)].concat()));
            }
            ways.insert(name, way);
        }
        ways
    }

    /// A question for all fields of the type at the end of a way, and its variables. Of lists within it, so many that all together are not too many.
    pub fn question(&self, operation: &str, way: &[Field], arguments: &Map<String, Value>) -> (String, Value) {
        let root = &way[0];
        let declared: Vec<_> = root.arguments.iter().filter(|argument| arguments.contains_key(&argument.name)).collect();
        let declarations: Vec<_> = declared.iter().map(|argument| format!("${}: {}", argument.name, argument.of.written())).collect();
        let passed: Vec<_> = declared.iter().map(|argument| format!("{0}: ${0}", argument.name)).collect();
        let around = |inside: &[String]| if inside.is_empty() { String::new() } else { format!("({})", inside.join(", ")) };
        let fields: Vec<_> =
            self.types[&way.last().unwrap().of.name].fields.iter().map(|field| self.selected(field, "{ __typename }")).collect();
        let inner = way[1..].iter().rev().fold(fields.join(" "), |inner, field| self.selected(field, &format!("{{ {inner} }}")));
        let query = format!("{operation}{} {{ {}{} {{ {inner} }} }}", around(&declarations), root.name, around(&passed));
        (query, Value::Object(arguments.clone()))
    }

    /// A wish with all of these arguments, and its variables; of what it answers only that it does.
    pub fn wish(&self, mutation: &Field, arguments: &Map<String, Value>) -> (String, Value) {
        let declared: Vec<_> = mutation.arguments.iter().map(|argument| format!("${}: {}", argument.name, argument.of.written())).collect();
        let passed: Vec<_> = mutation.arguments.iter().map(|argument| format!("{0}: ${0}", argument.name)).collect();
        let answered = if self.is_object(&mutation.of.name) { "{ __typename }" } else { "" };
        let query = format!("mutation({}) {{ {}({}) {answered} }}", declared.join(", "), mutation.name, passed.join(", "));
        let given = mutation.arguments.iter().filter_map(|argument| Some((argument.name.clone(), arguments.get(&argument.name)?.clone())));
        (query, given.collect::<Map<_, _>>().into())
    }

    fn selected(&self, field: &Field, behind: &str) -> String {
        let required = field.arguments.iter().filter(|argument| argument.of.required);
        let mut arguments: Vec<_> = required
            .map(|argument| format!("{}: {}", argument.name, literal(&self.example(&argument.name, &argument.of, &|_| None))))
            .collect();
        if field.arguments.iter().any(|argument| argument.name == "first") {
            arguments.push("first: 4".to_owned());
        }
        let arguments = if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
        let behind = if self.is_object(&field.of.name) { behind } else { "" };
        format!("{}{arguments} {behind}", field.name)
    }
}

/// As a value is written in a query.
fn literal(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("{name}: {}", literal(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}
