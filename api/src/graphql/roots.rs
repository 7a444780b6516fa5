//! How much is asked at once. Depth and complexity say how large an answer may be; a request made of very many small ones is stopped here.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet},
};

/// Questions or wishes of one request: more than any screen has.
const MOST: usize = 30;

/// Whether it asks no more than that. Not an extension of the schema: if there is any, each field of every answer takes a longer way.
pub fn few(document: &ExecutableDocument) -> bool {
    let mut left = MOST;
    let mut operations = document.operations.iter();
    operations.all(|(_, operation)| collect(&document.fragments, &operation.node.selection_set.node, &mut vec![], &mut left))
}

/// The fields of a set with those of its fragments, if there is room for all of it. Fragments take room themselves, so that one which
/// contains itself comes to an end.
pub fn collect<'a>(
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    set: &'a SelectionSet,
    fields: &mut Vec<&'a Positioned<Field>>,
    left: &mut usize,
) -> bool {
    set.items.iter().all(|item| {
        let Some(less) = left.checked_sub(1) else { return false };
        *left = less;
        match &item.node {
            Selection::Field(field) => {
                fields.push(field);
                true
            }
            Selection::InlineFragment(fragment) => collect(fragments, &fragment.node.selection_set.node, fields, left),
            Selection::FragmentSpread(spread) => match fragments.get(&spread.node.fragment_name.node) {
                Some(fragment) => collect(fragments, &fragment.node.selection_set.node, fields, left),
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
        few(&parse_query(query).unwrap())
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
