//! Access tokens (JSON Web Tokens, HS256), and refresh tokens, which are nothing but random.
//!
//! A token's header is not asked which algorithm to believe it by: it is ours, byte for byte, or the token is refused.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Duration, Utc};
use daftar_domain::ids::UserId;
use daftar_store::keyring::AccountKey;
use hmac::{Hmac, KeyInit, Mac};
use rand::{TryRngCore, rngs::OsRng};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// How long an access token is believed.
pub const ACCESS: Duration = Duration::minutes(15);

/// `{"alg":"HS256","typ":"JWT"}`
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const AUDIENCE: &str = "daftar";

#[derive(Clone)]
pub struct Tokens(Arc<AccountKey>);

/// Which session of whose a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bearer {
    pub user: UserId,
    pub session: Uuid,
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: UserId,
    sid: Uuid,
    iat: i64,
    exp: i64,
}

impl Tokens {
    pub fn new(key: AccountKey) -> Self {
        Self(Arc::new(key))
    }

    /// An access token that is believed until then.
    pub fn access(&self, bearer: Bearer, now: DateTime<Utc>, until: DateTime<Utc>) -> String {
        let Bearer { user, session } = bearer;
        let claims = Claims { aud: AUDIENCE.to_owned(), sub: user, sid: session, iat: now.timestamp(), exp: until.timestamp() };
        let signed = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(daftar_domain::write(&claims)));
        let signature = URL_SAFE_NO_PAD.encode(self.mac(&signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    /// Whose it is; nothing if it is not ours, for somebody else, or too old.
    pub fn bearer(&self, token: &str, now: DateTime<Utc>) -> Option<Bearer> {
        let (signed, signature) = token.rsplit_once('.')?;
        let claims = signed.strip_prefix(HEADER)?.strip_prefix('.')?;
        self.mac(signed).verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
        let believed = claims.aud == AUDIENCE && now.timestamp() < claims.exp;
        believed.then_some(Bearer { user: claims.sub, session: claims.sid })
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&**self.0).expect("a key of any length will do");
        mac.update(signed.as_bytes());
        mac
    }
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

/// A refresh token: 256 random bits. Only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Refresh(String);

impl Refresh {
    pub fn random() -> Self {
        let mut bytes = [0; 32];
        OsRng.try_fill_bytes(&mut bytes).expect("an operating system that gives no random bytes cannot keep a secret");
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    pub fn given(token: String) -> Self {
        Self(token)
    }

    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Refresh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refresh(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEARER: Bearer = Bearer { user: UserId::new(Uuid::from_u128(1)), session: Uuid::from_u128(2) };

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn tokens() -> Tokens {
        Tokens::new([7; 32].into())
    }

    fn encoded(json: &str) -> String {
        URL_SAFE_NO_PAD.encode(json)
    }

    #[test]
    fn a_token_is_believed_until_its_time_is_over() {
        let token = tokens().access(BEARER, at(0), at(900));
        assert_eq!(tokens().bearer(&token, at(899)), Some(BEARER));
        assert_eq!(tokens().bearer(&token, at(900)), None);
    }

    #[test]
    fn a_token_is_one_that_any_library_reads() {
        let token = tokens().access(BEARER, at(0), at(900));
        let parts: Vec<_> = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap()).collect();
        assert_eq!(parts[0], br#"{"alg":"HS256","typ":"JWT"}"#);
        let claims: serde_json::Value = serde_json::from_slice(&parts[1]).unwrap();
        assert_eq!(claims["sub"], "00000000-0000-0000-0000-000000000001");
        assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 900);
    }

    #[test]
    fn what_is_forged_is_not_believed() {
        let token = tokens().access(BEARER, at(0), at(900));
        let [header, claims, signature]: [&str; 3] = token.split('.').collect::<Vec<_>>().try_into().unwrap();
        let believed = |token: &str| tokens().bearer(token, at(1)).is_some();
        assert!(believed(&token));
        for algorithm in ["none", "None", "HS512", "RS256"] {
            let other = encoded(&format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#));
            let signed = URL_SAFE_NO_PAD.encode(tokens().mac(&format!("{other}.{claims}")).finalize().into_bytes());
            assert!(!believed(&format!("{other}.{claims}.")), "{algorithm}");
            assert!(!believed(&format!("{other}.{claims}.{signature}")), "{algorithm}");
            assert!(!believed(&format!("{other}.{claims}.{signed}")), "{algorithm}, signed");
        }
        assert!(!believed(&format!("{header}.{claims}.")));
        assert!(!believed(&format!("{header}.{claims}")));
        let mine = format!(r#"{{"aud":"daftar","sub":"{}","sid":"{}","iat":0,"exp":9999999999}}"#, Uuid::nil(), Uuid::nil());
        assert!(!believed(&format!("{header}.{}.{signature}", encoded(&mine))));
        assert!(!believed(&Tokens::new([8; 32].into()).access(BEARER, at(0), at(900))), "another key");
        assert!(!believed("") && !believed("..") && !believed("a.b.c"));
    }

    #[test]
    fn a_token_for_somebody_else_is_not_believed() {
        let claims = encoded(&format!(r#"{{"aud":"shop","sub":"{0}","sid":"{0}","iat":0,"exp":9999999999}}"#, Uuid::nil()));
        let signed = format!("{HEADER}.{claims}");
        let signature = URL_SAFE_NO_PAD.encode(tokens().mac(&signed).finalize().into_bytes());
        assert_eq!(tokens().bearer(&format!("{signed}.{signature}"), at(1)), None);
    }
}
