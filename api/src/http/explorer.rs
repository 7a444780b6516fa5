//! A page to try queries on, of our own and without anything from elsewhere: a utility's network refuses public CDNs.

use axum::{
    Router,
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};

pub fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/graphql/explorer.js", get(async || asset("text/javascript", include_str!("explorer.js"))))
        .route("/graphql/explorer.css", get(async || asset("text/css", include_str!("explorer.css"))))
}

/// For whoever opens the API's own address in a browser.
pub fn page() -> Html<&'static str> {
    Html(include_str!("explorer.html"))
}

fn asset(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind)], text)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_has_what_its_script_takes_hold_of() {
        let (page, script) = (include_str!("explorer.html"), include_str!("explorer.js"));
        let taken: Vec<_> = script.split("at(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(taken.len() > 10);
        for id in taken {
            assert!(page.contains(&format!("id=\"{id}\"")), "nothing in the page is `{id}`");
        }
    }
}
