//! Who may come in, and the sensitive acts that were done or refused.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use daftar_domain::{
    BillingEvent, Code, Decider, Recorded, Sealed,
    ids::{AccountId, UserId},
    user::{
        self, Role, User as Aggregate,
        audit::{self, ActNoted, Audit, Outcome},
    },
};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::{
    Projector, QueryError,
    columns::{from_bigint, from_name, position, sealed, to_bigint, to_name, uuids},
    keys, rows,
    rows::{Current, History, Table},
};

#[derive(Debug, Default)]
pub struct Users {
    persons: Current<PersonRow>,
    claims: History<ClaimRow>,
    acts: History<ActRow>,
}

rows! {
    struct PersonRow in person {
        user_id: Uuid,
        user_name: Vec<u8>,
        roles: Option<String>,
        registered_at: DateTime<Utc>,
        deactivated_because: Option<String>,
        revision: i64,
        registered_position: i64,
        position: i64,
    }

    struct ClaimRow in claim {
        user_id: Uuid,
        account_id: Uuid,
        position: i64,
    }

    struct ActRow in act {
        act_id: Uuid,
        act: String,
        refused: Option<String>,
        user_id: Option<Uuid>,
        subject: Option<Uuid>,
        address: Option<Vec<u8>>,
        noted_at: DateTime<Utc>,
        position: i64,
    }
}

keys! {
    PersonRow by user_id: Uuid;
}

impl Projector for Users {
    const NAME: &'static str = "users";
    const VERSION: i32 = 1;
    const CATEGORIES: &'static [&'static str] = &[Aggregate::CATEGORY, Audit::CATEGORY];
    const TABLES: &'static str = include_str!("../models/users/tables.sql");
    const INDEXES: &'static str = include_str!("../models/users/indexes.sql");

    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        match &fact.event {
            BillingEvent::User(event) => self.user(fact, event),
            BillingEvent::Audit(audit::Event::ActNoted(event)) => self.acts.add(act(fact, event)),
            _ => {}
        }
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        vec![&mut self.persons, &mut self.claims, &mut self.acts]
    }
}

impl Users {
    fn user(&mut self, fact: &Recorded<BillingEvent>, event: &user::Event) {
        use user::Event;
        match event {
            Event::StaffRegistered(event) => self.registered(fact, &event.user_name, Some(in_words(&event.roles))),
            Event::CustomerRegistered(event) => {
                self.registered(fact, &event.user_name, None);
                self.claimed(fact, event.account_id);
            }
            Event::RolesChanged(event) => self.change(fact, |row| row.roles = Some(in_words(&event.roles))),
            Event::AccountClaimed(event) => {
                self.claimed(fact, event.account_id);
                self.change(fact, |_| {});
            }
            Event::UserDeactivated(event) => self.change(fact, |row| row.deactivated_because = Some(event.reason.to_string())),
        }
    }

    fn registered(&mut self, fact: &Recorded<BillingEvent>, user_name: &Sealed, roles: Option<String>) {
        self.persons.insert(PersonRow {
            user_id: fact.stream.id(),
            user_name: sealed(user_name),
            roles,
            registered_at: fact.metadata.recorded_at,
            deactivated_because: None,
            revision: to_bigint(fact.revision),
            registered_position: position(fact),
            position: position(fact),
        });
    }

    fn claimed(&mut self, fact: &Recorded<BillingEvent>, account: AccountId) {
        self.claims.add(ClaimRow { user_id: fact.stream.id(), account_id: account.into(), position: position(fact) });
    }

    fn change(&mut self, fact: &Recorded<BillingEvent>, change: impl FnOnce(&mut PersonRow)) {
        if let Some(row) = self.persons.get_mut(&fact.stream.id()) {
            change(row);
            (row.revision, row.position) = (to_bigint(fact.revision), position(fact));
        }
    }
}

fn act(fact: &Recorded<BillingEvent>, event: &ActNoted) -> ActRow {
    let ActNoted { act, outcome, user_id, subject, from } = event;
    let refused = match outcome {
        Outcome::Done => None,
        Outcome::Refused(code) => Some(code.to_string()),
    };
    ActRow {
        act_id: fact.stream.id(),
        act: act.to_string(),
        refused,
        user_id: user_id.map(Uuid::from),
        subject: *subject,
        address: from.as_ref().map(sealed),
        noted_at: fact.metadata.recorded_at,
        position: position(fact),
    }
}

/// The names of the roles, with commas between them.
fn in_words(roles: &BTreeSet<Role>) -> String {
    roles.iter().map(to_name).collect::<Vec<_>>().join(",")
}

/// Somebody who may come in, or could once.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    pub id: UserId,
    /// The name to sign in with.
    pub name: Sealed,
    /// What they may do, of staff; customers have none.
    pub roles: BTreeSet<Role>,
    pub registered_at: DateTime<Utc>,
    pub deactivated_because: Option<String>,
    /// The place among those who were registered.
    pub place: u64,
}

/// Something sensitive that was done or refused.
#[derive(Clone, Debug, PartialEq)]
pub struct Act {
    pub id: Uuid,
    pub act: Code,
    /// The code of why not; none if it was done.
    pub refused: Option<Code>,
    pub user_id: Option<UserId>,
    /// Whom or what it was done to.
    pub subject: Option<Uuid>,
    /// Sealed with the user's key or, of strangers, with the house's.
    pub address: Option<Sealed>,
    pub noted_at: DateTime<Utc>,
    /// The place among the acts.
    pub place: u64,
}

/// Which users: with nothing said, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Filter {
    /// Staff with this role.
    pub role: Option<Role>,
    /// Customers whose account this is.
    pub account_id: Option<AccountId>,
    /// Whether they may still come in.
    pub active: Option<bool>,
}

/// Which acts: with nothing said, all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct ActFilter {
    pub act: Option<Code>,
    pub user_id: Option<UserId>,
    pub subject: Option<Uuid>,
    pub refused: Option<bool>,
    /// From this instant on.
    pub since: Option<DateTime<Utc>>,
    /// Before this instant.
    pub until: Option<DateTime<Utc>>,
}

pub async fn by_ids(db: impl PgExecutor<'_>, ids: &[UserId]) -> Result<Vec<User>, QueryError> {
    let ids = uuids(ids);
    let found = sqlx::query_as!(PersonRow, "SELECT * FROM read_users.person WHERE user_id = ANY($1)", &ids);
    found.fetch_all(db).await?.into_iter().map(User::try_from).collect()
}

/// The latest registered first, after one that was seen.
pub async fn list(db: impl PgExecutor<'_>, filter: &Filter, after: Option<u64>, limit: u32) -> Result<Vec<User>, QueryError> {
    let found = sqlx::query_as!(
        PersonRow,
        "SELECT * FROM read_users.person
         WHERE ($1::text IS NULL OR $1 = ANY(string_to_array(roles, ',')))
           AND ($2::uuid IS NULL OR user_id IN (SELECT user_id FROM read_users.claim WHERE account_id = $2))
           AND ($3::boolean IS NULL OR (deactivated_because IS NULL) = $3)
           AND ($4::bigint IS NULL OR registered_position < $4)
         ORDER BY registered_position DESC LIMIT $5",
        filter.role.as_ref().map(to_name),
        filter.account_id.map(Uuid::from),
        filter.active,
        after.map(to_bigint),
        i64::from(limit),
    );
    found.fetch_all(db).await?.into_iter().map(User::try_from).collect()
}

pub async fn count(db: impl PgExecutor<'_>, filter: &Filter) -> Result<u64, QueryError> {
    let found = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_users.person
           WHERE ($1::text IS NULL OR $1 = ANY(string_to_array(roles, ',')))
             AND ($2::uuid IS NULL OR user_id IN (SELECT user_id FROM read_users.claim WHERE account_id = $2))
             AND ($3::boolean IS NULL OR (deactivated_because IS NULL) = $3)"#,
        filter.role.as_ref().map(to_name),
        filter.account_id.map(Uuid::from),
        filter.active,
    );
    Ok(from_bigint(found.fetch_one(db).await?))
}

/// The accounts of each of these, in the order in which they showed that they are theirs.
pub async fn accounts_of(db: impl PgExecutor<'_>, ids: &[UserId]) -> Result<Vec<(UserId, AccountId)>, QueryError> {
    let ids = uuids(ids);
    let found = sqlx::query!("SELECT user_id, account_id FROM read_users.claim WHERE user_id = ANY($1) ORDER BY user_id, position", &ids);
    Ok(found.fetch_all(db).await?.into_iter().map(|row| (UserId::new(row.user_id), AccountId::new(row.account_id))).collect())
}

/// The latest first, after one that was seen.
pub async fn acts(db: impl PgExecutor<'_>, filter: &ActFilter, after: Option<u64>, limit: u32) -> Result<Vec<Act>, QueryError> {
    let found = sqlx::query_as!(
        ActRow,
        "SELECT * FROM read_users.act
         WHERE ($1::text IS NULL OR act = $1) AND ($2::uuid IS NULL OR user_id = $2) AND ($3::uuid IS NULL OR subject = $3)
           AND ($4::boolean IS NULL OR (refused IS NOT NULL) = $4)
           AND ($5::timestamptz IS NULL OR noted_at >= $5) AND ($6::timestamptz IS NULL OR noted_at < $6)
           AND ($7::bigint IS NULL OR position < $7)
         ORDER BY position DESC LIMIT $8",
        filter.act.as_ref().map(Code::as_str),
        filter.user_id.map(Uuid::from),
        filter.subject,
        filter.refused,
        filter.since,
        filter.until,
        after.map(to_bigint),
        i64::from(limit),
    );
    found.fetch_all(db).await?.into_iter().map(Act::try_from).collect()
}

pub async fn count_acts(db: impl PgExecutor<'_>, filter: &ActFilter) -> Result<u64, QueryError> {
    let found = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM read_users.act
           WHERE ($1::text IS NULL OR act = $1) AND ($2::uuid IS NULL OR user_id = $2) AND ($3::uuid IS NULL OR subject = $3)
             AND ($4::boolean IS NULL OR (refused IS NOT NULL) = $4)
             AND ($5::timestamptz IS NULL OR noted_at >= $5) AND ($6::timestamptz IS NULL OR noted_at < $6)"#,
        filter.act.as_ref().map(Code::as_str),
        filter.user_id.map(Uuid::from),
        filter.subject,
        filter.refused,
        filter.since,
        filter.until,
    );
    Ok(from_bigint(found.fetch_one(db).await?))
}

impl TryFrom<PersonRow> for User {
    type Error = QueryError;

    fn try_from(row: PersonRow) -> Result<Self, QueryError> {
        let roles = row.roles.iter().flat_map(|roles| roles.split(',')).map(|role| from_name(role.to_owned()));
        Ok(Self {
            id: UserId::new(row.user_id),
            name: serde_json::from_slice(&row.user_name).map_err(malformed("user_name"))?,
            roles: roles.collect::<Result<_, _>>().map_err(malformed("roles"))?,
            registered_at: row.registered_at,
            deactivated_because: row.deactivated_because,
            place: from_bigint(row.registered_position),
        })
    }
}

impl TryFrom<ActRow> for Act {
    type Error = QueryError;

    fn try_from(row: ActRow) -> Result<Self, QueryError> {
        Ok(Self {
            id: row.act_id,
            act: from_name(row.act).map_err(malformed("act"))?,
            refused: row.refused.map(from_name).transpose().map_err(malformed("refused"))?,
            user_id: row.user_id.map(UserId::new),
            subject: row.subject,
            address: row.address.map(|address| serde_json::from_slice(&address)).transpose().map_err(malformed("address"))?,
            noted_at: row.noted_at,
            place: from_bigint(row.position),
        })
    }
}

fn malformed(column: &'static str) -> impl FnOnce(serde_json::Error) -> QueryError {
    move |source| QueryError::Malformed { model: Users::NAME, column, source }
}
