//! What customer and workshop say to one another, and what they show.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Event, Job, Rejection};
use crate::{
    Actor, Code, Digest, Sealed,
    ids::{AttachmentId, CommentId},
};

/// More is a heap, not a file.
const MOST_FILES: usize = 50;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comment {
    pub comment_id: CommentId,
    pub by: Actor,
    pub side: Side,
    pub audience: Audience,
    pub text: Sealed,
    pub at: DateTime<Utc>,
}

/// "Please tell me how it goes."
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AskForUpdate {
    pub at: DateTime<Utc>,
}

/// The bytes are kept elsewhere, under their digest.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttachFile {
    pub attachment_id: AttachmentId,
    pub by: Actor,
    pub side: Side,
    pub audience: Audience,
    /// As its sender calls it.
    pub name: Sealed,
    /// As its content says, whatever its name.
    pub media_type: Code,
    pub bytes: u64,
    pub digest: Digest,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CommentMade {
    pub comment_id: CommentId,
    pub by: Actor,
    pub side: Side,
    pub audience: Audience,
    pub text: Sealed,
    pub at: DateTime<Utc>,
}

/// It goes to whoever works on it; to the branch, as long as nobody does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpdateAsked {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub technician: Option<Actor>,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileAttached {
    pub attachment_id: AttachmentId,
    pub by: Actor,
    pub side: Side,
    pub audience: Audience,
    pub name: Sealed,
    pub media_type: Code,
    pub bytes: u64,
    pub digest: Digest,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    Customer,
    Staff,
}

/// Who may see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Audience {
    Public,
    /// Staff alone.
    Internal,
}

impl Job {
    pub(super) fn comment(&self, wish: Comment) -> Result<Vec<Event>, Rejection> {
        let Comment { comment_id, by, side, audience, text, at } = wish;
        let made = CommentMade { comment_id, by, side, audience, text, at };
        match self.comments.get(&comment_id) {
            Some(already) if *already == made => return Ok(vec![]),
            Some(_) => return Err(Rejection::CommentIdReused),
            None => check(side, audience)?,
        }
        Ok(vec![made.into()])
    }

    /// One at a time: whoever waits already has been heard.
    pub(super) fn ask_for_update(&self, wish: AskForUpdate) -> Result<Vec<Event>, Rejection> {
        let AskForUpdate { at } = wish;
        if self.waiting_since.is_some() {
            return Ok(vec![]);
        }
        self.visit.only_while_here()?;
        Ok(vec![UpdateAsked { technician: self.technician.clone(), at }.into()])
    }

    pub(super) fn attach(&self, wish: AttachFile) -> Result<Vec<Event>, Rejection> {
        let AttachFile { attachment_id, by, side, audience, name, media_type, bytes, digest, at } = wish;
        let attached = FileAttached { attachment_id, by, side, audience, name, media_type, bytes, digest, at };
        match self.files.get(&attachment_id) {
            Some(already) if *already == attached => return Ok(vec![]),
            Some(_) => return Err(Rejection::AttachmentIdReused),
            None if self.files.len() >= MOST_FILES => return Err(Rejection::TooManyFiles { most: MOST_FILES }),
            None => check(side, audience)?,
        }
        Ok(vec![attached.into()])
    }

    pub(super) fn comment_was_made(&mut self, fact: &CommentMade) {
        self.comments.insert(fact.comment_id, fact.clone());
        if (fact.side, fact.audience) == (Side::Staff, Audience::Public) {
            self.waiting_since = None;
        }
    }
}

fn check(side: Side, audience: Audience) -> Result<(), Rejection> {
    if (side, audience) == (Side::Customer, Audience::Internal) { Err(Rejection::NotForCustomers) } else { Ok(()) }
}
