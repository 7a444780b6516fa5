use std::sync::Mutex;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::Utc;
use daftar_domain::ids::UserId;
use uuid::Uuid;

use super::{answer, app, caller, enums::word, scalars::DateTime};
use crate::{
    auth::{self, Credentials, Granted, Holder, NewStaff, Password, Refresh, UserName, Visitor},
    caller::{Caller, Role},
    input,
    problem::{Flaw, Problem},
};

#[derive(Debug, Default)]
pub struct UserQuery;

#[Object]
impl UserQuery {
    /// Whoever has signed in.
    async fn me(&self, context: &Context<'_>) -> Option<Result<Me>> {
        Some(answer(context, caller(context).user().map(|user| Me { user, caller: caller(context).clone() })))
    }

    /// Your sessions that are not over, the youngest first.
    async fn sessions(&self, context: &Context<'_>) -> Option<Result<Vec<Session>>> {
        let sessions = async {
            let current = visitor(context).session;
            let all = app(context).auth.sessions(caller(context).user()?, Utc::now()).await?;
            Ok(all.into_iter().map(|session| Session { current: current == Some(session.session_id), session }).collect())
        };
        Some(answer(context, sessions.await))
    }
}

/// Signing in and tokens take no idempotency key: each try is one of its own.
#[derive(Debug, Default)]
pub struct UserMutation;

#[Object]
impl UserMutation {
    /// Lets somebody in who shows who they are. Too many failures in a row lock name or address for a while (LOCKED_OUT, with `retryAfter` in seconds).
    async fn sign_in(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who, and what shows it.")] input: SignInInput,
    ) -> Option<Result<Tokens>> {
        let granted = async {
            let (auth, now) = (&app(context).auth, Utc::now());
            let SignInInput { user_name, password, code } = input;
            let granted = auth.sign_in(Credentials { user_name, password: Password::typed(password), code }, visitor(context), now).await?;
            auth.done("signIn", Some(granted.bearer.user), None, visitor(context), now).await?;
            Ok(granted.into())
        };
        Some(answer(context, granted.await))
    }

    /// New tokens for a refresh token, which is worth nothing afterwards. One that is shown twice ends its session (TOKEN_REUSED).
    async fn refresh_session(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As the last sign-in or refresh gave it.")] refresh_token: String,
    ) -> Option<Result<Tokens>> {
        Some(answer(context, app(context).auth.refresh(&Refresh::given(refresh_token), Utc::now()).await.map(Tokens::from)))
    }

    /// Ends the session that this request belongs to.
    async fn sign_out(&self, context: &Context<'_>) -> Option<Result<bool>> {
        let out = async {
            let (user, now) = (caller(context).user()?, Utc::now());
            let session = visitor(context).session.ok_or(Problem::Unauthenticated)?;
            app(context).auth.end_session(session, Some(user), now).await?;
            app(context).auth.done("signOut", Some(user), None, visitor(context), now).await?;
            Ok(true)
        };
        Some(answer(context, out.await))
    }

    /// Ends one of your sessions; an admin may end anybody's.
    async fn revoke_session(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As `sessions` gave it.")] session_id: ID,
    ) -> Option<Result<bool>> {
        let revoked = async {
            let (user, now) = (caller(context).user()?, Utc::now());
            let of = caller(context).staff(&[]).is_err().then_some(user);
            let session = id("sessionId", &session_id)?;
            app(context).auth.end_session(session, of, now).await?;
            app(context).auth.done("revokeSession", Some(user), Some(session), visitor(context), now).await?;
            Ok(true)
        };
        Some(answer(context, revoked.await))
    }

    /// Replaces your password, and ends your other sessions.
    async fn change_password(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "The old one.")] current_password: String,
        #[graphql(desc = "The new one: at least 10 characters.")] new_password: String,
    ) -> Option<Result<bool>> {
        let changed = async {
            let (user, now) = (caller(context).user()?, Utc::now());
            let (current, new) = (Password::typed(current_password), Password::chosen("newPassword", new_password)?);
            app(context).auth.change_password(user, &current, &new, visitor(context), now).await?;
            app(context).auth.done("changePassword", Some(user), None, visitor(context), now).await?;
            Ok(true)
        };
        Some(answer(context, changed.await))
    }

    /// Gives you a new secret for an authenticator app. It counts once `confirmSecondFactor` has shown a code of it.
    async fn enrol_second_factor(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Your password, once more.")] password: String,
    ) -> Option<Result<SecondFactor>> {
        let enrolled = async {
            let (user, now) = (caller(context).user()?, Utc::now());
            let auth::Enrolment { secret, uri } =
                app(context).auth.enrol_second_factor(user, &Password::typed(password), visitor(context), now).await?;
            app(context).auth.done("enrolSecondFactor", Some(user), None, visitor(context), now).await?;
            Ok(SecondFactor { secret, uri })
        };
        Some(answer(context, enrolled.await))
    }

    /// From now on signing in takes a code, too.
    async fn confirm_second_factor(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Six digits that the app shows now.")] code: String,
    ) -> Option<Result<bool>> {
        let confirmed = async {
            let (user, now) = (caller(context).user()?, Utc::now());
            app(context).auth.confirm_second_factor(user, &code, now).await?;
            app(context).auth.done("confirmSecondFactor", Some(user), None, visitor(context), now).await?;
            Ok(true)
        };
        Some(answer(context, confirmed.await))
    }

    /// Says that an account is yours. If there is such an account and the phone is among its contacts, a code is sent there; the answer is the same either way.
    async fn claim_account(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As it stands on the bill, in Latin or Arabic digits.")] account_number: String,
        #[graphql(desc = "A mobile number that the company knows you by.")] phone: String,
    ) -> Option<Result<Claim>> {
        let claimed = async {
            let (number, phone) = (input::account_number(&account_number)?, input::line("phone", &phone)?);
            let auth::Claim { claim_id, expires_at } =
                app(context).auth.claim_account(&number, &phone, visitor(context), Utc::now()).await?;
            Ok(Claim { claim_id: ID(claim_id.to_string()), expires_at: DateTime(expires_at) })
        };
        Some(answer(context, claimed.await))
    }

    /// Shows the code that was sent. The account is then that of the customer who has signed in, or of the new one. Gives the customer's id.
    async fn confirm_claim(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "As `claimAccount` gave it.")] claim_id: ID,
        #[graphql(desc = "Six digits.")] code: String,
        #[graphql(desc = "Of who is not a customer yet: what they will sign in with.")] new_customer: Option<NewCustomerInput>,
    ) -> Option<Result<ID>> {
        let confirmed = async {
            let now = Utc::now();
            let holder = match new_customer {
                Some(new) => new.parse()?,
                None => Holder::Known(caller(context).user()?),
            };
            let (user, account) = app(context).auth.confirm_claim(id("claimId", &claim_id)?, &code, holder, now).await?;
            app(context).auth.done("confirmClaim", Some(user), Some(account.into()), visitor(context), now).await?;
            Ok(ID(user.to_string()))
        };
        Some(answer(context, confirmed.await))
    }

    /// Registers a member of staff, who can sign in at once.
    async fn register_staff(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Who, and what they may do.")] input: RegisterStaffInput,
        #[graphql(desc = "Chosen by the caller, new for each wish and the same at each retry of it.")] idempotency_key: String,
    ) -> Option<Result<ID>> {
        let registered = async {
            let (by, now) = (caller(context).user()?, Utc::now());
            caller(context).staff(&[])?;
            let key = input::idempotency_key(&idempotency_key)?;
            let user = app(context).auth.register_staff(caller(context).actor()?, &key, input.parse()?, now).await?;
            app(context).auth.done("registerStaff", Some(by), Some(user.into()), visitor(context), now).await?;
            Ok(ID(user.to_string()))
        };
        Some(answer(context, registered.await))
    }

    /// Gives a member of staff other roles, at once and in open sessions, too. Nobody changes their own.
    async fn change_roles(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whose.")] user_id: ID,
        #[graphql(desc = "All that they may do from now on.")] roles: Vec<StaffRole>,
        #[graphql(desc = "Chosen by the caller, new for each wish and the same at each retry of it.")] idempotency_key: String,
    ) -> Option<Result<bool>> {
        let changed = async {
            let (by, now) = (caller(context).user()?, Utc::now());
            caller(context).staff(&[])?;
            let (key, user) = (input::idempotency_key(&idempotency_key)?, UserId::new(id("userId", &user_id)?));
            let roles = roles.into_iter().map(Role::from).collect();
            app(context).auth.change_roles(by, &key, user, roles, now).await?;
            app(context).auth.done("changeRoles", Some(by), Some(user.into()), visitor(context), now).await?;
            Ok(true)
        };
        Some(answer(context, changed.await))
    }

    /// Lets somebody in no more, and ends their sessions. Nobody does it to themselves.
    async fn deactivate_user(
        &self,
        context: &Context<'_>,
        #[graphql(desc = "Whom.")] user_id: ID,
        #[graphql(desc = "Why, in a phrase without personal data.")] reason: String,
        #[graphql(desc = "Chosen by the caller, new for each wish and the same at each retry of it.")] idempotency_key: String,
    ) -> Option<Result<bool>> {
        let deactivated = async {
            let (by, now) = (caller(context).user()?, Utc::now());
            caller(context).staff(&[])?;
            let (key, user) = (input::idempotency_key(&idempotency_key)?, UserId::new(id("userId", &user_id)?));
            let reason = input::reason("reason", &reason)?;
            app(context).auth.deactivate(by, &key, user, reason, now).await?;
            app(context).auth.done("deactivateUser", Some(by), Some(user.into()), visitor(context), now).await?;
            Ok(true)
        };
        Some(answer(context, deactivated.await))
    }
}

/// Who wants to come in, and what shows that it is them.
#[derive(InputObject)]
struct SignInInput {
    /// In upper or lower case.
    user_name: String,
    /// As it was chosen.
    password: String,
    /// Six digits from the authenticator app, of whoever has enrolled one. Without it they are told SECOND_FACTOR_NEEDED.
    code: Option<String>,
}

/// Somebody who is about to be a customer.
#[derive(InputObject)]
struct NewCustomerInput {
    /// One word of 3 to 64 characters that nobody else has. Kept encrypted.
    user_name: String,
    /// At least 10 characters.
    password: String,
}

impl NewCustomerInput {
    fn parse(self) -> Result<Holder, Problem> {
        Ok(Holder::New { user_name: UserName::new(&self.user_name)?, password: Password::chosen("password", self.password)? })
    }
}

/// A claim that waits for its code.
#[derive(SimpleObject)]
struct Claim {
    /// For `confirmClaim`.
    claim_id: ID,
    /// Until when the code is good.
    expires_at: DateTime,
}

/// A new member of staff.
#[derive(InputObject)]
struct RegisterStaffInput {
    /// One word of 3 to 64 characters that nobody else has. Kept encrypted.
    user_name: String,
    /// What they may do: at least one.
    roles: Vec<StaffRole>,
    /// To sign in with at first, at least 10 characters. Whoever it is for should change it.
    password: String,
}

impl RegisterStaffInput {
    fn parse(self) -> Result<NewStaff, Problem> {
        Ok(NewStaff {
            user_name: UserName::new(&self.user_name)?,
            roles: self.roles.into_iter().map(Role::from).collect(),
            password: Password::chosen("password", self.password)?,
        })
    }
}

/// What shows from now on that it is you.
#[derive(SimpleObject)]
struct Tokens {
    /// A JSON Web Token for the header `Authorization: Bearer …`.
    access_token: String,
    /// Until when it is believed: fifteen minutes.
    access_token_expires_at: DateTime,
    /// For `refreshSession`, once.
    refresh_token: String,
    /// When the session ends, however often it is refreshed.
    session_ends_at: DateTime,
}

impl From<Granted> for Tokens {
    fn from(granted: Granted) -> Self {
        Self {
            access_token: granted.access,
            access_token_expires_at: DateTime(granted.access_expires_at),
            refresh_token: granted.refresh.reveal().to_owned(),
            session_ends_at: DateTime(granted.session_ends),
        }
    }
}

/// A secret to be shown once.
#[derive(SimpleObject)]
struct SecondFactor {
    /// To be typed into the app.
    secret: String,
    /// To be shown as a QR code.
    uri: String,
}

#[derive(Debug)]
struct Me {
    user: UserId,
    caller: Caller,
}

/// Whoever has signed in.
#[Object]
impl Me {
    /// The user's id, for ever.
    async fn id(&self) -> ID {
        ID(self.user.to_string())
    }

    /// The name to sign in with; null once they have asked to be forgotten.
    async fn user_name(&self, context: &Context<'_>) -> Option<Result<String>> {
        let name = app(context).auth.user_name(self.user).await;
        answer(context, name.map(|name| name.map(|name| name.reveal().to_owned()))).transpose()
    }

    /// What they may do, of staff; customers have none.
    async fn roles(&self) -> Vec<StaffRole> {
        match &self.caller {
            Caller::Staff { roles, .. } => roles.iter().copied().map(StaffRole::from).collect(),
            Caller::Customer { .. } | Caller::Nobody => vec![],
        }
    }

    /// The accounts that are theirs, of customers; staff see all.
    async fn account_ids(&self) -> Vec<ID> {
        match &self.caller {
            Caller::Customer { accounts, .. } => accounts.iter().map(|account| ID(account.to_string())).collect(),
            Caller::Staff { .. } | Caller::Nobody => vec![],
        }
    }

    /// Whether signing in takes a code, too.
    async fn has_second_factor(&self, context: &Context<'_>) -> Option<Result<bool>> {
        Some(answer(context, app(context).auth.has_second_factor(self.user).await))
    }
}

#[derive(Debug)]
struct Session {
    session: auth::Session,
    current: bool,
}

/// Somebody signed in somewhere.
#[Object]
impl Session {
    /// For `revokeSession`.
    async fn id(&self) -> ID {
        ID(self.session.session_id.to_string())
    }

    /// Whether this request belongs to it.
    async fn current(&self) -> bool {
        self.current
    }

    /// When they signed in.
    async fn began_at(&self) -> DateTime {
        DateTime(self.session.began_at)
    }

    /// When they last asked for new tokens.
    async fn refreshed_at(&self) -> DateTime {
        DateTime(self.session.refreshed_at)
    }

    /// When it ends by itself.
    async fn expires_at(&self) -> DateTime {
        DateTime(self.session.expires_at)
    }

    /// The network address that they signed in from.
    async fn address(&self) -> &str {
        &self.session.address
    }

    /// What their browser or app called itself.
    async fn agent(&self) -> Option<&str> {
        self.session.agent.as_deref()
    }
}

word!(StaffRole);

/// What a member of staff may do. One person can have several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "Role", remote = "Role")]
pub enum StaffRole {
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

/// What was refused in one request, for the audit: the field's own name, whatever the request called it, and the code.
#[derive(Debug, Default)]
pub struct Refusals(Mutex<Vec<(String, &'static str)>>);

impl Refusals {
    pub fn note(&self, field: &str, code: &'static str) {
        if let Ok(mut refused) = self.0.lock() {
            refused.push((field.to_owned(), code));
        }
    }

    pub fn take(&self) -> Vec<(String, &'static str)> {
        self.0.lock().map(|mut refused| std::mem::take(&mut *refused)).unwrap_or_default()
    }
}

fn visitor<'a>(context: &Context<'a>) -> &'a Visitor {
    context.data_unchecked()
}

fn id(field: &'static str, id: &ID) -> Result<Uuid, Problem> {
    Uuid::try_parse(id).map_err(|_| Problem::invalid(field, Flaw::NotAnId))
}
