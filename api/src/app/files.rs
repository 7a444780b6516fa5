//! What people show of a repair.

use axum::body::BodyDataStream;
use daftar_domain::{
    Code, CommandHash, Digest,
    ids::{AttachmentId, RepairId},
    repair::{AttachFile, Audience, Command, Repair, Side},
};
use daftar_projections::repairs;

use super::{App, Wish, Written};
use crate::{
    caller::{Caller, EVERY_DESK, Role},
    files::{Files, NotReceived},
    input,
    problem::{Flaw, Problem},
};

/// Longer names are no names.
const LONGEST_NAME: usize = 120;

/// Whoever may attach something, besides the customer.
const COUNTER: &[Role] = &[Role::Technician, Role::Cashier, Role::Billing];

/// A file as it is sent.
#[derive(Debug)]
pub struct Sent<'a> {
    pub name: String,
    /// For staff alone.
    pub internal: bool,
    pub body: &'a mut BodyDataStream,
}

/// A file as it was attached.
#[derive(Clone, Debug)]
pub struct Attached {
    pub id: AttachmentId,
    pub media_type: &'static str,
    pub bytes: u64,
    pub digest: Digest,
    pub written: Written,
}

/// A file as it is given back.
#[derive(Clone, Debug)]
pub struct Given {
    /// Nothing, once the person is forgotten.
    pub name: Option<String>,
    pub media_type: String,
}

impl Wish<'_> {
    /// Who may, and what it would be called, is asked before the first byte is taken; whether the repair takes it, before it is kept.
    pub async fn attach(&self, repair: &str, Sent { name, internal, body }: Sent<'_>) -> Result<Attached, Problem> {
        let (side, audience) = match (self.caller, internal) {
            (Caller::Customer { .. }, false) => (Side::Customer, Audience::Public),
            (Caller::Customer { .. }, true) => (Side::Customer, Audience::Internal),
            (Caller::Staff { .. } | Caller::Nobody, internal) => {
                self.caller.staff(COUNTER)?;
                (Side::Staff, if internal { Audience::Internal } else { Audience::Public })
            }
        };
        let name = file_name(&name)?;
        let repair = self.repair(repair).await?;
        let files = self.app.files()?;
        let incoming = files.receive(body).await?;
        let name = self.seal_contact(repair.account.id(), &name).await?;
        let attachment_id = self.created_in(repair.id, "attachment", AttachmentId::new);
        let media_type = incoming.kind.media_type();
        let attach = AttachFile {
            attachment_id,
            by: self.actor(),
            side,
            audience,
            name,
            media_type: Code::new(media_type).map_err(|error| Problem::Internal(error.into()))?,
            bytes: incoming.bytes,
            digest: incoming.digest,
            at: self.context.now,
        };
        let said = CommandHash::of(&(audience, &attach.name, attach.digest));
        let attach = Command::AttachFile(attach);
        self.check_as::<Repair>(repair.id, &attach, said).await?;
        files.keep(repair.account.id(), &incoming).await.map_err(|error| Problem::Unavailable(error.into()))?;
        let written = self.ask_as::<Repair>(repair.id, attach, said).await?;
        Ok(Attached { id: attachment_id, media_type, bytes: incoming.bytes, digest: incoming.digest, written })
    }
}

impl App {
    fn files(&self) -> Result<&Files, Problem> {
        self.files.as_ref().ok_or_else(|| Problem::Unavailable("no folder for files was given".into()))
    }

    /// A file of a repair, for whoever may see both.
    pub async fn attached(&self, caller: &Caller, repair: &str, file: &str) -> Result<(Given, Vec<u8>), Problem> {
        caller.user()?;
        let (id, file) = (input::id("repairId", repair, RepairId::new)?, input::id("fileId", file, AttachmentId::new)?);
        let found = repairs::by_id(&self.read_models, id).await?.ok_or(Problem::NotFound)?;
        let account = caller.account(found.account_id)?.id();
        let reader = if caller.staff(EVERY_DESK).is_ok() { Audience::Internal } else { Audience::Public };
        let all = repairs::files(&self.read_models, &[id], reader).await?;
        let (_, found) = all.into_iter().find(|(_, found)| found.id == file).ok_or(Problem::NotFound)?;
        let name = self.keyring.open(account, &found.name).await?.map(|name| name.reveal().to_owned());
        let bytes = self.files()?.read(account, found.digest).await.map_err(|error| Problem::Internal(error.into()))?;
        Ok((Given { name, media_type: found.media_type }, bytes))
    }
}

/// A name, and not a way to somewhere.
fn file_name(name: &str) -> Result<String, Problem> {
    let name = input::line("name", name)?;
    let leads_elsewhere = name.contains(['/', '\\', ':', '\0']) || name.starts_with('.') || name.contains("..");
    if name.chars().count() > LONGEST_NAME {
        Err(Problem::invalid("name", Flaw::TooLong { longest: LONGEST_NAME }))
    } else if leads_elsewhere {
        Err(Problem::invalid("name", Flaw::NotAFileName))
    } else {
        Ok(name)
    }
}

impl From<NotReceived> for Problem {
    fn from(error: NotReceived) -> Self {
        match error {
            NotReceived::Unfit(unfit) => Self::Unfit(unfit),
            NotReceived::Cut(_) | NotReceived::Disk(_) => Self::Unavailable(error.into()),
        }
    }
}
