//! Lists in every order that can be asked for: page by page all that there is, in that order, and the other way round.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{
    company::Company,
    schema::{Field, Schema},
};

/// A list in an order, as whoever may see it asks for its pages.
struct Asked<'a> {
    company: &'a Company,
    token: &'a str,
    query: String,
    root: &'a str,
    by: &'a str,
}

impl Asked<'_> {
    fn page(&self, direction: &str, after: Option<&Value>) -> Value {
        let variables = json!({ "by": self.by, "direction": direction, "after": after });
        self.company.house.ask(self.token, "en", &self.query, variables)
    }

    /// Everything in the list, and the first cursor that led on.
    fn whole(&self, direction: &str) -> (Vec<Value>, Option<Value>) {
        let (mut nodes, mut cursors): (Vec<Value>, Vec<Value>) = (vec![], vec![]);
        loop {
            let answer = self.page(direction, cursors.last());
            assert!(answer["errors"].is_null(), "{} by {}: {answer}", self.root, self.by);
            let list = &answer["data"][self.root];
            nodes.extend(list["nodes"].as_array().unwrap().iter().cloned());
            if list["pageInfo"]["hasNextPage"] == false {
                assert_eq!(list["totalCount"], nodes.len(), "{} by {}", self.root, self.by);
                return (nodes, cursors.into_iter().next());
            }
            cursors.push(list["pageInfo"]["endCursor"].clone());
        }
    }
}

/// Something that sorts like it; what there is not is the last.
fn key(node: &Value) -> (bool, i128, String) {
    let text = node["key"]["amount"].as_str().or(node["key"].as_str());
    let amount = node["key"]["amount"].as_str().map(|amount| amount.replace('.', "").parse().unwrap());
    let at = text.and_then(|text| text.parse::<DateTime<Utc>>().ok()).map(|at| at.timestamp_micros().into());
    match amount.or(at) {
        Some(number) => (false, number, String::new()),
        None => (text.is_none(), 0, text.unwrap_or_default().to_owned()),
    }
}

/// `LEFT_TO_PAY` is by `leftToPay`.
fn field_of<'a>(schema: &'a Schema, node: &str, word: &str) -> &'a Field {
    let mut words = word.split('_').map(str::to_lowercase);
    let first = words.next().unwrap();
    let name = words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..]);
    schema.types[node].fields.iter().find(|field| field.name == name).unwrap_or_else(|| panic!("{node} does not show its {name}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_is_whole_in_each_of_its_orders_both_ways() {
    let company = Company::open().await;
    let schema = Schema::of(&company.house);
    let mut longest = 0;
    for root in schema.roots("Query") {
        let Some(order) = root.arguments.iter().find(|argument| argument.name == "orderBy") else { continue };
        let node = root.of.name.trim_end_matches("Connection");
        let token = if root.name.starts_with("my") { &company.owner } else { &company.house.admin };
        let words = &schema.types[&order.of.name].words;
        for by in words {
            let field = field_of(&schema, node, by);
            let shown = if schema.is_object(&field.of.name) { " { amount }" } else { "" };
            let query = format!(
                "query($by: {}, $direction: SortDirection, $after: String) {{ {}(orderBy: $by, direction: $direction, after: $after, first: 7) {{
                   totalCount nodes {{ id key: {}{shown} }} pageInfo {{ hasNextPage endCursor }} }} }}",
                order.of.name, root.name, field.name
            );
            let asked = Asked { company: &company, token, query, root: &root.name, by };
            let (up, cursor) = asked.whole("ASCENDING");
            let (mut down, _) = asked.whole("DESCENDING");
            assert!(!up.is_empty() && up.is_sorted_by_key(key), "{} by {by}: {up:?}", root.name);
            down.reverse();
            assert_eq!(up, down, "{} by {by}", root.name);
            longest = longest.max(up.len());
            let Some(cursor) = cursor else { continue };
            let other = words.iter().find(|word| *word != by).expect("an order to choose");
            let elsewhere = [asked.page("DESCENDING", Some(&cursor)), Asked { by: other, ..asked }.page("ASCENDING", Some(&cursor))];
            for answer in elsewhere {
                let problem = &answer["errors"][0]["extensions"];
                assert_eq!((&problem["code"], &problem["field"]), (&json!("INVALID_INPUT"), &json!("after")), "{answer}");
            }
        }
    }
    assert!(longest > 20, "the longest list has {longest}");
}
