//! Objects whose fields are answered one after the other, in the order in which they were asked for.
//!
//! async-graphql begins all fields of an object at once, each in a box of its own. That is right where each field fetches something. Of
//! the members of a list, the first one fetches for all of them, and most fields are at hand: there the boxes cost more than the answers.

use std::borrow::Cow;

use async_graphql::{
    ContextSelectionSet, Name, OutputType, Positioned, ServerResult, Value,
    indexmap::{IndexMap, map::Entry},
    parser::types::{Field, SelectionSet},
    registry::Registry,
    resolver_utils::ContainerType,
};
use futures::future::BoxFuture;

use super::roots::collect;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InOrder<T>(pub T);

impl<T: ContainerType> OutputType for InOrder<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    async fn resolve(&self, context: &ContextSelectionSet<'_>, _: &Positioned<Field>) -> ServerResult<Value> {
        // One box for all fields: what is around it need not have room for the largest of them.
        let answered: BoxFuture<'_, Value> = Box::pin(answer(context, &self.0));
        Ok(answered.await)
    }
}

async fn answer<T: ContainerType>(context: &ContextSelectionSet<'_>, object: &T) -> Value {
    let mut fields = vec![];
    add_fields(context, &context.item.node, &mut fields);
    let mut answers = IndexMap::with_capacity(fields.len());
    for field in fields {
        let context = context.with_field(field);
        let answer = if field.node.name.node == "__typename" {
            Ok(Some(Value::String(T::type_name().into_owned())))
        } else {
            object.resolve_field(&context).await
        };
        match answer {
            Ok(answer) => add(&mut answers, field.node.response_key().node.clone(), answer.unwrap_or_default()),
            Err(error) => context.add_error(error),
        }
    }
    if answers.is_empty() { Value::Null } else { Value::Object(answers) }
}

/// With those of its fragments. We have neither interfaces nor unions: each fragment that fits the schema is for this very type.
pub fn add_fields<'a>(context: &ContextSelectionSet<'a>, set: &'a SelectionSet, fields: &mut Vec<&'a Positioned<Field>>) {
    // What has been found to fit the schema comes to an end.
    collect(&context.query_env.fragments, set, fields, &mut { usize::MAX });
}

/// What is asked for twice under one name is one answer, with the parts of both.
fn add(answers: &mut IndexMap<Name, Value>, name: Name, answer: Value) {
    match answers.entry(name) {
        Entry::Vacant(free) => {
            free.insert(answer);
        }
        Entry::Occupied(mut before) => merge(before.get_mut(), answer),
    }
}

fn merge(before: &mut Value, more: Value) {
    match (before, more) {
        (Value::Object(before), Value::Object(more)) => more.into_iter().for_each(|(name, part)| add(before, name, part)),
        (Value::List(before), Value::List(more)) => before.iter_mut().zip(more).for_each(|(before, more)| merge(before, more)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
    use serde_json::json;

    use super::*;

    struct Point(i32);

    #[Object]
    impl Point {
        async fn x(&self) -> i32 {
            self.0
        }

        async fn twice(&self) -> InOrder<Point> {
            InOrder(Point(self.0 * 2))
        }

        async fn both(&self) -> Vec<InOrder<Point>> {
            vec![InOrder(Point(self.0)), InOrder(Point(-self.0))]
        }

        async fn broken(&self) -> Option<async_graphql::Result<i32>> {
            Some(Err("it is broken".into()))
        }
    }

    struct Plane;

    #[Object]
    impl Plane {
        async fn usual(&self) -> Point {
            Point(3)
        }

        async fn in_order(&self) -> InOrder<Point> {
            InOrder(Point(3))
        }
    }

    /// What is asked of a point answers the same, whichever way it is answered.
    async fn answered(of_a_point: &str) -> serde_json::Value {
        let schema = Schema::new(Plane, EmptyMutation, EmptySubscription);
        let ask = async |query: String| {
            let answer = schema.execute(&query).await;
            let errors: Vec<_> = answer.errors.iter().map(|error| (error.message.clone(), error.path[1..].to_vec())).collect();
            (answer.data.into_json().unwrap(), errors)
        };
        let fragment = "fragment All on Point { x twice { x } } fragment Deep on Point { both { ...All } }";
        let used = if of_a_point.contains("...Deep") { fragment } else { "" };
        let (usual, usual_errors) = ask(format!("{{ at: usual {{ {of_a_point} }} }} {used}")).await;
        let (in_order, errors) = ask(format!("{{ at: inOrder {{ {of_a_point} }} }} {used}")).await;
        assert_eq!((&usual, usual_errors), (&in_order, errors), "{of_a_point}");
        usual["at"].clone()
    }

    #[tokio::test]
    async fn it_is_answered_as_objects_are() {
        assert_eq!(answered("x twice { x __typename }").await, json!({ "x": 3, "twice": { "x": 6, "__typename": "Point" } }));
        assert_eq!(answered("both { x } ... on Point { both { twice { x } } }").await["both"][1], json!({ "x": -3, "twice": { "x": -6 } }));
        assert_eq!(answered("a: x ...Deep").await["both"][0], json!({ "x": 3, "twice": { "x": 6 } }));
        assert_eq!(answered("twice { x } twice { y: x both { x } } both { x }").await["twice"]["y"], 6);
        assert_eq!(answered("x broken twice { broken x }").await, json!({ "x": 3, "broken": null, "twice": { "broken": null, "x": 6 } }));
        assert_eq!(answered("x @skip(if: true) y: x ... @include(if: false) { x }").await, json!({ "y": 3 }));
    }

    #[tokio::test]
    async fn answers_come_in_the_order_of_the_question() {
        let schema = Schema::new(Plane, EmptyMutation, EmptySubscription);
        let answer = schema.execute("{ inOrder { both { x } b: x twice { x } a: x } }").await;
        let text = serde_json::to_string(&answer.data).unwrap();
        assert_eq!(text, r#"{"inOrder":{"both":[{"x":3},{"x":-3}],"b":3,"twice":{"x":6},"a":3}}"#);
    }
}
