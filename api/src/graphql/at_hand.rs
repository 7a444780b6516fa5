//! What is at hand of the members of a list is written then and there, as the JSON that it becomes.
//!
//! async-graphql answers each field with a future and a value of its own, and makes text of them in the end. A page of invoices has many
//! hundreds of fields, nearly all of which only need to be read. So a list looks at what is asked of its members once, and asks each of them
//! to write it. What one has to fetch it does not write: that field is resolved as always, for all members of the list, and written by
//! those that come behind. What is resolved is the same as what is written: it is the same function that answers.

use std::{borrow::Cow, collections::HashSet, fmt::Display, io::Write as _};

use async_graphql::{
    Context, ContextSelectionSet, ID, Name, OutputType, Positioned, Response, ServerResult, Value,
    parser::types::{ExecutableDocument, Field, SelectionSet},
    registry::Registry,
    resolver_utils::{ContainerType, resolve_list},
};
use futures::FutureExt;

use super::{
    in_order::{InOrder, add_fields},
    roots::collect,
};

/// Says of a request that no answer in it has to be put together from two askings: what is written cannot be taken apart again.
#[derive(Clone, Copy, Debug)]
pub struct Once(());

impl Once {
    /// Fields, with those of fragments, of which one request may be made up to be looked at.
    const MOST: usize = 2_000;

    /// Nothing, if something is asked for twice under one name.
    pub fn of(document: &ExecutableDocument) -> Option<Self> {
        let mut left = Self::MOST;
        let mut operations = document.operations.iter();
        operations.all(|(_, operation)| asked_once(document, &operation.node.selection_set.node, &mut left)).then_some(Self(()))
    }
}

fn asked_once(document: &ExecutableDocument, set: &SelectionSet, left: &mut usize) -> bool {
    let (mut fields, mut names) = (vec![], HashSet::new());
    collect(&document.fragments, set, &mut fields, left)
        && fields
            .iter()
            .all(|field| names.insert(&field.node.response_key().node) && asked_once(document, &field.node.selection_set.node, left))
}

/// A field that is asked of each member of a list, and what is asked of its answer.
pub struct Asked<'a> {
    pub context: Context<'a>,
    /// As resolvers are called.
    pub name: String,
    /// With quotes and colon.
    key: String,
    fields: Vec<Self>,
}

impl<'a> Asked<'a> {
    fn of(context: &'a ContextSelectionSet<'a>, set: &'a SelectionSet) -> Vec<Self> {
        let mut fields = vec![];
        add_fields(context, set, &mut fields);
        let asked = fields.into_iter().map(|field| Self {
            context: context.with_field(field),
            name: snake_case(&field.node.name.node),
            key: format!("\"{}\":", field.node.response_key().node),
            fields: Self::of(context, &field.node.selection_set.node),
        });
        asked.collect()
    }

    /// Arguments are for resolvers to understand.
    pub fn is_plain(&self) -> bool {
        self.context.item.node.arguments.is_empty()
    }
}

fn snake_case(name: &Name) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// An object some of whose fields are at hand. [`at_hand!`](super::at_hand) says which.
pub trait Written {
    /// Writes what a field answers and says true, if it is at hand. Otherwise it does not matter what was written.
    fn write(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool;
}

impl<T: Written> Written for &T {
    fn write(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        T::write(self, asked, out)
    }
}

/// The fields of an object that can be written, by the names of their resolvers. Behind those with arguments stands what these are when
/// nobody gives them; behind `unless` what may be able to write it without them, if there is anything.
macro_rules! at_hand {
    ($object:ty: $($field:ident $(as $name:ident)? $(($($usual:expr),+))? $(unless $known:ident)?),* $(,)?) => {
        impl $crate::graphql::at_hand::Written for $object {
            fn write(&self, asked: &$crate::graphql::at_hand::Asked<'_>, out: &mut Vec<u8>) -> bool {
                use $crate::graphql::at_hand::{Put, put};
                match asked.name.as_str() {
                    $(at_hand!(@name $field $($name)?) if asked.is_plain() => {
                        $(
                            let begun = out.len();
                            if self.$known(&asked.context).is_some_and(|known| known.put(asked, out)) {
                                return true;
                            }
                            out.truncate(begun);
                        )?
                        put(self.$field(&asked.context $(, $($usual),+)?), asked, out)
                    })*
                    "__typename" => <Self as async_graphql::OutputType>::type_name().as_ref().put(asked, out),
                    _ => false,
                }
            }
        }
    };
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:ident) => { stringify!($name) };
}
pub(crate) use at_hand;

/// What a resolver answers at once. One that would have to wait is not waited for.
pub fn put<T: Put>(answer: impl Future<Output = async_graphql::Result<T>>, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
    matches!(answer.now_or_never(), Some(Ok(answer)) if answer.put(asked, out))
}

/// What can be written as JSON.
pub trait Put {
    fn put(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool;
}

impl<T: Written> Put for InOrder<T> {
    fn put(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        let mut separator = b'{';
        for field in &asked.fields {
            out.push(separator);
            out.extend_from_slice(field.key.as_bytes());
            if !self.0.write(field, out) {
                return false;
            }
            separator = b',';
        }
        out.push(b'}');
        true
    }
}

impl<T: Put> Put for Vec<T> {
    fn put(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        out.push(b'[');
        for (place, member) in self.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            if !member.put(asked, out) {
                return false;
            }
        }
        out.push(b']');
        true
    }
}

impl<T: Put> Put for Option<T> {
    fn put(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        match self {
            Some(answer) => answer.put(asked, out),
            None => {
                out.extend_from_slice(b"null");
                true
            }
        }
    }
}

/// What went wrong is for the resolver to say: it knows in which place.
impl<T: Put> Put for async_graphql::Result<T> {
    fn put(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        self.as_ref().is_ok_and(|answer| answer.put(asked, out))
    }
}

impl<T: Put + ?Sized> Put for &T {
    fn put(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        T::put(self, asked, out)
    }
}

impl Put for str {
    fn put(&self, _: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        text(self, out);
        true
    }
}

impl Put for String {
    fn put(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        self.as_str().put(asked, out)
    }
}

impl Put for ID {
    fn put(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        self.0.put(asked, out)
    }
}

macro_rules! plain {
    ($($plain:ty),+) => {
        $(impl Put for $plain {
            fn put(&self, _: &Asked<'_>, out: &mut Vec<u8>) -> bool {
                write!(out, "{self}").is_ok()
            }
        })+
    };
}

plain!(bool, i32, i64, u16, u32, u64);

fn text(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("memory takes it, and every string is JSON");
}

/// Of what needs no escapes.
pub fn quoted(plain: impl Display, out: &mut Vec<u8>) -> bool {
    write!(out, "\"{plain}\"").is_ok()
}

/// The members of a list.
#[derive(Debug)]
pub struct Members<'a, T>(pub Vec<&'a T>);

impl<T: Written + ContainerType> OutputType for Members<'_, T> {
    fn type_name() -> Cow<'static, str> {
        <Vec<InOrder<&T>>>::type_name()
    }

    fn qualified_type_name() -> String {
        <Vec<InOrder<&T>>>::qualified_type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        <Vec<InOrder<&T>>>::create_type_info(registry)
    }

    async fn resolve(&self, context: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        if context.data_opt::<Once>().is_none() {
            return resolve_list(context, field, self.0.iter().map(|member| InOrder(*member)), Some(self.0.len())).await;
        }
        let fields = Asked::of(context, &context.item.node);
        let mut out = vec![b'['];
        for (place, member) in self.0.iter().enumerate() {
            if place > 0 {
                out.push(b',');
            }
            write_member(*member, &context.with_index(place), &fields, &mut out).await;
        }
        out.push(b']');
        Ok(Value::Binary(out.into()))
    }
}

async fn write_member<T: Written + ContainerType>(member: &T, context: &ContextSelectionSet<'_>, fields: &[Asked<'_>], out: &mut Vec<u8>) {
    let begun = out.len();
    for asked in fields {
        let before = out.len();
        out.push(if before == begun { b'{' } else { b',' });
        out.extend_from_slice(asked.key.as_bytes());
        let keyed = out.len();
        if !member.write(asked, out) {
            out.truncate(keyed);
            let context = context.with_field(asked.context.item);
            match Box::pin(member.resolve_field(&context)).await {
                Ok(answer) => write_value(&answer.unwrap_or_default(), out),
                Err(error) => {
                    out.truncate(before);
                    context.add_error(error);
                }
            }
        }
    }
    out.extend_from_slice(if out.len() == begun { b"null" } else { b"}" });
}

/// The answer as JSON. What is [`Value::Binary`] in it is JSON already.
pub fn json(response: &Response) -> Vec<u8> {
    let mut out = b"{\"data\":".to_vec();
    write_value(&response.data, &mut out);
    if !response.errors.is_empty() {
        out.extend_from_slice(b",\"errors\":");
        serde_json::to_writer(&mut out, &response.errors).expect("memory takes it, and every error is JSON");
    }
    out.push(b'}');
    out
}

fn write_value(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Binary(written) => out.extend_from_slice(written),
        Value::List(members) => {
            out.push(b'[');
            for (place, member) in members.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                write_value(member, out);
            }
            out.push(b']');
        }
        Value::Object(fields) => {
            out.push(b'{');
            for (place, (name, answer)) in fields.iter().enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                text(name, out);
                out.push(b':');
                write_value(answer, out);
            }
            out.push(b'}');
        }
        Value::String(string) => text(string, out),
        Value::Null | Value::Number(_) | Value::Boolean(_) | Value::Enum(_) => {
            serde_json::to_writer(out, value).expect("memory takes it, and it is JSON");
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Request, Schema, parser::parse_query};
    use serde_json::json;
    use tokio::task::yield_now;

    use super::*;

    #[derive(Debug)]
    struct Point(i32);

    at_hand!(Point: x, name, note, twice, times(None), both, late, broken, graphql_id as id);

    #[Object]
    impl Point {
        #[graphql(name = "id")]
        async fn graphql_id(&self) -> ID {
            ID(format!("p{}", self.0))
        }

        async fn x(&self) -> i32 {
            self.0
        }

        async fn name(&self) -> &'static str {
            "\"نقطة\"\n"
        }

        async fn note(&self) -> Option<String> {
            (self.0 > 1).then(|| "far".to_owned())
        }

        async fn twice(&self) -> InOrder<Point> {
            InOrder(Point(self.0 * 2))
        }

        async fn times(&self, by: Option<i32>) -> i32 {
            self.0 * by.unwrap_or(2)
        }

        async fn both(&self) -> Vec<InOrder<Point>> {
            vec![InOrder(Point(self.0)), InOrder(Point(-self.0))]
        }

        /// As what is fetched.
        async fn late(&self) -> i32 {
            yield_now().await;
            self.0
        }

        async fn broken(&self) -> Option<async_graphql::Result<i32>> {
            Some(Err("it is broken".into()))
        }

        /// Not one of those that are written.
        async fn far(&self) -> bool {
            self.0 > 1
        }
    }

    #[derive(Debug)]
    struct Plane([Point; 2]);

    #[Object]
    impl Plane {
        async fn points(&self) -> Members<'_, Point> {
            Members(self.0.iter().collect())
        }

        async fn nowhere(&self) -> Members<'_, Point> {
            Members(vec![])
        }
    }

    /// What is written is what is resolved, errors and all; and whether any of it was written.
    async fn answered(query: &str) -> (serde_json::Value, bool) {
        let schema = Schema::new(Plane([Point(1), Point(2)]), EmptyMutation, EmptySubscription);
        let resolved = schema.execute(query).await;
        let once = Once::of(&parse_query(query).unwrap());
        let written = schema.execute(once.into_iter().fold(Request::new(query), Request::data)).await;
        let said = |response: &Response| serde_json::from_slice::<serde_json::Value>(&json(response)).unwrap();
        assert_eq!(said(&written), said(&resolved), "{query}");
        assert_eq!(said(&resolved), serde_json::to_value(&resolved).unwrap(), "{query}");
        (said(&written)["data"].clone(), format!("{:?}", written.data).contains("Binary"))
    }

    #[tokio::test]
    async fn what_is_written_is_what_is_resolved() {
        for query in [
            "{ points { x name note id twice { x __typename both { x } } times both { x note } __typename } }",
            "{ points { late x twice { late } far } nowhere { x } }",
            "{ points { broken x } }",
            "{ points { twice { x broken } } }",
            "{ a: points { y: x z: x times(by: 7) } b: points { ...Two } } fragment Two on Point { ... on Point { x twice { ...One } } } fragment One on Point { x }",
            "query($no: Boolean = false) { points { x @skip(if: true) y: x ... @include(if: $no) { note } } }",
        ] {
            assert!(answered(query).await.1, "{query}");
        }
        let (answer, _) = answered("{ points { x name twice { x } } }").await;
        assert_eq!(answer["points"][1], json!({ "x": 2, "name": "\"نقطة\"\n", "twice": { "x": 4 } }));
    }

    #[tokio::test]
    async fn what_is_put_together_from_two_askings_is_resolved() {
        for query in [
            "{ points { x } points { y: x } }",
            "{ points { x x } }",
            "{ points { twice { x } ...More } } fragment More on Point { twice { y: x } }",
        ] {
            assert!(!answered(query).await.1, "{query}");
        }
        assert_eq!(answered("{ points { x } points { y: x } }").await.0["points"][0], json!({ "x": 1, "y": 1 }));
    }

    #[test]
    fn a_fragment_that_contains_itself_comes_to_an_end() {
        let around = "{ points { ...around } } fragment around on Point { twice { ...around } }";
        assert!(Once::of(&parse_query(around).unwrap()).is_none());
    }

    #[tokio::test]
    async fn answers_come_in_the_order_of_the_question() {
        let schema = Schema::new(Plane([Point(1), Point(2)]), EmptyMutation, EmptySubscription);
        let answer = schema.execute(Request::new("{ points { far b: x late twice { x } a: x } }").data(Once(()))).await;
        let text = String::from_utf8(json(&answer)).unwrap();
        assert!(text.starts_with(r#"{"data":{"points":[{"far":false,"b":1,"late":1,"twice":{"x":2},"a":1},{"#), "{text}");
    }
}
