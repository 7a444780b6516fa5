//! Sessions: begun by signing in, carried on by refreshing, ended by anybody who should.

use chrono::{DateTime, Duration, Utc};
use daftar_domain::{
    ids::{AccountId, UserId},
    user::{Role, Standing, User},
};
use daftar_projections::columns::{from_name, to_name};
use uuid::Uuid;

use super::{
    Auth, Refusal, Visitor,
    sign_in::Granted,
    stream_of,
    tokens::{ACCESS, Bearer, Refresh},
};
use crate::{caller::Caller, problem::Problem};

/// What a session's row says its user may do: the roles of staff, or the accounts of a customer.
type Stood = (Option<Vec<String>>, Option<Vec<Uuid>>);

/// How long a session lasts, however often it is refreshed.
const SESSION: Duration = Duration::hours(24);
/// How long one that is over is remembered.
const REMEMBERED: Duration = Duration::days(30);

/// A session as its owner sees it.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Session {
    pub session_id: Uuid,
    pub began_at: DateTime<Utc>,
    pub refreshed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub address: String,
    pub agent: Option<String>,
}

impl Auth {
    pub(super) async fn begin_session(
        &self,
        user: UserId,
        standing: &Standing,
        visitor: &Visitor,
        now: DateTime<Utc>,
    ) -> Result<Granted, Problem> {
        let (session, refresh) = (Uuid::new_v4(), Refresh::random());
        let (roles, accounts) = columns(standing);
        let mut transaction = self.tables.begin().await?;
        sqlx::query("DELETE FROM daftar_auth.session WHERE expires_at < $1").bind(now - REMEMBERED).execute(&mut *transaction).await?;
        sqlx::query(
            "INSERT INTO daftar_auth.session (session_id, user_id, roles, accounts, began_at, refreshed_at, expires_at, address, agent)
             VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)",
        )
        .bind(session)
        .bind(Uuid::from(user))
        .bind(roles)
        .bind(accounts)
        .bind(now)
        .bind(now + SESSION)
        .bind(visitor.address.to_string())
        .bind(&visitor.agent)
        .execute(&mut *transaction)
        .await?;
        keep(&mut transaction, &refresh, session).await?;
        transaction.commit().await?;
        Ok(self.granted(Bearer { user, session }, refresh, now, now + SESSION))
    }

    /// New tokens for the old refresh token, which is worth nothing from then on: shown again, it ends the session, for one of two has stolen it.
    pub async fn refresh(&self, token: &Refresh, now: DateTime<Utc>) -> Result<Granted, Problem> {
        let mut transaction = self.tables.begin().await?;
        let used: Option<Uuid> = sqlx::query_scalar(
            "UPDATE daftar_auth.refresh_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL RETURNING session_id",
        )
        .bind(token.hash())
        .bind(now)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(session) = used else {
            drop(transaction);
            return Err(self.reused(token, now).await?.into());
        };
        let found: Option<(Uuid, DateTime<Utc>)> = sqlx::query_as(
            "SELECT user_id, expires_at FROM daftar_auth.session WHERE session_id = $1 AND ended_at IS NULL AND expires_at > $2 FOR UPDATE",
        )
        .bind(session)
        .bind(now)
        .fetch_optional(&mut *transaction)
        .await?;
        let (user, expires_at) = found.ok_or(Refusal::TokenRefused)?;
        let user = UserId::new(user);
        // If this fails, so does the whole, and the token that was shown stays good.
        let state = self.engine.look::<User>(&stream_of(user)).await?;
        let (roles, accounts) = columns(state.standing().ok_or(Refusal::TokenRefused)?);
        sqlx::query("UPDATE daftar_auth.session SET refreshed_at = $2, roles = $3, accounts = $4 WHERE session_id = $1")
            .bind(session)
            .bind(now)
            .bind(roles)
            .bind(accounts)
            .execute(&mut *transaction)
            .await?;
        let refresh = Refresh::random();
        keep(&mut transaction, &refresh, session).await?;
        transaction.commit().await?;
        Ok(self.granted(Bearer { user, session }, refresh, now, expires_at))
    }

    async fn reused(&self, token: &Refresh, now: DateTime<Utc>) -> Result<Refusal, Problem> {
        let ended = sqlx::query(
            "UPDATE daftar_auth.session SET ended_at = $2
             WHERE ended_at IS NULL AND session_id = (SELECT session_id FROM daftar_auth.refresh_token WHERE hash = $1)",
        )
        .bind(token.hash())
        .bind(now)
        .execute(&self.tables)
        .await?;
        Ok(if ended.rows_affected() == 0 { Refusal::TokenRefused } else { Refusal::TokenReused })
    }

    fn granted(&self, bearer: Bearer, refresh: Refresh, now: DateTime<Utc>, session_ends: DateTime<Utc>) -> Granted {
        let until = (now + ACCESS).min(session_ends);
        Granted { bearer, access: self.tokens.access(bearer, now, until), access_expires_at: until, refresh, session_ends }
    }

    /// Who asks, by the `Authorization` header of their request, or of the first message on their socket. Without one it is nobody.
    pub async fn bearer(&self, authorization: Option<&str>, now: DateTime<Utc>) -> Result<(Caller, Option<Uuid>), Problem> {
        let Some(authorization) = authorization else { return Ok((Caller::Nobody, None)) };
        let (scheme, token) = authorization.split_once(' ').unwrap_or((authorization, ""));
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(Refusal::TokenRefused.into());
        }
        self.caller(token.trim(), now).await.map(|(caller, session)| (caller, Some(session)))
    }

    /// Who asks with this access token. Its session must still be there: a token outlives neither sign-out nor deactivation.
    pub async fn caller(&self, token: &str, now: DateTime<Utc>) -> Result<(Caller, Uuid), Problem> {
        let Bearer { user, session } = self.tokens.bearer(token, now).ok_or(Refusal::TokenRefused)?;
        let found: Option<Stood> = sqlx::query_as(
            "SELECT roles, accounts FROM daftar_auth.session
             WHERE session_id = $1 AND user_id = $2 AND ended_at IS NULL AND expires_at > $3",
        )
        .bind(session)
        .bind(Uuid::from(user))
        .bind(now)
        .fetch_optional(&self.tables)
        .await?;
        let user = Uuid::from(user);
        let caller = match found.ok_or(Refusal::TokenRefused)? {
            (Some(roles), _) => {
                let roles = roles.into_iter().map(from_name).collect::<Result<_, _>>();
                Caller::Staff { user, roles: roles.map_err(|error| Problem::Internal(error.into()))? }
            }
            (None, accounts) => Caller::Customer { user, accounts: accounts.into_iter().flatten().map(AccountId::new).collect() },
        };
        Ok((caller, session))
    }

    /// A user's sessions that are not over, the youngest first.
    pub async fn sessions(&self, user: UserId, now: DateTime<Utc>) -> Result<Vec<Session>, Problem> {
        let all = "SELECT session_id, began_at, refreshed_at, expires_at, address, agent FROM daftar_auth.session
                   WHERE user_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY began_at DESC LIMIT 100";
        Ok(sqlx::query_as(all).bind(Uuid::from(user)).bind(now).fetch_all(&self.tables).await?)
    }

    /// Ends a session of this user, or of anybody if none is named. One that is over already is fine.
    pub async fn end_session(&self, session: Uuid, of: Option<UserId>, now: DateTime<Utc>) -> Result<(), Problem> {
        let end =
            "UPDATE daftar_auth.session SET ended_at = coalesce(ended_at, $2) WHERE session_id = $1 AND user_id = coalesce($3, user_id)";
        let ended = sqlx::query(end).bind(session).bind(now).bind(of.map(Uuid::from)).execute(&self.tables).await?;
        if ended.rows_affected() == 0 { Err(Problem::NotFound) } else { Ok(()) }
    }

    /// Ends all of a user's sessions but, perhaps, the one that wishes it.
    pub(super) async fn end_sessions(&self, user: UserId, but: Option<Uuid>, now: DateTime<Utc>) -> Result<(), Problem> {
        let end = "UPDATE daftar_auth.session SET ended_at = $2 WHERE user_id = $1 AND ended_at IS NULL AND session_id IS DISTINCT FROM $3";
        sqlx::query(end).bind(Uuid::from(user)).bind(now).bind(but).execute(&self.tables).await?;
        Ok(())
    }

    /// The user may do other things from now on, also in the sessions that are open.
    pub(super) async fn stand_otherwise(&self, user: UserId, standing: &Standing) -> Result<(), Problem> {
        let (roles, accounts) = columns(standing);
        let stand = "UPDATE daftar_auth.session SET roles = $2, accounts = $3 WHERE user_id = $1 AND ended_at IS NULL";
        sqlx::query(stand).bind(Uuid::from(user)).bind(roles).bind(accounts).execute(&self.tables).await?;
        Ok(())
    }
}

async fn keep(db: &mut sqlx::PgConnection, refresh: &Refresh, session: Uuid) -> Result<(), sqlx::Error> {
    let keep = "INSERT INTO daftar_auth.refresh_token (hash, session_id) VALUES ($1, $2)";
    sqlx::query(keep).bind(refresh.hash()).bind(session).execute(db).await?;
    Ok(())
}

/// As a session's row has it: either roles or accounts.
fn columns(standing: &Standing) -> Stood {
    match standing {
        Standing::Staff(roles) => (Some(roles.iter().map(to_name::<Role>).collect()), None),
        Standing::Customer(accounts) => (None, Some(accounts.iter().copied().map(Uuid::from).collect())),
    }
}
