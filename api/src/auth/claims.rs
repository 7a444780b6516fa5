//! Customers show that an account is theirs: its number, a phone that is among its contacts, and the code that was sent there.
//!
//! Whoever asks learns nothing from the answer or its time: not whether there is such an account, nor whether the phone is one of it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use daftar_domain::{
    Actor, SealedFor,
    account::{AccountNumber, ContactKind, Language},
    ids::{AccountId, UserId},
    user::{ClaimAccount, Command, RegisterCustomer, User},
};
use daftar_projections::accounts;
use daftar_store::CommandContext;
use rand::{Rng, TryRngCore, rngs::OsRng};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

use super::{
    Auth, Password, Refusal, UserName, Visitor,
    lockout::{self, Counted},
    stream_of,
};
use crate::{input, problem::Problem};

/// How long a code is good, and how often one may be tried.
const GOOD: TimeDelta = TimeDelta::minutes(10);
const TRIES: i32 = 5;

/// Longer than any of the ways takes.
const ANSWERED_AFTER: Duration = Duration::from_millis(250);

/// Of an international number the end that is dialled at home, too.
const DIGITS_THAT_COUNT: usize = 9;

/// A claim that waits for its code.
#[derive(Clone, Copy, Debug)]
pub struct Claim {
    pub claim_id: Uuid,
    pub expires_at: DateTime<Utc>,
}

/// Who is to hold the account.
#[derive(Debug)]
pub enum Holder {
    Known(UserId),
    New { user_name: UserName, password: Password },
}

impl Auth {
    pub async fn claim_account(
        &self,
        number: &AccountNumber,
        phone: &str,
        visitor: &Visitor,
        now: DateTime<Utc>,
    ) -> Result<Claim, Problem> {
        let answered_at = Instant::now() + ANSWERED_AFTER;
        // Never taken back: nobody's phone is to ring all day.
        lockout::count(&self.tables, Counted::Address(visitor.address), now).await?;
        lockout::count(&self.tables, Counted::Claims(self.names.digest(number.as_str())), now).await?;
        let account = match accounts::by_number(&self.tables, number).await? {
            Some(account) if self.is_reached_at(account.id, phone).await? => Some(account),
            _ => None,
        };
        let claim = Claim { claim_id: Uuid::new_v4(), expires_at: now + GOOD };
        let code = format!("{:06}", OsRng.unwrap_err().random_range(0..1_000_000));
        let mut transaction = self.tables.begin().await?;
        sqlx::query("DELETE FROM daftar_auth.claim WHERE expires_at < $1")
            .bind(now - TimeDelta::days(1))
            .execute(&mut *transaction)
            .await?;
        sqlx::query("INSERT INTO daftar_auth.claim (claim_id, account_id, code_hash, tries_left, expires_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(claim.claim_id)
            .bind(account.as_ref().map(|account| Uuid::from(account.id)))
            .bind(self.hash_of(claim.claim_id, &code))
            .bind(TRIES)
            .bind(claim.expires_at)
            .execute(&mut *transaction)
            .await?;
        if let Some(account) = account {
            let text = match account.language {
                Language::Arabic => format!("رمز ربط حسابك في دفتر: {code}. لا تعطه أحدًا."),
                Language::English => format!("Your code to claim your account in Daftar: {code}. Give it to nobody."),
            };
            let seal = async |clear: &str| {
                self.keyring.seal(account.id, SealedFor::Contact, clear).await.map(|sealed| daftar_domain::write(&sealed))
            };
            sqlx::query(
                "INSERT INTO daftar_auth.outbox (message_id, account_id, channel, recipient, text, made_at) VALUES ($1, $2, 'sms', $3, $4, $5)",
            )
            .bind(claim.claim_id)
            .bind(Uuid::from(account.id))
            .bind(seal(phone.trim()).await?)
            .bind(seal(&text).await?)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        sleep_until(answered_at).await;
        Ok(claim)
    }

    /// The code was right: the account is theirs from now on. Asked again with the same, it is still theirs.
    pub async fn confirm_claim(&self, claim: Uuid, code: &str, holder: Holder, now: DateTime<Utc>) -> Result<(UserId, AccountId), Problem> {
        let tried: Option<(Option<Uuid>, Vec<u8>)> = sqlx::query_as(
            "UPDATE daftar_auth.claim SET tries_left = tries_left - 1
             WHERE claim_id = $1 AND tries_left > 0 AND expires_at > $2 RETURNING account_id, code_hash",
        )
        .bind(claim)
        .bind(now)
        .fetch_optional(&self.tables)
        .await?;
        let (account, hash) = tried.ok_or(Refusal::ClaimRefused)?;
        let right = hash == self.hash_of(claim, &input::latin_digits(code));
        let account_id = account.filter(|_| right).map(AccountId::new).ok_or(Refusal::ClaimRefused)?;
        let context = |actor| CommandContext::new(actor, "confirmClaim", &claim.to_string(), now);
        let user = match holder {
            Holder::Known(user) => {
                let command = Command::ClaimAccount(ClaimAccount { account_id });
                self.engine.execute::<User>(&stream_of(user), &context(Actor::user(user)), command).await?;
                user
            }
            Holder::New { user_name, password } => {
                let register = |user_id, user_name| Command::RegisterCustomer(RegisterCustomer { user_id, user_name, account_id });
                self.register(&context(Actor::job("claim")), &user_name, &password, register).await?
            }
        };
        if let Some(standing) = self.engine.look::<User>(&stream_of(user)).await?.standing() {
            self.stand_otherwise(user, standing).await?;
        }
        Ok((user, account_id))
    }

    async fn is_reached_at(&self, account: AccountId, phone: &str) -> Result<bool, Problem> {
        let asked = dialled(phone);
        for contact in accounts::contacts(&self.tables, account).await? {
            let rings = matches!(contact.kind, ContactKind::Mobile | ContactKind::WhatsApp);
            if rings
                && asked.is_some()
                && self.keyring.open(account, &contact.value).await?.and_then(|clear| dialled(clear.reveal())) == asked
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn hash_of(&self, claim: Uuid, code: &str) -> [u8; 16] {
        self.names.digest(&format!("{claim}:{code}"))
    }
}

/// The digits by which two ways of writing a number are the same; nothing if there are too few for a mobile.
fn dialled(phone: &str) -> Option<String> {
    let digits: String = input::latin_digits(phone).chars().filter(char::is_ascii_digit).collect();
    digits.len().checked_sub(DIGITS_THAT_COUNT).map(|from| digits[from..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_the_same_at_home_and_abroad() {
        assert_eq!(dialled("+966 50 123 4567"), dialled("0501234567"));
        assert_eq!(dialled("٠٥٠١٢٣٤٥٦٧"), dialled("00966501234567"));
        assert_ne!(dialled("0501234567"), dialled("0501234568"));
        assert_eq!(dialled("1234"), None);
    }
}
