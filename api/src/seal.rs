//! What is sealed of the log, for whoever wants to keep it: hashes and signatures, and nothing that anybody said.

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use daftar_proof::Tile;
use sqlx::PgPool;

/// `/checkpoint` and `/tile/…` as C2SP's `tlog-tiles` has them.
pub fn routes<S: Clone + Send + Sync + 'static>(database: PgPool) -> Router<S> {
    Router::new().route("/checkpoint", get(checkpoint)).route("/tile/{*path}", get(tile)).with_state(database)
}

async fn checkpoint(State(database): State<PgPool>) -> Response {
    match daftar_sealer::checkpoint(&database).await {
        Ok(Some(note)) => {
            ([(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], note).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "nothing is sealed yet").into_response(),
        Err(error) => unavailable(&error),
    }
}

async fn tile(State(database): State<PgPool>, Path(path): Path<String>) -> Response {
    let Ok(tile) = format!("tile/{path}").parse::<Tile>() else {
        return (StatusCode::NOT_FOUND, "no tile has this path").into_response();
    };
    match daftar_sealer::tile(&database, tile).await {
        // What a tile holds never changes.
        Ok(Some(hashes)) => {
            let headers =
                [(header::CONTENT_TYPE, "application/octet-stream"), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
            (headers, hashes).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "the tree does not reach so far").into_response(),
        Err(error) => unavailable(&error),
    }
}

fn unavailable(error: &sqlx::Error) -> Response {
    tracing::warn!(%error, "what is sealed cannot be read");
    (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached").into_response()
}
