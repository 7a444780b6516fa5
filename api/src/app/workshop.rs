//! Repairs, and the parts, branches and people that they take.

use daftar_domain::{
    CommandHash, Currency, Decider, StreamName,
    account::{self, Account, TakeDeposit},
    branch::{Branch, BranchDetails},
    ids::{AccountId, BranchId, PartId, RepairId, UserId},
    part::Part,
    repair::{self, NoteRepairDeposit, Repair},
    user::{Role, Standing, User},
};

use super::{Wish, Written};
use crate::{
    caller::Visible,
    input,
    problem::{Flaw, Problem},
};

/// A repair that whoever asks may see.
#[derive(Clone, Copy, Debug)]
pub struct SeenRepair {
    pub id: RepairId,
    pub account: Visible,
}

impl Wish<'_> {
    /// The repair that somebody asks for. One that is not there, or not theirs, is not found.
    pub async fn repair(&self, id: &str) -> Result<SeenRepair, Problem> {
        let id = input::id("repairId", id, RepairId::new)?;
        let repair: Repair = self.app.engine.look(&StreamName::of::<Repair>(id)).await?;
        let account = match repair.account_id() {
            Some(account) => self.caller.account(account)?,
            // Whoever has not signed in is not told what there is not.
            None => return Err(self.caller.user().err().unwrap_or(Problem::NotFound)),
        };
        Ok(SeenRepair { id, account })
    }

    pub async fn part_of(&self, id: PartId) -> Result<Part, Problem> {
        Ok(self.app.engine.look(&StreamName::of::<Part>(id)).await?)
    }

    pub async fn check_part_is_there(&self, id: PartId) -> Result<(), Problem> {
        if self.exists(&StreamName::of::<Part>(id)).await? { Ok(()) } else { Err(Problem::invalid("partId", Flaw::Unknown)) }
    }

    pub async fn check_branch_is_there(&self, id: BranchId) -> Result<(), Problem> {
        if self.exists(&StreamName::of::<Branch>(id)).await? { Ok(()) } else { Err(Problem::invalid("branchId", Flaw::Unknown)) }
    }

    /// A branch, as long as it receives anybody.
    pub async fn receiving_branch(&self, id: BranchId) -> Result<BranchDetails, Problem> {
        let branch: Branch = self.app.engine.look(&StreamName::of::<Branch>(id)).await?;
        Ok(branch.receiving().cloned()?)
    }

    pub async fn currency_of(&self, account: AccountId) -> Result<Currency, Problem> {
        let account: Account = self.app.engine.look(&StreamName::of::<Account>(account)).await?;
        account.currency().ok_or(Problem::NotFound)
    }

    /// Somebody who repairs, if that is what they may do.
    pub async fn check_repairs(&self, technician: UserId) -> Result<(), Problem> {
        let user: User = self.app.engine.look(&StreamName::of::<User>(technician)).await?;
        match user.standing() {
            Some(Standing::Staff(roles)) if roles.contains(&Role::Technician) || roles.contains(&Role::Admin) => Ok(()),
            Some(Standing::Staff(_) | Standing::Customer(_)) | None => Err(Problem::invalid("technicianId", Flaw::Unknown)),
        }
    }

    /// A deposit is the account's money, and the repair goes on because of it: both are asked first, then each is told.
    pub async fn take_repair_deposit(&self, repair: SeenRepair, deposit: TakeDeposit) -> Result<Written, Problem> {
        let note = repair::Command::NoteRepairDeposit(NoteRepairDeposit { deposit_id: deposit.deposit_id, amount: deposit.amount });
        let said = CommandHash::of(&deposit);
        let (account, take) = (repair.account.id(), account::Command::from(deposit));
        self.check_as::<Repair>(repair.id, &note, said).await?;
        self.ask_part::<Account>("take deposit", account, take).await?;
        let written = self.ask_as::<Repair>(repair.id, note, said).await?;
        // The account was told before: what is readable of the one position is readable of the other.
        self.written(&[Account::CATEGORY, Repair::CATEGORY], written.position).await
    }
}
