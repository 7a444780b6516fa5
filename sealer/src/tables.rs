//! What the sealer remembers, and what is served of it.

use std::{collections::BTreeMap, io};

use daftar_domain::Position;
use daftar_proof::{HASH_BYTES, Hash, Head, Note, TILE_WIDTH, Tile, TileSource, WrittenTile};
use daftar_store::StoredEvent;
use sqlx::{Connection, PgConnection, PgExecutor};

/// Where the tree ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Remembered {
    pub head: Head,
    pub last: Last,
}

/// The event of the last leaf.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Last {
    pub position: Position,
    pub stream: String,
    pub revision: u64,
}

/// Tiles by level and place. A narrower tile than was stored is its beginning.
#[derive(Debug, Default)]
pub(crate) struct Tiles(BTreeMap<(u8, u64), Vec<u8>>);

impl Tiles {
    pub fn of(written: &[WrittenTile]) -> Self {
        Self(written.iter().map(|written| ((written.tile.level(), written.tile.index()), written.bytes())).collect())
    }
}

impl TileSource for Tiles {
    fn read(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        let kept = self.0.get(&(tile.level(), tile.index()));
        Ok(kept.and_then(|hashes| hashes.get(..tile.bytes())).map(<[u8]>::to_vec))
    }
}

impl Last {
    pub fn of(event: &StoredEvent) -> Self {
        Self { position: event.position, stream: event.stream.clone(), revision: event.revision }
    }
}

/// The tree's end and the tiles that it has there.
pub(crate) async fn remembered(db: &mut PgConnection) -> Result<Option<(Remembered, Tiles)>, sqlx::Error> {
    let find = "SELECT size, root, commit_position, prepare_position, stream, revision FROM daftar_seal.head";
    let Some((size, root, commit, prepare, stream, revision)) =
        sqlx::query_as::<_, (i64, Vec<u8>, i64, i64, String, i64)>(find).fetch_optional(&mut *db).await?
    else {
        return Ok(None);
    };
    let root = Hash(root.try_into().map_err(|_| sqlx::Error::Decode("a root has 32 bytes".into()))?);
    let head = Head { size: size.cast_unsigned(), root };
    let mut tiles = Tiles::default();
    // On each level the tile that has the last hash: the edge, and the way to the last leaf.
    for level in 0..8 {
        let Some(last) = (head.size >> (8 * u32::from(level))).checked_sub(1) else { break };
        if let Some(edge) = Tile::in_tree(head.size, level, last / TILE_WIDTH as u64)
            && let Some(hashes) = tile(&mut *db, edge).await?
        {
            tiles.0.insert((level, edge.index()), hashes);
        }
    }
    let position = Position { commit: commit.cast_unsigned(), prepare: prepare.cast_unsigned() };
    Ok(Some((Remembered { head, last: Last { position, stream, revision: revision.cast_unsigned() } }, tiles)))
}

/// All at once, and durably before it returns, whatever the server's usual setting is.
pub(crate) async fn remember(
    db: &mut PgConnection,
    Remembered { head, last }: &Remembered,
    tiles: &[WrittenTile],
) -> Result<(), sqlx::Error> {
    let (mut levels, mut places, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
    for written in tiles {
        levels.push(i16::from(written.tile.level()));
        places.push(written.tile.index().cast_signed());
        hashes.push(written.bytes());
    }
    let mut transaction = db.begin().await?;
    sqlx::query("SET LOCAL synchronous_commit = on").execute(&mut *transaction).await?;
    let keep = "INSERT INTO daftar_seal.tile (level, place, hashes) SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])
                ON CONFLICT (level, place) DO UPDATE SET hashes = excluded.hashes";
    sqlx::query(keep).bind(levels).bind(places).bind(hashes).execute(&mut *transaction).await?;
    let moved = "INSERT INTO daftar_seal.head (size, root, commit_position, prepare_position, stream, revision) VALUES ($1, $2, $3, $4, $5, $6)
                 ON CONFLICT (only_one) DO UPDATE SET size = excluded.size, root = excluded.root, commit_position = excluded.commit_position,
                     prepare_position = excluded.prepare_position, stream = excluded.stream, revision = excluded.revision";
    sqlx::query(moved)
        .bind(head.size.cast_signed())
        .bind(head.root.0)
        .bind(last.position.commit.cast_signed())
        .bind(last.position.prepare.cast_signed())
        .bind(&last.stream)
        .bind(last.revision.cast_signed())
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await
}

/// A head that is signed again, by other keys, takes the place of its note.
pub(crate) async fn publish(db: impl PgExecutor<'_>, size: u64, note: &Note) -> Result<(), sqlx::Error> {
    let publish = "INSERT INTO daftar_seal.checkpoint (size, note) VALUES ($1, $2)
                   ON CONFLICT (size) DO UPDATE SET note = excluded.note, signed_at = now() WHERE checkpoint.note <> excluded.note";
    sqlx::query(publish).bind(size.cast_signed()).bind(note.to_string()).execute(db).await?;
    Ok(())
}

/// The last that was published.
pub async fn checkpoint(db: impl PgExecutor<'_>) -> Result<Option<String>, sqlx::Error> {
    sqlx::query_scalar("SELECT note FROM daftar_seal.checkpoint ORDER BY size DESC LIMIT 1").fetch_optional(db).await
}

/// The tile's hashes; none if the tree does not reach so far.
pub async fn tile(db: impl PgExecutor<'_>, tile: Tile) -> Result<Option<Vec<u8>>, sqlx::Error> {
    let find = "SELECT substring(hashes FOR $3) FROM daftar_seal.tile WHERE level = $1 AND place = $2 AND length(hashes) >= $3";
    let bytes = i32::try_from(tile.bytes()).unwrap_or(i32::MAX);
    sqlx::query_scalar(find).bind(i16::from(tile.level())).bind(tile.index().cast_signed()).bind(bytes).fetch_optional(db).await
}

/// Tiles from this place on, of one level.
pub(crate) async fn tiles_from(db: impl PgExecutor<'_>, level: u8, place: u64, most: i64) -> Result<Vec<(u64, Vec<Hash>)>, sqlx::Error> {
    let find = "SELECT place, hashes FROM daftar_seal.tile WHERE level = $1 AND place >= $2 ORDER BY place LIMIT $3";
    let found: Vec<(i64, Vec<u8>)> = sqlx::query_as(find).bind(i16::from(level)).bind(place.cast_signed()).bind(most).fetch_all(db).await?;
    let hashes = |bytes: Vec<u8>| bytes.as_chunks::<HASH_BYTES>().0.iter().map(|hash| Hash(*hash)).collect();
    Ok(found.into_iter().map(|(place, bytes)| (place.cast_unsigned(), hashes(bytes))).collect())
}
