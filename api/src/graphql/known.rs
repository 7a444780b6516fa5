//! Queries that were asked before. A portal asks the same few all day, and to read the text of one takes longer than to answer some.

use std::{
    fmt,
    num::NonZero,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::{
    Request,
    parser::types::{ExecutableDocument, OperationType},
};
use lru::LruCache;

/// So many are known, the last ones asked.
const MOST: NonZero<usize> = NonZero::new(256).expect("not zero");
/// Bytes of text. Longer ones are rare, and would take the room of many.
const LONGEST: usize = 4 * 1024;

pub struct Known(Mutex<LruCache<String, Arc<ExecutableDocument>>>);

impl Default for Known {
    fn default() -> Self {
        Self(Mutex::new(LruCache::new(MOST)))
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known")
    }
}

impl Known {
    /// Has the request read, if it can be.
    pub fn read(&self, request: &mut Request) {
        if request.query.len() > LONGEST {
            return;
        }
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&request.query).cloned();
        if let Some(document) = known {
            request.set_parsed_query(ExecutableDocument::clone(&document));
        } else if let Some(document) = request.parsed_query().ok().filter(|document| only_asks(document)) {
            let document = Arc::new(document.clone());
            self.0.lock().unwrap_or_else(PoisonError::into_inner).put(request.query.clone(), document);
        }
    }
}

/// What is wished may have a password in its text, which is not for us to keep.
fn only_asks(document: &ExecutableDocument) -> bool {
    document.operations.iter().all(|(_, operation)| operation.node.ty == OperationType::Query)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(known: &Known) -> usize {
        known.0.lock().unwrap().len()
    }

    fn read(known: &Known, query: &str) -> Request {
        let mut request = Request::new(query);
        known.read(&mut request);
        request
    }

    #[test]
    fn what_is_known_reads_as_it_did() {
        let known = Known::default();
        for query in ["{ a }", "query($n: Int = 3) { a(first: $n) { ...B } } fragment B on T { b }", "{ a }"] {
            let (once, again) = (format!("{:?}", read(&known, query).parsed_query()), format!("{:?}", read(&known, query).parsed_query()));
            assert_eq!(once, again);
        }
        assert_eq!(kept(&known), 2);
    }

    #[test]
    fn what_has_secrets_or_makes_no_sense_or_is_long_is_not_kept() {
        let known = Known::default();
        let long = format!("{{ {} }}", "a ".repeat(LONGEST));
        for query in ["mutation { signIn(password: \"x\") { a } }", "query A { a } mutation B { b }", "subscription { a }", "{ a", &long] {
            read(&known, query);
        }
        assert_eq!(kept(&known), 0);
        for number in 0..MOST.get() * 2 {
            read(&known, &format!("{{ a{number} }}"));
        }
        assert_eq!(kept(&known), MOST.get());
    }
}
