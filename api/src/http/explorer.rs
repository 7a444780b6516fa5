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
