//! What belongs to repairs: offers, timelines, files and parts, of as many as are asked for at once.

use chrono::{DateTime, NaiveDate, Utc};
use daftar_domain::{
    Digest, Sealed,
    ids::{AttachmentId, CommentId, PartId, PartRequestId, RepairId},
    repair::{Audience, Estimate, Side, Status},
};
use sqlx::PgExecutor;

use super::{EntryRow, EstimateRow, FileRow, PartRequestRow, malformed, unsealed};
use crate::{
    QueryError,
    columns::{from_bigint, from_name, to_bigint, uuids},
};

/// Something offered.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    pub visit: u32,
    pub number: u32,
    pub estimate: Estimate,
    pub needs_approval: bool,
    pub offered_on: NaiveDate,
}

/// All that was offered for each of these repairs, the first offer first.
pub async fn offers(db: impl PgExecutor<'_>, repairs: &[RepairId]) -> Result<Vec<(RepairId, Offer)>, QueryError> {
    let rows = sqlx::query_as!(
        EstimateRow,
        "SELECT * FROM read_repairs.estimate WHERE repair_id = ANY($1) ORDER BY repair_id, visit, number",
        &uuids(repairs),
    );
    let offers = rows.fetch_all(db).await?.into_iter().map(|row| {
        let offer = Offer {
            visit: row.visit.unsigned_abs(),
            number: row.number.unsigned_abs(),
            estimate: serde_json::from_str(&row.estimate).map_err(malformed("estimate"))?,
            needs_approval: row.needs_approval,
            offered_on: row.offered_on,
        };
        Ok((RepairId::new(row.repair_id), offer))
    });
    offers.collect()
}

/// A line of a repair's timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub revision: u64,
    /// The event's type.
    pub what: String,
    pub status: Status,
    pub actor: String,
    pub audience: Audience,
    pub side: Option<Side>,
    pub comment_id: Option<CommentId>,
    pub words: Option<Sealed>,
    pub note: Option<String>,
    pub recorded_at: DateTime<Utc>,
}

/// Which lines of a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Which {
    /// Whoever reads: what is for staff alone is not for everybody.
    pub reader: Audience,
    /// What people wrote, and nothing else.
    pub only_comments: bool,
}

/// What happened to each of these repairs, in its order, after a line that was seen.
pub async fn timeline(
    db: impl PgExecutor<'_>,
    repairs: &[RepairId],
    Which { reader, only_comments }: Which,
    after: Option<u64>,
    limit: u32,
) -> Result<Vec<(RepairId, Entry)>, QueryError> {
    let rows = sqlx::query_as!(
        EntryRow,
        "SELECT entry.* FROM unnest($1::uuid[]) AS asked (id)
         CROSS JOIN LATERAL (SELECT * FROM read_repairs.entry
                             WHERE repair_id = asked.id AND (audience = 'public' OR $2) AND (comment_id IS NOT NULL OR NOT $3) AND revision > $4
                             ORDER BY revision LIMIT $5) entry",
        &uuids(repairs),
        reader == Audience::Internal,
        only_comments,
        after.map_or(-1, to_bigint),
        i64::from(limit),
    );
    rows.fetch_all(db).await?.into_iter().map(|row| Ok((RepairId::new(row.repair_id), Entry::try_from(row)?))).collect()
}

/// How many lines the timeline of each has.
pub async fn entry_counts(
    db: impl PgExecutor<'_>,
    repairs: &[RepairId],
    Which { reader, only_comments }: Which,
) -> Result<Vec<(RepairId, u64)>, QueryError> {
    let found = sqlx::query!(
        r#"SELECT repair_id, count(*) AS "count!" FROM read_repairs.entry
           WHERE repair_id = ANY($1) AND (audience = 'public' OR $2) AND (comment_id IS NOT NULL OR NOT $3) GROUP BY repair_id"#,
        &uuids(repairs),
        reader == Audience::Internal,
        only_comments,
    );
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (RepairId::new(row.repair_id), from_bigint(row.count))).collect())
}

/// Something shown of a repair. Its bytes are kept elsewhere, under their digest.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    pub id: AttachmentId,
    pub name: Sealed,
    pub media_type: String,
    pub bytes: u64,
    pub digest: Digest,
    pub actor: String,
    pub side: Side,
    pub audience: Audience,
    pub attached_at: DateTime<Utc>,
}

/// What was attached to each of these repairs, the first first; for everybody or for staff alone.
pub async fn files(db: impl PgExecutor<'_>, repairs: &[RepairId], reader: Audience) -> Result<Vec<(RepairId, File)>, QueryError> {
    let rows = sqlx::query_as!(
        FileRow,
        "SELECT * FROM read_repairs.file WHERE repair_id = ANY($1) AND (audience = 'public' OR $2) ORDER BY position, attachment_id",
        &uuids(repairs),
        reader == Audience::Internal,
    );
    let files = rows.fetch_all(db).await?.into_iter().map(|row| {
        let file = File {
            id: AttachmentId::new(row.attachment_id),
            name: unsealed(&row.name)?,
            media_type: row.media_type,
            bytes: from_bigint(row.bytes),
            digest: from_name(row.digest).map_err(malformed("digest"))?,
            actor: row.actor,
            side: from_name(row.side).map_err(malformed("side"))?,
            audience: from_name(row.audience).map_err(malformed("audience"))?,
            attached_at: row.attached_at,
        };
        Ok((RepairId::new(row.repair_id), file))
    });
    files.collect()
}

/// Parts that a repair asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AskedPart {
    pub id: PartRequestId,
    pub visit: u32,
    pub part_id: PartId,
    pub quantity: u32,
    pub here: bool,
    pub missing: Option<u32>,
    pub used: u32,
    pub returned: u32,
}

/// The parts that each of these repairs asked for, by visit.
pub async fn parts(db: impl PgExecutor<'_>, repairs: &[RepairId]) -> Result<Vec<(RepairId, AskedPart)>, QueryError> {
    let rows = sqlx::query_as!(
        PartRequestRow,
        "SELECT * FROM read_repairs.part_request WHERE repair_id = ANY($1) ORDER BY visit, request_id",
        &uuids(repairs),
    );
    let parts = rows.fetch_all(db).await?.into_iter().map(|row| {
        let part = AskedPart {
            id: PartRequestId::new(row.request_id),
            visit: row.visit.unsigned_abs(),
            part_id: PartId::new(row.part_id),
            quantity: row.quantity.unsigned_abs(),
            here: row.here,
            missing: row.missing.map(i32::unsigned_abs),
            used: row.used.unsigned_abs(),
            returned: row.returned.unsigned_abs(),
        };
        (RepairId::new(row.repair_id), part)
    });
    Ok(parts.collect())
}

impl TryFrom<EntryRow> for Entry {
    type Error = QueryError;

    fn try_from(row: EntryRow) -> Result<Self, QueryError> {
        Ok(Self {
            revision: from_bigint(row.revision),
            what: row.what,
            status: from_name(row.status).map_err(malformed("status"))?,
            actor: row.actor,
            audience: from_name(row.audience).map_err(malformed("audience"))?,
            side: row.side.map(|side| from_name(side).map_err(malformed("side"))).transpose()?,
            comment_id: row.comment_id.map(CommentId::new),
            words: row.words.as_deref().map(unsealed).transpose()?,
            note: row.note,
            recorded_at: row.recorded_at,
        })
    }
}
