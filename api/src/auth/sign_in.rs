//! Signing in, and showing once more that one is who one was.

use chrono::{DateTime, Utc};
use daftar_domain::{ids::UserId, user::User};
use uuid::Uuid;

use super::{
    Auth, Password, Refusal, Visitor,
    lockout::{self, Counted},
    names::UserName,
    stream_of,
    tokens::{Bearer, Refresh},
};
use crate::problem::Problem;

#[derive(Debug)]
pub struct Credentials {
    pub user_name: String,
    pub password: Password,
    /// From the authenticator, of whoever has enrolled one.
    pub code: Option<String>,
}

/// What somebody who was let in carries from then on.
#[derive(Debug)]
pub struct Granted {
    pub bearer: Bearer,
    pub access: String,
    pub access_expires_at: DateTime<Utc>,
    pub refresh: Refresh,
    pub session_ends: DateTime<Utc>,
}

impl Auth {
    /// Whoever is not let in learns no more than that: not whether the name, the password or both are wrong, nor by how long it took.
    pub async fn sign_in(&self, given: Credentials, visitor: &Visitor, now: DateTime<Utc>) -> Result<Granted, Problem> {
        let Credentials { user_name, password, code } = given;
        // What cannot be a name is nobody's name.
        let name = UserName::new(&user_name).map_err(|_| Refusal::BadCredentials)?;
        let fingerprint = self.names.fingerprint(&name);
        self.count(fingerprint, visitor, now).await?;
        let found: Option<(Uuid, String)> = sqlx::query_as("SELECT user_id, hash FROM daftar_auth.password WHERE name = $1")
            .bind(fingerprint)
            .fetch_optional(&self.tables)
            .await?;
        let (user, hash) = found.unzip();
        let right = self.passwords.verify(&password, hash).await?;
        let user = user.filter(|_| right).map(UserId::new).ok_or(Refusal::BadCredentials)?;
        let state = self.engine.look::<User>(&stream_of(user)).await?;
        let standing = state.standing().ok_or(Refusal::BadCredentials)?;
        match self.check_second_factor(user, code.as_deref(), now).await {
            // The password was right; the app asks for the code and tries again. That is no failure.
            Err(Problem::Auth(Refusal::SecondFactorNeeded)) => {
                lockout::take_back(&self.tables, Counted::Name(fingerprint)).await?;
                lockout::take_back(&self.tables, Counted::Address(visitor.address)).await?;
                return Err(Refusal::SecondFactorNeeded.into());
            }
            checked => checked?,
        }
        self.forgive(fingerprint, visitor).await?;
        self.begin_session(user, standing, visitor, now).await
    }

    /// Replaces the password of whoever knows the old one, and ends all their other sessions.
    pub async fn change_password(
        &self,
        user: UserId,
        current: &Password,
        new: &Password,
        visitor: &Visitor,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        self.prove_again(user, current, visitor, now).await?;
        self.set_password(user, new, now).await?;
        self.end_sessions(user, visitor.session, now).await
    }

    /// Somebody who has signed in shows that it is still them.
    pub(super) async fn prove_again(
        &self,
        user: UserId,
        password: &Password,
        visitor: &Visitor,
        now: DateTime<Utc>,
    ) -> Result<(), Problem> {
        let found: Option<(Vec<u8>, String)> = sqlx::query_as("SELECT name, hash FROM daftar_auth.password WHERE user_id = $1")
            .bind(Uuid::from(user))
            .fetch_optional(&self.tables)
            .await?;
        let (name, hash) = found.ok_or(Refusal::BadCredentials)?;
        let fingerprint = name.try_into().map_err(|_| Refusal::BadCredentials)?;
        self.count(fingerprint, visitor, now).await?;
        if !self.passwords.verify(password, Some(hash)).await? {
            return Err(Refusal::BadCredentials.into());
        }
        self.forgive(fingerprint, visitor).await
    }

    pub(super) async fn set_password(&self, user: UserId, password: &Password, now: DateTime<Utc>) -> Result<(), Problem> {
        let hash = self.passwords.hash(password).await?;
        let set = "UPDATE daftar_auth.password SET hash = $2, changed_at = $3 WHERE user_id = $1";
        sqlx::query(set).bind(Uuid::from(user)).bind(hash).bind(now).execute(&self.tables).await?;
        Ok(())
    }

    async fn count(&self, name: [u8; 16], visitor: &Visitor, now: DateTime<Utc>) -> Result<(), Problem> {
        lockout::count(&self.tables, Counted::Address(visitor.address), now).await?;
        lockout::count(&self.tables, Counted::Name(name), now).await
    }

    /// Of a name everything is forgiven; of an address only this try, or one right name would pay for many wrong ones.
    async fn forgive(&self, name: [u8; 16], visitor: &Visitor) -> Result<(), Problem> {
        lockout::forgive(&self.tables, Counted::Name(name)).await?;
        lockout::take_back(&self.tables, Counted::Address(visitor.address)).await
    }
}
