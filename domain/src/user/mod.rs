//! Who may come in: staff with roles, customers with accounts.
//!
//! What proves who somebody is (passwords, second factors, sessions) are no facts of the books and stay outside; what they may do is a fact.

pub mod audit;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    Decider, Reason, Sealed,
    ids::{AccountId, UserId},
    schema::events,
};

/// What a member of staff may do. One person can have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Role {
    /// Takes money.
    Cashier,
    /// Repairs, installs, reads meters.
    Technician,
    /// Looks after customers, meters, tariffs and bills.
    Billing,
    /// Keeps the books.
    Finance,
    /// Sees everything and changes nothing.
    Auditor,
    /// Looks after users, and may do what everybody may.
    Admin,
}

#[derive(Clone, Debug, Serialize)]
pub enum Command {
    RegisterStaff(RegisterStaff),
    RegisterCustomer(RegisterCustomer),
    ChangeRoles(ChangeRoles),
    ClaimAccount(ClaimAccount),
    DeactivateUser(DeactivateUser),
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegisterStaff {
    pub user_id: UserId,
    /// Sealed with a key of the user's own.
    pub user_name: Sealed,
    pub roles: BTreeSet<Role>,
}

/// Somebody who has shown that an account is theirs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RegisterCustomer {
    pub user_id: UserId,
    pub user_name: Sealed,
    pub account_id: AccountId,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeRoles {
    pub roles: BTreeSet<Role>,
    /// Who wishes it; nobody if it is whoever runs the machine.
    pub by: Option<UserId>,
}

/// A customer has shown that another account is theirs, too.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClaimAccount {
    pub account_id: AccountId,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeactivateUser {
    pub by: Option<UserId>,
    pub reason: Reason,
}

events! {
    StaffRegistered 1
    CustomerRegistered 1
    RolesChanged 1
    AccountClaimed 1
    UserDeactivated 1
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StaffRegistered {
    pub user_id: UserId,
    pub user_name: Sealed,
    pub roles: BTreeSet<Role>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerRegistered {
    pub user_id: UserId,
    pub user_name: Sealed,
    pub account_id: AccountId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RolesChanged {
    pub roles: BTreeSet<Role>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccountClaimed {
    pub account_id: AccountId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserDeactivated {
    pub reason: Reason,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    #[error("there is no such user")]
    NotRegistered,
    #[error("the user is already registered with other details")]
    AlreadyRegistered,
    #[error("the user has been deactivated")]
    Deactivated,
    #[error("only staff have roles")]
    NotStaff,
    #[error("only customers claim accounts")]
    NotACustomer,
    #[error("a member of staff has at least one role")]
    NoRole,
    /// So that there is always an admin: the last one cannot stop being one.
    #[error("nobody changes their own roles or deactivates themselves")]
    Oneself,
}

/// What somebody may come in for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    Staff(BTreeSet<Role>),
    Customer(BTreeSet<AccountId>),
}

#[derive(Clone, Debug, Default)]
pub struct User(Option<Known>);

#[derive(Clone, Debug)]
struct Known {
    user_id: UserId,
    /// As it was registered, so that a retry is known.
    registered: Event,
    user_name: Sealed,
    standing: Standing,
    active: bool,
}

impl User {
    /// What they may do; nothing if they are not there or were deactivated.
    pub fn standing(&self) -> Option<&Standing> {
        self.0.as_ref().filter(|known| known.active).map(|known| &known.standing)
    }

    pub fn user_name(&self) -> Option<&Sealed> {
        self.0.as_ref().map(|known| &known.user_name)
    }

    fn register(&self, wished: Event) -> Result<Vec<Event>, Rejection> {
        match &self.0 {
            None => Ok(vec![wished]),
            Some(known) if known.registered == wished => Ok(vec![]),
            Some(_) => Err(Rejection::AlreadyRegistered),
        }
    }

    fn known(&self) -> Result<&Known, Rejection> {
        self.0.as_ref().ok_or(Rejection::NotRegistered)
    }

    fn change_roles(&self, ChangeRoles { roles, by }: ChangeRoles) -> Result<Vec<Event>, Rejection> {
        let known = self.known()?;
        match &known.standing {
            _ if !known.active => Err(Rejection::Deactivated),
            Standing::Customer(_) => Err(Rejection::NotStaff),
            Standing::Staff(_) if by == Some(known.user_id) => Err(Rejection::Oneself),
            Standing::Staff(_) if roles.is_empty() => Err(Rejection::NoRole),
            Standing::Staff(already) if *already == roles => Ok(vec![]),
            Standing::Staff(_) => Ok(vec![RolesChanged { roles }.into()]),
        }
    }

    fn claim_account(&self, ClaimAccount { account_id }: ClaimAccount) -> Result<Vec<Event>, Rejection> {
        let known = self.known()?;
        match &known.standing {
            _ if !known.active => Err(Rejection::Deactivated),
            Standing::Staff(_) => Err(Rejection::NotACustomer),
            Standing::Customer(accounts) if accounts.contains(&account_id) => Ok(vec![]),
            Standing::Customer(_) => Ok(vec![AccountClaimed { account_id }.into()]),
        }
    }

    fn deactivate(&self, DeactivateUser { by, reason }: DeactivateUser) -> Result<Vec<Event>, Rejection> {
        let known = self.known()?;
        match known.active {
            _ if by == Some(known.user_id) => Err(Rejection::Oneself),
            false => Ok(vec![]),
            true => Ok(vec![UserDeactivated { reason }.into()]),
        }
    }

    fn begun(user_id: UserId, registered: &Event, user_name: &Sealed, standing: Standing) -> Self {
        Self(Some(Known { user_id, registered: registered.clone(), user_name: user_name.clone(), standing, active: true }))
    }

    fn with(mut self, change: impl FnOnce(&mut Known)) -> Self {
        if let Some(known) = &mut self.0 {
            change(known);
        }
        self
    }
}

impl Decider for User {
    const CATEGORY: &'static str = "user";
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(&self, command: Command) -> Result<Vec<Event>, Rejection> {
        match command {
            Command::RegisterStaff(wish) if wish.roles.is_empty() => Err(Rejection::NoRole),
            Command::RegisterStaff(RegisterStaff { user_id, user_name, roles }) => {
                self.register(StaffRegistered { user_id, user_name, roles }.into())
            }
            Command::RegisterCustomer(RegisterCustomer { user_id, user_name, account_id }) => {
                self.register(CustomerRegistered { user_id, user_name, account_id }.into())
            }
            Command::ChangeRoles(wish) => self.change_roles(wish),
            Command::ClaimAccount(wish) => self.claim_account(wish),
            Command::DeactivateUser(wish) => self.deactivate(wish),
        }
    }

    fn evolve(self, event: &Event) -> Self {
        match event {
            Event::StaffRegistered(fact) => Self::begun(fact.user_id, event, &fact.user_name, Standing::Staff(fact.roles.clone())),
            Event::CustomerRegistered(fact) => {
                Self::begun(fact.user_id, event, &fact.user_name, Standing::Customer(BTreeSet::from([fact.account_id])))
            }
            Event::RolesChanged(fact) => self.with(|known| known.standing = Standing::Staff(fact.roles.clone())),
            Event::AccountClaimed(fact) => self.with(|known| {
                if let Standing::Customer(accounts) = &mut known.standing {
                    accounts.insert(fact.account_id);
                }
            }),
            Event::UserDeactivated(_) => self.with(|known| known.active = false),
        }
    }
}

/// Made-up users for examples and tests.
pub mod example {
    use uuid::Uuid;

    use super::*;
    use crate::SealedFor;

    pub const CASHIER: UserId = UserId::new(Uuid::from_u128(51));
    pub const CUSTOMER: UserId = UserId::new(Uuid::from_u128(52));

    pub fn name(n: u8) -> Sealed {
        Sealed::new(SealedFor::Contact, vec![n, n, n], [n; 16])
    }

    pub fn account(n: u128) -> AccountId {
        AccountId::new(Uuid::from_u128(n))
    }

    pub fn register_staff(roles: &[Role]) -> Command {
        Command::RegisterStaff(RegisterStaff { user_id: CASHIER, user_name: name(1), roles: roles.iter().copied().collect() })
    }

    pub fn register_customer() -> Command {
        Command::RegisterCustomer(RegisterCustomer { user_id: CUSTOMER, user_name: name(2), account_id: account(7) })
    }

    pub fn staff() -> Event {
        StaffRegistered { user_id: CASHIER, user_name: name(1), roles: BTreeSet::from([Role::Cashier]) }.into()
    }

    pub fn customer() -> Event {
        CustomerRegistered { user_id: CUSTOMER, user_name: name(2), account_id: account(7) }.into()
    }

    pub fn roles_changed() -> Event {
        RolesChanged { roles: BTreeSet::from([Role::Billing, Role::Finance]) }.into()
    }

    pub fn account_claimed() -> Event {
        AccountClaimed { account_id: account(8) }.into()
    }

    pub fn deactivated() -> Event {
        UserDeactivated { reason: Reason::new("left the company").expect("a reason") }.into()
    }

    /// The life of a member of staff.
    pub fn of_staff() -> Vec<Event> {
        vec![staff(), roles_changed(), deactivated()]
    }

    pub fn of_customer() -> Vec<Event> {
        vec![customer(), account_claimed()]
    }

    /// One of every event.
    pub fn events() -> Vec<Event> {
        vec![staff(), customer(), roles_changed(), account_claimed(), deactivated()]
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::{example::*, *};
    use crate::spec::given;

    const ADMIN: UserId = UserId::new(Uuid::from_u128(50));

    fn change(roles: &[Role], by: UserId) -> Command {
        Command::ChangeRoles(ChangeRoles { roles: roles.iter().copied().collect(), by: Some(by) })
    }

    fn deactivate(by: UserId) -> Command {
        Command::DeactivateUser(DeactivateUser { by: Some(by), reason: Reason::new("left the company").unwrap() })
    }

    fn claim(n: u128) -> Command {
        Command::ClaimAccount(ClaimAccount { account_id: account(n) })
    }

    #[test]
    fn staff_are_registered_with_roles() {
        given::<User>([]).when(register_staff(&[])).then_rejected(Rejection::NoRole);
        given::<User>([]).when(register_staff(&[Role::Cashier])).then([staff()]);
        given::<User>([staff()]).when(register_staff(&[Role::Admin])).then_rejected(Rejection::AlreadyRegistered);
        given::<User>([staff(), roles_changed()]).when(register_staff(&[Role::Cashier])).then_nothing();
    }

    #[test]
    fn roles_are_changed_by_others_and_never_all_taken() {
        let wished = change(&[Role::Finance, Role::Billing], ADMIN);
        given::<User>([]).when(wished.clone()).then_rejected(Rejection::NotRegistered);
        given::<User>([customer()]).when(wished.clone()).then_rejected(Rejection::NotStaff);
        given::<User>([staff()]).when(wished.clone()).then([roles_changed()]);
        given::<User>([staff(), roles_changed()]).when(wished.clone()).then_nothing();
        given::<User>([staff(), deactivated()]).when(wished).then_rejected(Rejection::Deactivated);
        given::<User>([staff()]).when(change(&[], ADMIN)).then_rejected(Rejection::NoRole);
        given::<User>([staff()]).when(change(&[Role::Admin], CASHIER)).then_rejected(Rejection::Oneself);
    }

    #[test]
    fn a_customer_begins_with_an_account_and_claims_more() {
        given::<User>([]).when(register_customer()).then([customer()]);
        given::<User>([]).when(claim(8)).then_rejected(Rejection::NotRegistered);
        given::<User>([customer()]).when(claim(7)).then_nothing();
        given::<User>([customer()]).when(claim(8)).then([account_claimed()]);
        given::<User>([staff()]).when(claim(8)).then_rejected(Rejection::NotACustomer);
        given::<User>([customer(), deactivated()]).when(claim(8)).then_rejected(Rejection::Deactivated);
        let user = [customer(), account_claimed()].iter().fold(User::default(), User::evolve);
        assert_eq!(user.standing(), Some(&Standing::Customer(BTreeSet::from([account(7), account(8)]))));
    }

    #[test]
    fn nobody_deactivates_themselves_and_whoever_was_may_do_nothing() {
        given::<User>([]).when(deactivate(ADMIN)).then_rejected(Rejection::NotRegistered);
        given::<User>([staff()]).when(deactivate(CASHIER)).then_rejected(Rejection::Oneself);
        given::<User>([staff()]).when(deactivate(ADMIN)).then([deactivated()]);
        given::<User>([customer(), deactivated()]).when(deactivate(ADMIN)).then_nothing();
        assert!([staff()].iter().fold(User::default(), User::evolve).standing().is_some());
        assert_eq!([staff(), deactivated()].iter().fold(User::default(), User::evolve).standing(), None);
    }
}
