//! Time-based one-time passwords (RFC 6238), as authenticator apps show them: six digits, SHA-1, thirty seconds.

use chrono::{DateTime, Utc};
use daftar_domain::{Sealed, SealedFor, ids::UserId};
use hmac::{Hmac, KeyInit, Mac};
use rand::{TryRngCore, rngs::OsRng};
use sha1::Sha1;

use super::{Auth, Password, Refusal, Visitor, keys_of};
use crate::problem::Problem;

const STEP: i64 = 30;

/// What the app is told: to be shown once, as text or as a QR code of the URI.
#[derive(Debug)]
pub struct Enrolment {
    pub secret: String,
    pub uri: String,
}

impl Auth {
    /// A new secret, which counts once a code of it was shown. Until then the old one does.
    pub async fn enrol_second_factor(
        &self,
        user: UserId,
        password: &Password,
        visitor: &Visitor,
        now: DateTime<Utc>,
    ) -> Result<Enrolment, Problem> {
        self.prove_again(user, password, visitor, now).await?;
        let mut bytes = [0; 20];
        OsRng.try_fill_bytes(&mut bytes).map_err(|error| Problem::Internal(error.into()))?;
        let secret = base32(&bytes);
        let sealed = self.keyring.seal(keys_of(user), SealedFor::Contact, &secret).await?;
        sqlx::query(
            "INSERT INTO daftar_auth.second_factor (user_id, pending) VALUES ($1, $2)
             ON CONFLICT (user_id) DO UPDATE SET pending = excluded.pending",
        )
        .bind(uuid::Uuid::from(user))
        .bind(daftar_domain::write(&sealed))
        .execute(&self.tables)
        .await?;
        let uri = format!("otpauth://totp/Daftar:{user}?secret={secret}&issuer=Daftar");
        Ok(Enrolment { secret, uri })
    }

    pub async fn confirm_second_factor(&self, user: UserId, code: &str, now: DateTime<Utc>) -> Result<(), Problem> {
        let pending: Option<Option<Vec<u8>>> = sqlx::query_scalar("SELECT pending FROM daftar_auth.second_factor WHERE user_id = $1")
            .bind(uuid::Uuid::from(user))
            .fetch_optional(&self.tables)
            .await?;
        let step = self.step_of(user, pending.flatten(), code, now).await?.ok_or(Refusal::SecondFactorWrong)?;
        sqlx::query(
            "UPDATE daftar_auth.second_factor SET secret = pending, pending = NULL, last_step = $2
             WHERE user_id = $1 AND pending IS NOT NULL",
        )
        .bind(uuid::Uuid::from(user))
        .bind(step)
        .execute(&self.tables)
        .await?;
        Ok(())
    }

    pub async fn has_second_factor(&self, user: UserId) -> Result<bool, Problem> {
        let has = "SELECT EXISTS (SELECT FROM daftar_auth.second_factor WHERE user_id = $1 AND secret IS NOT NULL)";
        Ok(sqlx::query_scalar(has).bind(uuid::Uuid::from(user)).fetch_one(&self.tables).await?)
    }

    /// Lets pass who has no second factor, or shows a code of it that was not shown before.
    pub(super) async fn check_second_factor(&self, user: UserId, code: Option<&str>, now: DateTime<Utc>) -> Result<(), Problem> {
        let secret: Option<Option<Vec<u8>>> = sqlx::query_scalar("SELECT secret FROM daftar_auth.second_factor WHERE user_id = $1")
            .bind(uuid::Uuid::from(user))
            .fetch_optional(&self.tables)
            .await?;
        let Some(secret) = secret.flatten() else { return Ok(()) };
        let code = code.ok_or(Refusal::SecondFactorNeeded)?;
        let step = self.step_of(user, Some(secret), code, now).await?.ok_or(Refusal::SecondFactorWrong)?;
        let taken = sqlx::query("UPDATE daftar_auth.second_factor SET last_step = $2 WHERE user_id = $1 AND last_step < $2")
            .bind(uuid::Uuid::from(user))
            .bind(step)
            .execute(&self.tables)
            .await?;
        if taken.rows_affected() == 1 { Ok(()) } else { Err(Refusal::SecondFactorWrong.into()) }
    }

    /// The step whose code it is, if it is one of those that a clock may be at.
    async fn step_of(&self, user: UserId, sealed: Option<Vec<u8>>, code: &str, now: DateTime<Utc>) -> Result<Option<i64>, Problem> {
        let Some(sealed) = sealed else { return Ok(None) };
        let sealed: Sealed = serde_json::from_slice(&sealed).map_err(|error| Problem::Internal(error.into()))?;
        let Some(secret) = self.keyring.open(keys_of(user), &sealed).await? else { return Ok(None) };
        let Some(secret) = from_base32(secret.reveal()) else { return Ok(None) };
        let step = now.timestamp() / STEP;
        let code = crate::input::latin_digits(code);
        // All three are reckoned, whichever it is.
        Ok([step - 1, step, step + 1].into_iter().fold(None, |found, step| if code_at(&secret, step) == code { Some(step) } else { found }))
    }
}

/// The code of a base32 secret at a moment: what the app on the phone shows.
pub fn code_of(secret: &str, at: DateTime<Utc>) -> Option<String> {
    Some(code_at(&from_base32(secret)?, at.timestamp() / STEP))
}

fn code_at(secret: &[u8], step: i64) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(secret).expect("a key of any length will do");
    mac.update(&step.to_be_bytes());
    let digest: [u8; 20] = mac.finalize().into_bytes().into();
    let at = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes([digest[at] & 127, digest[at + 1], digest[at + 2], digest[at + 3]]);
    format!("{:06}", number % 1_000_000)
}

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Without padding: a secret's 160 bits fill 32 letters.
fn base32(bytes: &[u8; 20]) -> String {
    let fives = bytes.chunks_exact(5).flat_map(|five| {
        let number = five.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        (0..8).rev().map(move |letter| usize::try_from(number >> (5 * letter) & 31).unwrap_or_default())
    });
    fives.map(|five| char::from(ALPHABET[five])).collect()
}

fn from_base32(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    for eight in text.as_bytes().chunks(8) {
        let number = eight.iter().try_fold(0u64, |number, letter| {
            let five = ALPHABET.iter().position(|known| known == letter)?;
            Some(number << 5 | five as u64)
        })?;
        bytes.extend_from_slice(&number.to_be_bytes()[3..]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of RFC 6238, appendix B, whose eight digits end in these six.
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = b"12345678901234567890";
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(secret, seconds / STEP), code, "{seconds}");
        }
    }

    #[test]
    fn a_secret_survives_its_letters() {
        let secret = *b"12345678901234567890";
        assert_eq!(base32(&secret), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(from_base32(&base32(&secret)).unwrap(), secret);
        assert_eq!(from_base32("not base32!"), None);
    }
}
