//! How much is asked at once. Depth and complexity say how large an answer may be; a request made of very many small ones is stopped here.

use std::sync::Arc;

use async_graphql::{
    ServerError, ServerResult, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextParseQuery},
    parser::types::{ExecutableDocument, Selection, SelectionSet},
};

/// Questions or wishes of one request: more than any screen has.
const MOST: usize = 30;

#[derive(Debug)]
pub struct Roots;

impl ExtensionFactory for Roots {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Roots {
    async fn parse_query(
        &self,
        context: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(context, query, variables).await?;
        let mut left = MOST;
        let fits = document.operations.iter().all(|(_, operation)| fits(&document, &operation.node.selection_set.node, &mut left));
        if fits { Ok(document) } else { Err(ServerError::new("Query is too complex.", None)) }
    }
}

/// Whether there is room for all of it. Fragments take room themselves, so that one which contains itself comes to an end.
fn fits(document: &ExecutableDocument, selections: &SelectionSet, left: &mut usize) -> bool {
    selections.items.iter().all(|item| {
        let Some(less) = left.checked_sub(1) else { return false };
        *left = less;
        match &item.node {
            Selection::Field(_) => true,
            Selection::InlineFragment(fragment) => fits(document, &fragment.node.selection_set.node, left),
            Selection::FragmentSpread(spread) => match document.fragments.get(&spread.node.fragment_name.node) {
                Some(fragment) => fits(document, &fragment.node.selection_set.node, left),
                None => true,
            },
        }
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn asked(query: &str) -> bool {
        let document = parse_query(query).unwrap();
        let mut left = MOST;
        document.operations.iter().all(|(_, operation)| fits(&document, &operation.node.selection_set.node, &mut left))
    }

    #[test]
    fn a_request_asks_so_much_and_no_more_however_it_is_wrapped() {
        let aliases = |count: usize| (0..count).map(|n| format!("a{n}: __typename ")).collect::<String>();
        assert!(asked(&format!("{{ {} }}", aliases(MOST))));
        assert!(!asked(&format!("{{ {} }}", aliases(MOST + 1))));
        assert!(!asked(&format!("{{ ... {{ {} }} }}", aliases(MOST))));
        assert!(!asked(&format!("{{ ...all }} fragment all on Query {{ {} }}", aliases(MOST))));
        assert!(!asked(&format!("query a {{ {0} }} query b {{ {0} }}", aliases(MOST - 1))));
        assert!(!asked("{ ...around } fragment around on Query { ...around }"));
        // What is asked of one thing is for the complexity to limit.
        assert!(asked(&format!("{{ account(id: 1) {{ {} }} }}", aliases(MOST * 2))));
    }
}
