//! Who a message is from: an HMAC over the time and the body, with a secret that both sides hold.

use std::{fmt, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use chrono::{DateTime, TimeDelta, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use thiserror::Error;
use zeroize::Zeroizing;

/// `t=1719824400,v1=…`: the second it was signed, and the signature in base64.
pub const HEADER: &str = "daftar-signature";

/// The signature of a message, if it has one.
pub(crate) fn header(headers: &axum::http::HeaderMap) -> Option<&str> {
    headers.get(HEADER).and_then(|value| value.to_str().ok())
}

/// What is older, or from so far in the future, was kept by somebody to be told again.
const WINDOW: TimeDelta = TimeDelta::minutes(5);

/// Never shown, and gone from memory with its last copy.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<Vec<u8>>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a gateway's secret must have {} characters or more", Secret::SHORTEST)]
pub struct NotASecret;

/// Why a message is not taken for the gateway's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotGenuine {
    #[error("the message is not signed")]
    Unsigned,
    #[error("the signature is not that of the gateway")]
    Forged,
    #[error("the message was signed at another time")]
    Stale,
    #[error("the message is signed, and says nothing that can be understood")]
    Malformed,
}

impl Secret {
    const SHORTEST: usize = 32;

    pub fn new(text: impl Into<Vec<u8>>) -> Result<Self, NotASecret> {
        let text = Zeroizing::new(text.into());
        if text.len() < Self::SHORTEST { Err(NotASecret) } else { Ok(Self(Arc::new(text))) }
    }

    /// The header of a message sent at this moment.
    pub fn sign(&self, body: &[u8], now: DateTime<Utc>) -> String {
        let at = now.timestamp();
        format!("t={at},v1={}", BASE64.encode(self.mac(at, body).finalize().into_bytes()))
    }

    /// Takes as long whatever is wrong with the signature, and looks at the time only of what is genuine.
    pub fn verify(&self, header: Option<&str>, body: &[u8], now: DateTime<Utc>) -> Result<(), NotGenuine> {
        let (at, signature) = header.ok_or(NotGenuine::Unsigned)?.split_once(",v1=").ok_or(NotGenuine::Forged)?;
        let at: i64 = at.strip_prefix("t=").and_then(|at| at.parse().ok()).ok_or(NotGenuine::Forged)?;
        let signature = BASE64.decode(signature).map_err(|_| NotGenuine::Forged)?;
        self.mac(at, body).verify_slice(&signature).map_err(|_| NotGenuine::Forged)?;
        if now.timestamp().abs_diff(at) > WINDOW.num_seconds().unsigned_abs() { Err(NotGenuine::Stale) } else { Ok(()) }
    }

    fn mac(&self, at: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).expect("a key of any length will do");
        mac.update(at.to_string().as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(letter: char) -> Secret {
        Secret::new(letter.to_string().repeat(32)).unwrap()
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_719_824_400 + second, 0).unwrap()
    }

    /// Computed with Python's hmac module: gateways are written by others.
    #[test]
    fn the_signature_is_what_others_compute() {
        assert_eq!(secret('k').sign(b"{}", at(0)), "t=1719824400,v1=oOHLmqzRFEIASmDpkTxhqlaocwOC7vB76Cb6K0OMFJg=");
    }

    #[test]
    fn only_what_the_gateway_signed_just_now_is_genuine() {
        let header = secret('k').sign(b"{}", at(0));
        let other_time = header.replace("t=1719824400", "t=1719824401");
        let cut = &header[..header.len() - 5];
        for (signed_with, header, body, now, expected) in [
            ('k', Some(&*header), "{}", 0, Ok(())),
            ('k', Some(&*header), "{}", 300, Ok(())),
            ('k', Some(&*header), "{}", -300, Ok(())),
            ('k', Some(&*header), "{}", 301, Err(NotGenuine::Stale)),
            ('k', Some(&*header), "{}", -301, Err(NotGenuine::Stale)),
            ('k', Some(&*header), "{ }", 0, Err(NotGenuine::Forged)),
            ('l', Some(&*header), "{}", 0, Err(NotGenuine::Forged)),
            ('k', Some(&*other_time), "{}", 0, Err(NotGenuine::Forged)),
            ('k', Some(cut), "{}", 0, Err(NotGenuine::Forged)),
            ('k', Some("t=1719824400"), "{}", 0, Err(NotGenuine::Forged)),
            ('k', Some("t=now,v1=AAAA"), "{}", 0, Err(NotGenuine::Forged)),
            ('k', None, "{}", 0, Err(NotGenuine::Unsigned)),
        ] {
            assert_eq!(secret(signed_with).verify(header, body.as_bytes(), at(now)), expected, "{header:?} at {now}");
        }
    }

    #[test]
    fn a_secret_is_long_and_never_shown() {
        assert_eq!(Secret::new("k".repeat(31)).unwrap_err(), NotASecret);
        assert_eq!(format!("{:?}", secret('k')), "Secret(…)");
    }
}
