//! Lists page by page, the way Relay has them.

use std::{borrow::Cow, fmt, sync::Arc};

use async_graphql::{
    Context, Object, Result, SimpleObject, TypeName,
    resolver_utils::{ContainerType, EnumType},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use daftar_projections::{Page, Spot};
use futures::future::BoxFuture;
use uuid::Uuid;

use super::{
    answer,
    at_hand::{Asked, Members, Put, Written},
    enums::SortDirection,
    in_order::InOrder,
};
use crate::problem::{Flaw, Problem};

/// So many unless they ask for another number.
const USUAL: u32 = 20;
const MOST: u32 = 100;

/// Which page was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Paging {
    pub size: u32,
    pub after: Option<String>,
}

impl Paging {
    pub fn new(first: Option<i32>, after: Option<String>) -> Result<Self, Problem> {
        let size = first.map_or(Ok(USUAL), u32::try_from).unwrap_or(0);
        if (1..=MOST).contains(&size) {
            Ok(Self { size, after })
        } else {
            Err(Problem::invalid("first", Flaw::NotACount { least: 1, most: MOST }))
        }
    }

    /// Where the page begins, if the cursor is one of this list in this order.
    pub fn place<const N: usize>(&self, list: &str) -> Result<Option<[String; N]>, Problem> {
        self.parts(list)?.map(|parts| <[String; N]>::try_from(parts).map_err(|_| not_a_cursor())).transpose()
    }

    /// The page of a list in an order that its reader chose. Its cursors are good for that order only.
    pub fn ordered<W, B, const IDS: usize>(&self, list: &str, by: W, direction: SortDirection) -> Result<Ordered<B, IDS>, Problem>
    where
        W: EnumType + Into<B>,
    {
        let list = format!("{list}/{}/{}", name(by), name(direction));
        let after = self.parts(&list)?.map(|parts| {
            let (key, ids) = parts.split_first().ok_or_else(not_a_cursor)?;
            let ids = ids.iter().map(|id| part(id)).collect::<Result<Vec<Uuid>, _>>()?;
            Ok::<_, Problem>(Spot { key: key.clone(), ids: ids.try_into().map_err(|_| not_a_cursor())? })
        });
        let page = Page { by: by.into(), direction: direction.into(), after: after.transpose()?, limit: self.limit() };
        Ok(Ordered { list, page })
    }

    fn parts(&self, list: &str) -> Result<Option<Vec<String>>, Problem> {
        let Some(after) = &self.after else { return Ok(None) };
        let text = BASE64_URL_SAFE_NO_PAD.decode(after).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let text = text.filter(|text| !text.chars().any(char::is_control)).ok_or_else(not_a_cursor)?;
        let mut parts = text.split(SEPARATOR);
        if parts.next() != Some(list) {
            return Err(not_a_cursor());
        }
        Ok(Some(parts.map(str::to_owned).collect()))
    }

    /// One more than fits on the page: whether it comes tells whether there is a next one.
    pub fn limit(&self) -> u32 {
        self.size + 1
    }
}

/// A list in an order that its reader chose.
#[derive(Debug)]
pub struct Ordered<B, const IDS: usize = 1> {
    list: String,
    pub page: Page<B, IDS>,
}

impl<B, const IDS: usize> Ordered<B, IDS> {
    pub fn cursor(&self, spot: &Spot<IDS>) -> String {
        let ids = spot.ids.iter().map(|id| id as &dyn fmt::Display);
        cursor(&self.list, &std::iter::once(&spot.key as &dyn fmt::Display).chain(ids).collect::<Vec<_>>())
    }
}

/// As the schema has it.
pub fn name<W: EnumType>(word: W) -> &'static str {
    W::items().iter().find(|item| item.value == word).map_or("", |item| item.name)
}

fn not_a_cursor() -> Problem {
    Problem::invalid("after", Flaw::NotACursor)
}

/// Not in any number, day or id.
const SEPARATOR: char = '|';

/// A part of a place in a list.
pub fn part<T: std::str::FromStr>(part: &str) -> Result<T, Problem> {
    part.parse().map_err(|_| not_a_cursor())
}

pub fn cursor(list: &str, parts: &[&dyn fmt::Display]) -> String {
    let text = parts.iter().fold(list.to_owned(), |text, part| format!("{text}{SEPARATOR}{part}"));
    BASE64_URL_SAFE_NO_PAD.encode(text)
}

/// What a list of so many costs, whose members cost so much.
pub fn cost(first: Option<i32>, of_one: usize) -> usize {
    let size = first.and_then(|first| usize::try_from(first).ok()).unwrap_or(USUAL as usize);
    1 + size.min(MOST as usize) * of_one
}

type Count = Box<dyn Fn() -> BoxFuture<'static, Result<u64, Problem>> + Send + Sync>;

/// Where a member is in its list. It is only asked for the members whose place somebody asks for.
type Cursor<N> = Arc<dyn Fn(&N) -> String + Send + Sync>;

/// A page of a list.
pub struct Connection<N> {
    edges: Vec<Edge<N>>,
    page_info: PageInfo,
    count: Count,
}

impl<N> fmt::Debug for Connection<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("page_info", &self.page_info).finish_non_exhaustive()
    }
}

impl<N> Connection<N> {
    /// Of what was found up to the paging's limit. The count is only asked if somebody asks for it.
    pub fn new<F>(
        paging: &Paging,
        found: Vec<N>,
        cursor: impl Fn(&N) -> String + Send + Sync + 'static,
        count: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Result<u64, Problem>> + Send + 'static,
    {
        let has_next_page = found.len() > paging.size as usize;
        let cursor: Cursor<N> = Arc::new(cursor);
        let nodes = found.into_iter().take(paging.size as usize);
        let edges: Vec<Edge<N>> = nodes.map(|node| Edge { node, cursor: cursor.clone() }).collect();
        let page_info = PageInfo {
            has_next_page,
            has_previous_page: paging.after.is_some(),
            start_cursor: edges.first().map(Edge::place),
            end_cursor: edges.last().map(Edge::place),
        };
        Self { edges, page_info, count: Box::new(move || Box::pin(count())) }
    }
}

impl<N: ContainerType> TypeName for Connection<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", N::type_name()).into()
    }
}

/// A page of a list, and how many the whole list has.
#[Object(name_type)]
impl<N: Written + ContainerType> Connection<N> {
    /// What is on the page, each with its place in the list.
    async fn edges(&self) -> Members<'_, Edge<N>> {
        Members(self.edges.iter().collect())
    }

    /// What is on the page.
    async fn nodes(&self) -> Members<'_, N> {
        Members(self.edges.iter().map(|edge| &edge.node).collect())
    }

    /// Where the page is in the list.
    async fn page_info(&self) -> &PageInfo {
        &self.page_info
    }

    /// How many there are on all pages together.
    async fn total_count(&self, context: &Context<'_>) -> Option<Result<u64>> {
        Some(answer(context, (self.count)().await))
    }
}

struct Edge<N> {
    node: N,
    cursor: Cursor<N>,
}

impl<N> Edge<N> {
    fn place(&self) -> String {
        (self.cursor)(&self.node)
    }
}

impl<N: ContainerType> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", N::type_name()).into()
    }
}

impl<N: Written + ContainerType> Written for Edge<N> {
    fn write(&self, asked: &Asked<'_>, out: &mut Vec<u8>) -> bool {
        match asked.name.as_str() {
            "node" => InOrder(&self.node).put(asked, out),
            "cursor" => self.place().put(asked, out),
            "__typename" => Self::type_name().as_ref().put(asked, out),
            _ => false,
        }
    }
}

/// A member of a list, and its place in it.
#[Object(name_type)]
impl<N: Written + ContainerType> Edge<N> {
    /// The member itself.
    async fn node(&self) -> InOrder<&N> {
        InOrder(&self.node)
    }

    /// Its place: given as `after`, the next page begins behind it. It means something in the same list and order only.
    async fn cursor(&self) -> String {
        self.place()
    }
}

/// Where a page is in its list.
#[derive(Clone, Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether there are more behind it.
    has_next_page: bool,
    /// Whether it does not begin with the first of them.
    has_previous_page: bool,
    /// The place of the first on the page.
    start_cursor: Option<String>,
    /// The place of the last on the page: `after` for the next one.
    end_cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use daftar_projections::payments;

    use super::*;

    #[test]
    fn a_cursor_is_good_for_the_list_it_came_from_and_no_other() {
        let at = cursor("accounts/latest", &[&"2026-01-31", &7]);
        let paging = Paging::new(None, Some(at)).unwrap();
        assert_eq!(paging.place("accounts/latest").unwrap(), Some(["2026-01-31".to_owned(), "7".to_owned()]));
        assert!(paging.place::<2>("accounts/number").is_err());
        assert!(paging.place::<1>("accounts/latest").is_err());
        assert!(Paging::new(None, Some("what?".to_owned())).unwrap().place::<2>("accounts/latest").is_err());
    }

    #[test]
    fn a_cursor_is_good_for_the_order_it_came_from_and_no_other() {
        use crate::graphql::enums::PaymentSort::{Amount, ValueOn};
        let ordered = |after, by, direction| Paging::new(None, after).unwrap().ordered::<_, payments::Order, 2>("payments", by, direction);
        let spot = Spot { key: "700".to_owned(), ids: [Uuid::from_u128(1), Uuid::from_u128(2)] };
        let at = || Some(ordered(None, Amount, SortDirection::Ascending).unwrap().cursor(&spot));
        let again = ordered(at(), Amount, SortDirection::Ascending).unwrap();
        assert_eq!((again.page.after.as_ref(), again.cursor(&spot)), (Some(&spot), at().unwrap()));
        for (by, direction) in [(Amount, SortDirection::Descending), (ValueOn, SortDirection::Ascending)] {
            assert!(
                matches!(ordered(at(), by, direction), Err(Problem::Invalid { field, .. }) if field == "after"),
                "{by:?} {direction:?}"
            );
        }
        for forged in ["", "|700", "|700|00000000-0000-0000-0000-000000000001", "|700|1|2"] {
            let forged = BASE64_URL_SAFE_NO_PAD.encode(format!("payments/AMOUNT/ASCENDING{forged}"));
            assert!(ordered(Some(forged), Amount, SortDirection::Ascending).is_err());
        }
    }

    #[test]
    fn a_page_has_from_one_to_a_hundred_members() {
        assert_eq!(Paging::new(None, None).unwrap().size, USUAL);
        assert_eq!(Paging::new(Some(100), None).unwrap().limit(), 101);
        for wrong in [0, -1, 101, i32::MIN, i32::MAX] {
            assert!(Paging::new(Some(wrong), None).is_err(), "{wrong}");
        }
    }
}
