//! Who may come in, and the sensitive acts that were done or refused: for those who look after users, and those who look on.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use async_graphql::{Context, ID, InputObject, Object, Result};
use daftar_domain::{
    Sealed,
    ids::{AccountId, UserId},
};
use daftar_projections::users;

use super::{
    answer, app,
    at_hand::at_hand,
    caller,
    paging::{Connection, Paging, cost, cursor, part},
    scalars::DateTime,
    siblings::{Together, grouped},
    users::StaffRole,
};
use crate::{
    app::App,
    caller::{Caller, Role},
    input,
    problem::Problem,
};

fn may_look(caller: &Caller) -> Result<(), Problem> {
    caller.staff(&[Role::Auditor])
}

/// A user, among those that were asked for with them.
#[derive(Clone, Debug)]
struct User {
    row: Arc<users::User>,
    among: Arc<Users>,
}

#[derive(Debug)]
struct Users {
    all: Vec<Arc<users::User>>,
    names: Together<(), HashMap<UserId, Option<String>>>,
    accounts: Together<(), HashMap<UserId, Vec<AccountId>>>,
}

impl User {
    fn all(rows: Vec<users::User>) -> Vec<Self> {
        let all: Vec<_> = rows.into_iter().map(Arc::new).collect();
        let among = Arc::new(Users { all: all.clone(), names: Together::default(), accounts: Together::default() });
        all.into_iter().map(|row| Self { row, among: among.clone() }).collect()
    }
}

at_hand!(User: id, user_name, roles, account_ids, active, deactivated_because, registered_at);

/// Somebody who may come in, or could once.
#[Object]
impl User {
    /// The user's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// The name to sign in with; null once they have asked to be forgotten.
    async fn user_name(&self, context: &Context<'_>) -> Option<Result<String>> {
        let fetch = async || {
            let sealed: Vec<_> = self.among.all.iter().map(|user| (Some(user.id), &user.name)).collect();
            let names = app(context).auth.open_of_users(&sealed).await?;
            Ok(self.among.all.iter().map(|user| user.id).zip(names).collect())
        };
        let names = self.among.names.get((), fetch).await;
        answer(context, names.map(|names| names.get(&self.row.id).cloned().flatten())).transpose()
    }

    /// What they may do, of staff; customers have none.
    async fn roles(&self) -> Vec<StaffRole> {
        self.row.roles.iter().copied().map(StaffRole::from).collect()
    }

    /// The accounts that are theirs, of customers, in the order in which they claimed them.
    #[graphql(complexity = 10)]
    async fn account_ids(&self, context: &Context<'_>) -> Option<Result<Vec<ID>>> {
        let fetch = async || {
            let ids: Vec<_> = self.among.all.iter().map(|user| user.id).collect();
            Ok(grouped(users::accounts_of(&app(context).read_models, &ids).await?))
        };
        let accounts = self.among.accounts.get((), fetch).await;
        let own = accounts.map(|all| all.get(&self.row.id).into_iter().flatten().map(|id| ID(id.to_string())).collect());
        Some(answer(context, own))
    }

    /// Whether they may still come in.
    async fn active(&self) -> bool {
        self.row.deactivated_because.is_none()
    }

    /// Why they may not, if they may not.
    async fn deactivated_because(&self) -> Option<&str> {
        self.row.deactivated_because.as_deref()
    }

    /// When they were registered.
    async fn registered_at(&self) -> DateTime {
        DateTime(self.row.registered_at)
    }
}

/// An act, among those that were asked for with it.
#[derive(Clone, Debug)]
struct Act {
    row: Arc<users::Act>,
    among: Arc<Acts>,
}

#[derive(Debug)]
struct Acts {
    all: Vec<Arc<users::Act>>,
    users: Together<(), HashMap<UserId, User>>,
    addresses: Together<(), HashMap<u64, String>>,
}

impl Act {
    fn all(rows: Vec<users::Act>) -> Vec<Self> {
        let all: Vec<_> = rows.into_iter().map(Arc::new).collect();
        let among = Arc::new(Acts { all: all.clone(), users: Together::default(), addresses: Together::default() });
        all.into_iter().map(|row| Self { row, among: among.clone() }).collect()
    }
}

at_hand!(Act: id, act, refused, subject_id, address, noted_at);

/// Something sensitive that somebody did, or was refused.
#[Object]
impl Act {
    /// The act's id, for ever.
    async fn id(&self) -> ID {
        ID(self.row.id.to_string())
    }

    /// What it was: the name of the mutation.
    async fn act(&self) -> &str {
        self.row.act.as_str()
    }

    /// The code of why it was refused; null if it was done.
    async fn refused(&self) -> Option<&str> {
        self.row.refused.as_ref().map(|code| code.as_str())
    }

    /// Who it was; null of those who had not signed in.
    #[graphql(complexity = "10 + child_complexity")]
    async fn user(&self, context: &Context<'_>) -> Option<Result<User>> {
        let id = self.row.user_id?;
        let fetch = async || {
            let ids: BTreeSet<_> = self.among.all.iter().filter_map(|act| act.user_id).collect();
            let found = users::by_ids(&app(context).read_models, &ids.into_iter().collect::<Vec<_>>()).await?;
            Ok(User::all(found).into_iter().map(|user| (user.row.id, user)).collect())
        };
        answer(context, self.among.users.get((), fetch).await.map(|users| users.get(&id).cloned())).transpose()
    }

    /// Whom or what it was done to, if not to themselves: a user, an account, a session.
    async fn subject_id(&self) -> Option<ID> {
        self.row.subject.map(|id| ID(id.to_string()))
    }

    /// The network address that it came from; null once they have asked to be forgotten.
    async fn address(&self, context: &Context<'_>) -> Option<Result<String>> {
        let fetch = async || {
            let from = self.among.all.iter().filter_map(|act| Some((act, act.address.as_ref()?)));
            let (places, sealed): (Vec<u64>, Vec<(Option<UserId>, &Sealed)>) =
                from.map(|(act, address)| (act.place, (act.user_id, address))).unzip();
            let addresses = app(context).auth.open_of_users(&sealed).await?;
            Ok(places.into_iter().zip(addresses).filter_map(|(place, address)| Some((place, address?))).collect())
        };
        let addresses = self.among.addresses.get((), fetch).await;
        answer(context, addresses.map(|addresses| addresses.get(&self.row.place).cloned())).transpose()
    }

    /// When.
    async fn noted_at(&self) -> DateTime {
        DateTime(self.row.noted_at)
    }
}

/// Which users: those to whom everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct UserFilter {
    /// Staff with this role, perhaps among others.
    role: Option<StaffRole>,
    /// Customers whose account this is.
    account_id: Option<ID>,
    /// Those who may still come in, or those who may not.
    active: Option<bool>,
}

/// Which acts: those to which everything that is given applies.
#[derive(Debug, Default, InputObject)]
struct ActFilter {
    /// The name of the mutation, such as `changeRoles`.
    act: Option<String>,
    /// Of this user.
    user_id: Option<ID>,
    /// Done to this user, account or session.
    subject_id: Option<ID>,
    /// Refused ones, or done ones.
    refused: Option<bool>,
    /// From this instant on.
    since: Option<DateTime>,
    /// Before this instant.
    until: Option<DateTime>,
}

impl UserFilter {
    fn parse(self) -> Result<users::Filter, Problem> {
        Ok(users::Filter {
            role: self.role.map(Role::from),
            account_id: self.account_id.map(|id| input::id("accountId", &id, AccountId::new)).transpose()?,
            active: self.active,
        })
    }
}

impl ActFilter {
    fn parse(self) -> Result<users::ActFilter, Problem> {
        Ok(users::ActFilter {
            act: self.act.map(|act| input::code("act", &act)).transpose()?,
            user_id: self.user_id.map(|id| input::id("userId", &id, UserId::new)).transpose()?,
            subject: self.subject_id.map(|id| super::id("subjectId", &id)).transpose()?,
            refused: self.refused,
            since: self.since.map(|at| at.0),
            until: self.until.map(|at| at.0),
        })
    }
}

#[derive(Debug, Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Whoever may come in, or could once, the latest registered first; for admins and auditors.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn users(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<UserFilter>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<User>>> {
        let page = async {
            may_look(caller(context))?;
            let (pool, paging, filter) =
                (app(context).read_models.clone(), Paging::new(first, after)?, filter.unwrap_or_default().parse()?);
            let found = users::list(&pool, &filter, place(&paging, "users")?, paging.limit()).await?;
            let count = move || {
                let (pool, filter) = (pool.clone(), filter.clone());
                async move { Ok(users::count(&pool, &filter).await?) }
            };
            Ok(Connection::new(&paging, User::all(found), |user: &User| cursor("users", &[&user.row.place]), count))
        };
        Some(answer(context, page.await))
    }

    /// A user; for admins and auditors.
    async fn user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As `registerStaff`, `confirmClaim` or `me` gave it.")] id: ID,
    ) -> Option<Result<User>> {
        let found = async {
            may_look(caller(context))?;
            let App { read_models, .. } = app(context);
            User::all(users::by_ids(read_models, &[input::id("id", &id, UserId::new)?]).await?).pop().ok_or(Problem::NotFound)
        };
        Some(answer(context, found.await))
    }

    /// The sensitive acts that were done and refused, the latest first; for admins and auditors.
    #[graphql(complexity = "cost(first, child_complexity)")]
    async fn acts(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Which of them; all without it.")] filter: Option<ActFilter>,
        #[graphql(desc = "How many on a page: from 1 to 100, 20 without it.")] first: Option<i32>,
        #[graphql(desc = "The cursor behind which the page begins.")] after: Option<String>,
    ) -> Option<Result<Connection<Act>>> {
        let page = async {
            may_look(caller(context))?;
            let (pool, paging, filter) =
                (app(context).read_models.clone(), Paging::new(first, after)?, filter.unwrap_or_default().parse()?);
            let found = users::acts(&pool, &filter, place(&paging, "acts")?, paging.limit()).await?;
            let count = move || {
                let (pool, filter) = (pool.clone(), filter.clone());
                async move { Ok(users::count_acts(&pool, &filter).await?) }
            };
            Ok(Connection::new(&paging, Act::all(found), |act: &Act| cursor("acts", &[&act.row.place]), count))
        };
        Some(answer(context, page.await))
    }
}

/// Behind which place the page begins.
fn place(paging: &Paging, list: &str) -> Result<Option<u64>, Problem> {
    // No store counts beyond 63 bits.
    paging.place(list)?.map(|[place]: [String; 1]| part::<i64>(&place).map(i64::unsigned_abs)).transpose()
}
