//! Staff and customers: registered, given other roles, deactivated.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use daftar_domain::{
    Actor, Decider, Reason, Sealed, SealedFor, StreamName,
    ids::{AccountId, UserId, created_id},
    reservation::{self, Reservation, Reserve, Unique},
    user::{ChangeRoles, Command, DeactivateUser, RegisterCustomer, RegisterStaff, Role, User},
};
use daftar_store::{
    CommandContext, ExecuteError,
    keyring::{ClearText, HOUSE},
};
use uuid::Uuid;

use super::{
    Auth, Password, Refusal, keys_of,
    lockout::{self, Counted},
    names::UserName,
    stream_of,
};
use crate::problem::Problem;

#[derive(Debug)]
pub struct NewStaff {
    pub user_name: UserName,
    pub roles: BTreeSet<Role>,
    pub password: Password,
}

impl Auth {
    /// The name is held before the user is registered, and the password is set last: a try that ends half-way is made good by its retry.
    pub async fn register_staff(&self, actor: Actor, key: &str, wish: NewStaff, now: DateTime<Utc>) -> Result<UserId, Problem> {
        let NewStaff { user_name, roles, password } = wish;
        let context = CommandContext::new(actor, "registerStaff", key, now);
        self.register(&context, &user_name, &password, |user_id, user_name| {
            Command::RegisterStaff(RegisterStaff { user_id, user_name, roles })
        })
        .await
    }

    /// A customer who needs not show that the account is theirs: customers themselves claim accounts.
    pub async fn register_customer(
        &self,
        actor: Actor,
        key: &str,
        user_name: UserName,
        password: &Password,
        account_id: AccountId,
        now: DateTime<Utc>,
    ) -> Result<UserId, Problem> {
        let context = CommandContext::new(actor, "registerCustomer", key, now);
        let register = |user_id, user_name| Command::RegisterCustomer(RegisterCustomer { user_id, user_name, account_id });
        self.register(&context, &user_name, password, register).await
    }

    pub(super) async fn register(
        &self,
        context: &CommandContext,
        user_name: &UserName,
        password: &Password,
        command: impl FnOnce(UserId, Sealed) -> Command,
    ) -> Result<UserId, Problem> {
        let user = UserId::new(created_id(context.command_id, User::CATEGORY));
        let command = command(user, self.keyring.seal(keys_of(user), SealedFor::Contact, user_name.as_str()).await?);
        // What the rules refuse must not hold a name.
        self.engine.look::<User>(&stream_of(user)).await?.decide(command.clone())?;
        let fingerprint = self.names.fingerprint(user_name);
        self.reserve(context, &fingerprint, user).await?;
        self.engine.execute::<User>(&stream_of(user), context, command).await?;
        let hash = self.passwords.hash(password).await?;
        let set =
            "INSERT INTO daftar_auth.password (user_id, name, hash, changed_at) VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO NOTHING";
        sqlx::query(set).bind(Uuid::from(user)).bind(fingerprint).bind(hash).bind(context.now).execute(&self.tables).await?;
        Ok(user)
    }

    async fn reserve(&self, context: &CommandContext, fingerprint: &[u8; 16], user: UserId) -> Result<(), Problem> {
        let stream = StreamName::of::<Reservation>(Unique::UserName { fingerprint }.reservation_id());
        let reserve = reservation::Command::Reserve(Reserve { holder: user.into() });
        match self.engine.execute::<Reservation>(&stream, context, reserve).await {
            Err(ExecuteError::Rejected(reservation::Rejection::Taken { .. })) => Err(Refusal::UserNameTaken.into()),
            reserved => Ok(reserved.map(drop)?),
        }
    }

    /// Takes effect at once, also in sessions that are open.
    pub async fn change_roles(
        &self,
        by: UserId,
        key: &str,
        user: UserId,
        roles: BTreeSet<Role>,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let context = CommandContext::new(Actor::user(by), "changeRoles", key, now);
        self.engine.execute::<User>(&stream_of(user), &context, Command::ChangeRoles(ChangeRoles { roles, by: Some(by) })).await?;
        // Not what was wished but what holds: this may be the retry of a wish that another has followed.
        match self.engine.look::<User>(&stream_of(user)).await?.standing() {
            Some(standing) => self.stand_otherwise(user, standing).await,
            None => self.end_sessions(user, None, now).await,
        }
    }

    /// Ends their sessions, too.
    pub async fn deactivate(&self, by: UserId, key: &str, user: UserId, reason: Reason, now: DateTime<Utc>) -> Result<(), Problem> {
        let context = CommandContext::new(Actor::user(by), "deactivateUser", key, now);
        self.engine.execute::<User>(&stream_of(user), &context, Command::DeactivateUser(DeactivateUser { by: Some(by), reason })).await?;
        self.end_sessions(user, None, now).await
    }

    /// By whoever runs the machine: a new password, no second factor, no session and no lock. The user with this name.
    pub async fn reset(&self, name: &UserName, password: &Password, now: DateTime<Utc>) -> Result<UserId, Problem> {
        let fingerprint = self.names.fingerprint(name);
        let found: Option<Uuid> = sqlx::query_scalar("SELECT user_id FROM daftar_auth.password WHERE name = $1")
            .bind(fingerprint)
            .fetch_optional(&self.tables)
            .await?;
        let user = found.map(UserId::new).ok_or(Refusal::Rule(daftar_domain::user::Rejection::NotRegistered))?;
        self.set_password(user, password, now).await?;
        sqlx::query("DELETE FROM daftar_auth.second_factor WHERE user_id = $1").bind(Uuid::from(user)).execute(&self.tables).await?;
        lockout::forgive(&self.tables, Counted::Name(fingerprint)).await?;
        self.end_sessions(user, None, now).await?;
        Ok(user)
    }

    /// Whether anybody could sign in.
    pub async fn has_users(&self) -> Result<bool, Problem> {
        Ok(sqlx::query_scalar("SELECT EXISTS (SELECT FROM daftar_auth.password)").fetch_one(&self.tables).await?)
    }

    /// What is sealed with the keys of users or, of strangers, with the house's; nothing of those who have been forgotten. In its order.
    pub async fn open_of_users(&self, sealed: &[(Option<UserId>, &Sealed)]) -> Result<Vec<Option<String>>, Problem> {
        let sealed: Vec<_> = sealed.iter().map(|(user, sealed)| (user.map_or(HOUSE, keys_of), *sealed)).collect();
        let opened = self.keyring.open_all(&sealed).await?;
        opened.into_iter().map(|text| Ok(text?.map(|text| text.reveal().to_owned()))).collect()
    }

    /// As the log has it; nothing once they have been forgotten.
    pub async fn user_name(&self, user: UserId) -> Result<Option<ClearText>, Problem> {
        let state = self.engine.look::<User>(&stream_of(user)).await?;
        let sealed = state.user_name().ok_or(Problem::NotFound)?;
        Ok(self.keyring.open(keys_of(user), sealed).await?)
    }
}
