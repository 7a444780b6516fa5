//! `esdb://user:password@host:2113?tls=false`, read precisely.
//!
//! An error names the place by its ordinal and never repeats what might be part of a password.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::settings::{Credentials, DEFAULT_PORT, Endpoint, NodePreference, Settings, UserCertificate};

const SCHEMES: [&str; 4] = ["esdb", "kurrentdb", "kurrent", "kdb"];

/// `gossipTimeout` counts seconds where its neighbours count milliseconds; a larger number was meant as milliseconds.
const LONGEST_GOSSIP_TIMEOUT: u64 = 300;

/// Why a connection string was refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("connection string: {place}: {reason}")]
pub struct ConnectionStringError {
    place: String,
    reason: String,
}

fn refuse<T>(place: impl Into<String>, reason: impl Into<String>) -> Result<T, ConnectionStringError> {
    Err(ConnectionStringError { place: place.into(), reason: reason.into() })
}

impl FromStr for Settings {
    type Err = ConnectionStringError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return refuse("scheme", "missing; it begins with `esdb://` or `kurrentdb://`");
        };
        let discover = parse_scheme(scheme)?;
        let (before_query, query) = rest.split_once('?').map_or((rest, None), |(before, query)| (before, Some(query)));
        let authority = match before_query.split_once('/') {
            None => before_query,
            Some((authority, "")) => authority,
            Some((_, path)) if path.contains('@') => return refuse("credentials", "`/` has to be written as `%2F`"),
            Some(_) => return refuse("path", "a connection string has none"),
        };
        // A password may hold a bare `@`; a host cannot.
        let (credentials, hosts) = match authority.rsplit_once('@') {
            Some((credentials, hosts)) => (Some(parse_credentials(credentials)?), hosts),
            None => (None, authority),
        };
        let hosts = parse_hosts(hosts)?;
        let mut settings = Settings { discover: discover || hosts.len() > 1, hosts, credentials, ..Settings::default() };
        parse_options(&mut settings, query.unwrap_or_default())?;
        Ok(settings)
    }
}

fn parse_scheme(scheme: &str) -> Result<bool, ConnectionStringError> {
    let scheme = scheme.to_ascii_lowercase();
    let (name, discover) = scheme.strip_suffix("+discover").map_or((scheme.as_str(), false), |name| (name, true));
    match SCHEMES.contains(&name) {
        true => Ok(discover),
        false => refuse("scheme", "not one of esdb, kurrentdb, kurrent, kdb, with or without `+discover`"),
    }
}

fn parse_credentials(text: &str) -> Result<Credentials, ConnectionStringError> {
    let Some((username, password)) = text.split_once(':') else {
        return refuse("credentials", "no password; write `user:password@`");
    };
    let username = percent_decode(username).or_else(|reason| refuse("user name", reason))?;
    let password = percent_decode(password).or_else(|reason| refuse("password", reason))?;
    if username.is_empty() {
        return refuse("user name", "empty");
    }
    if username.contains(':') {
        return refuse("user name", "basic authentication cannot carry a `:`");
    }
    Ok(Credentials { username, password })
}

fn parse_hosts(text: &str) -> Result<Vec<Endpoint>, ConnectionStringError> {
    text.split(',').enumerate().map(|(i, host)| parse_host(host).or_else(|reason| refuse(format!("host {}", i + 1), reason))).collect()
}

fn parse_host(text: &str) -> Result<Endpoint, &'static str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, rest) = bracketed.split_once(']').ok_or("`[` without `]`")?;
            Ipv6Addr::from_str(address).map_err(|_| "not an IPv6 address in the brackets")?;
            match rest.strip_prefix(':') {
                Some(port) => (address, Some(port)),
                None if rest.is_empty() => (address, None),
                None => return Err("only `:port` may follow the brackets"),
            }
        }
        None if text.matches(':').count() > 1 => return Err("an IPv6 address is written in brackets"),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    if host.is_empty() {
        return Err("empty");
    }
    let plausible = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !host.chars().all(plausible) && host.parse::<IpAddr>().is_err() {
        return Err("neither a name nor an address");
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse() {
            Ok(port) if port > 0 => port,
            Ok(_) | Err(_) => return Err("the port is not between 1 and 65535"),
        },
        Some(_) => return Err("the port is not a number"),
    };
    Ok(Endpoint::new(host, port))
}

fn parse_options(settings: &mut Settings, query: &str) -> Result<(), ConnectionStringError> {
    let mut seen = BTreeSet::new();
    let mut cert_file = None;
    let mut key_file = None;
    for (i, pair) in query.split('&').enumerate().filter(|(_, pair)| !pair.is_empty()) {
        let (key, value) = match pair.split_once('=') {
            Some((key, value)) if !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric()) => (key, value),
            Some(_) => return refuse(format!("option {}", i + 1), "its key is not a word"),
            None => return refuse(format!("option {}", i + 1), "not of the form `key=value`"),
        };
        let place = || format!("option `{key}`");
        let value = percent_decode(value).or_else(|reason| refuse(place(), reason))?;
        let folded = key.to_ascii_lowercase();
        let parsed = match folded.as_str() {
            "tls" => boolean(&value).map(|v| settings.tls = v),
            "tlsverifycert" => boolean(&value).map(|v| settings.tls_verify_cert = v),
            "tlscafile" => nonempty(value).map(|v| settings.tls_ca_file = Some(v.into())),
            "usercertfile" => nonempty(value).map(|v| cert_file = Some(v.into())),
            "userkeyfile" => nonempty(value).map(|v| key_file = Some(v.into())),
            "nodepreference" => preference(&value).map(|v| settings.node_preference = v),
            "maxdiscoverattempts" => count(&value).map(|v| settings.max_discover_attempts = v),
            "discoveryinterval" => milliseconds(&value).map(|v| settings.discovery_interval = v),
            "gossiptimeout" => gossip_timeout(&value).map(|v| settings.gossip_timeout = v),
            "keepaliveinterval" => milliseconds_or_off(&value).map(|v| settings.keep_alive_interval = v),
            "keepalivetimeout" => milliseconds_or_off(&value).map(|v| settings.keep_alive_timeout = v),
            "defaultdeadline" => milliseconds_or_off(&value).map(|v| settings.default_deadline = v),
            "connectionname" => connection_name(value).map(|v| settings.connection_name = Some(v)),
            // Other clients can be told to hand back a refused append instead of failing; here a refusal is always an error.
            "throwonappendfailure" => boolean(&value).map(|_| ()),
            _ => Err("unknown"),
        };
        parsed.or_else(|reason| refuse(place(), reason))?;
        if !seen.insert(folded) {
            return refuse(place(), "given twice");
        }
    }
    settings.user_certificate = match (cert_file, key_file) {
        (Some(cert_file), Some(key_file)) => Some(UserCertificate { cert_file, key_file }),
        (Some(_), None) => return refuse("option `userCertFile`", "needs `userKeyFile`"),
        (None, Some(_)) => return refuse("option `userKeyFile`", "needs `userCertFile`"),
        (None, None) => None,
    };
    Ok(())
}

fn boolean(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("neither true nor false"),
    }
}

fn nonempty(text: String) -> Result<String, &'static str> {
    if text.is_empty() { Err("empty") } else { Ok(text) }
}

/// It travels as a header, which bounds what it may hold.
fn connection_name(text: String) -> Result<String, &'static str> {
    match text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        true => nonempty(text),
        false => Err("not plain ASCII"),
    }
}

fn preference(text: &str) -> Result<NodePreference, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "leader" => Ok(NodePreference::Leader),
        "follower" => Ok(NodePreference::Follower),
        "random" => Ok(NodePreference::Random),
        "readonlyreplica" => Ok(NodePreference::ReadOnlyReplica),
        _ => Err("not one of leader, follower, random, readOnlyReplica"),
    }
}

fn count(text: &str) -> Result<u32, &'static str> {
    text.parse().ok().filter(|&n| n > 0).ok_or("not a positive number")
}

fn milliseconds(text: &str) -> Result<Duration, &'static str> {
    // A u32 is 49 days: longer is a slip, and would overflow clocks further on.
    text.parse::<u32>().ok().filter(|&n| n > 0).map(|n| Duration::from_millis(n.into())).ok_or("not a positive number of milliseconds")
}

fn milliseconds_or_off(text: &str) -> Result<Option<Duration>, &'static str> {
    match text {
        "-1" => Ok(None),
        text => milliseconds(text).map(Some).map_err(|_| "neither a positive number of milliseconds nor -1"),
    }
}

fn gossip_timeout(text: &str) -> Result<Duration, &'static str> {
    match text.parse::<u64>() {
        Ok(seconds @ 1..=LONGEST_GOSSIP_TIMEOUT) => Ok(Duration::from_secs(seconds)),
        Ok(_) | Err(_) => Err("not a number of seconds between 1 and 300"),
    }
}

fn percent_decode(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
        match (digit(), digit()) {
            (Some(high), Some(low)) => bytes.push((high * 16 + low) as u8),
            _ => return Err("`%` is not followed by two hexadecimal digits"),
        }
    }
    String::from_utf8(bytes).map_err(|_| "not UTF-8 once percent-decoded")
}
