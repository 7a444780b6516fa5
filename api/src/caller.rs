//! Who asks, and what they may see and do. Decided here, once, for everything that asks.

use std::collections::BTreeSet;

use daftar_domain::{
    Actor,
    ids::{AccountId, UserId},
};
use uuid::Uuid;

use crate::problem::Problem;

pub use daftar_domain::user::Role;

/// Whoever looks after customers, or looks on.
pub const EVERY_DESK: &[Role] = &[Role::Cashier, Role::Technician, Role::Billing, Role::Finance, Role::Auditor];

/// Whoever keeps the books, or looks into them.
pub const BOOKS: &[Role] = &[Role::Finance, Role::Auditor];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Caller {
    /// Nobody has signed in.
    Nobody,
    Customer {
        user: Uuid,
        accounts: BTreeSet<AccountId>,
    },
    Staff {
        user: Uuid,
        roles: BTreeSet<Role>,
    },
}

/// An account that whoever asks may see. Only a caller makes one: what takes one needs not ask again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visible(AccountId);

impl Visible {
    pub fn id(self) -> AccountId {
        self.0
    }
}

impl Caller {
    /// Who has signed in.
    pub fn user(&self) -> Result<UserId, Problem> {
        match self {
            Self::Nobody => Err(Problem::Unauthenticated),
            Self::Customer { user, .. } | Self::Staff { user, .. } => Ok(UserId::new(*user)),
        }
    }

    /// The name under which what they do is recorded.
    pub fn actor(&self) -> Result<Actor, Problem> {
        self.user().map(Actor::user)
    }

    /// Staff see every account, customers their own; of another's they are told what they would be told of one that is not there.
    pub fn account(&self, account: AccountId) -> Result<Visible, Problem> {
        match self {
            Self::Nobody => Err(Problem::Unauthenticated),
            Self::Customer { accounts, .. } if !accounts.contains(&account) => Err(Problem::NotFound),
            Self::Customer { .. } | Self::Staff { .. } => Ok(Visible(account)),
        }
    }

    /// Whether they have one of these roles. An admin has all of them.
    pub fn staff(&self, allowed: &[Role]) -> Result<(), Problem> {
        match self {
            Self::Nobody => Err(Problem::Unauthenticated),
            Self::Staff { roles, .. } if roles.contains(&Role::Admin) || allowed.iter().any(|role| roles.contains(role)) => Ok(()),
            Self::Customer { .. } | Self::Staff { .. } => Err(Problem::Forbidden),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(n: u128) -> AccountId {
        AccountId::new(Uuid::from_u128(n))
    }

    #[test]
    fn a_customer_sees_their_own_account_and_no_trace_of_another() {
        let customer = Caller::Customer { user: Uuid::nil(), accounts: BTreeSet::from([account(1)]) };
        assert_eq!(customer.account(account(1)).unwrap().id(), account(1));
        assert!(matches!(customer.account(account(2)), Err(Problem::NotFound)));
        assert!(matches!(customer.staff(&[Role::Cashier]), Err(Problem::Forbidden)));
    }

    #[test]
    fn staff_do_what_their_roles_allow_and_an_admin_everything() {
        let cashier = Caller::Staff { user: Uuid::nil(), roles: BTreeSet::from([Role::Cashier]) };
        assert!(cashier.account(account(1)).is_ok());
        assert!(cashier.staff(&[Role::Finance, Role::Cashier]).is_ok());
        assert!(matches!(cashier.staff(&[Role::Finance]), Err(Problem::Forbidden)));
        let admin = Caller::Staff { user: Uuid::nil(), roles: BTreeSet::from([Role::Admin]) };
        assert!(admin.staff(&[Role::Finance]).is_ok());
    }

    #[test]
    fn nobody_sees_nothing_and_is_asked_to_sign_in() {
        assert!(matches!(Caller::Nobody.actor(), Err(Problem::Unauthenticated)));
        assert!(matches!(Caller::Nobody.account(account(1)), Err(Problem::Unauthenticated)));
        assert!(matches!(Caller::Nobody.staff(&[Role::Admin]), Err(Problem::Unauthenticated)));
    }
}
