//! One row per string: what it means, or why it is refused.

use std::time::Duration;

use eventstore_client::{Credentials, Endpoint, NodePreference, Settings, UserCertificate};

fn single(host: &str, port: u16) -> Settings {
    Settings { hosts: vec![Endpoint::new(host, port)], ..Settings::default() }
}

fn with(change: impl FnOnce(&mut Settings)) -> Settings {
    let mut settings = single("host", 2113);
    change(&mut settings);
    settings
}

fn login(username: &str, password: &str) -> Settings {
    with(|s| s.credentials = Some(Credentials::new(username, password)))
}

#[test]
fn strings_that_mean_something() {
    let discovering = |hosts: &[(&str, u16)]| {
        let hosts = hosts.iter().map(|&(host, port)| Endpoint::new(host, port)).collect();
        Settings { hosts, discover: true, ..Settings::default() }
    };
    let millis = |n| Some(Duration::from_millis(n));
    let grid = [
        ("esdb://host", single("host", 2113)),
        ("kurrentdb://host", single("host", 2113)),
        ("kurrent://host", single("host", 2113)),
        ("kdb://host", single("host", 2113)),
        ("ESDB://host", single("host", 2113)),
        ("esdb+discover://host", discovering(&[("host", 2113)])),
        ("kurrentdb+discover://host", discovering(&[("host", 2113)])),
        ("kurrent+discover://host", discovering(&[("host", 2113)])),
        ("kdb+Discover://host", discovering(&[("host", 2113)])),
        ("esdb://host/", single("host", 2113)),
        ("esdb://host?", single("host", 2113)),
        ("esdb://host/?", single("host", 2113)),
        ("esdb://eventstore_db-1.example.org:65535", single("eventstore_db-1.example.org", 65535)),
        ("esdb://10.0.0.7:1", single("10.0.0.7", 1)),
        ("esdb://[::1]", single("::1", 2113)),
        ("esdb://[fe80::7]:2114", single("fe80::7", 2114)),
        ("esdb://a,b:1,[::1]:2", discovering(&[("a", 2113), ("b", 1), ("::1", 2)])),
        ("esdb://user:pass@host", login("user", "pass")),
        ("esdb://user:@host", login("user", "")),
        ("esdb://us%40er:p%40ss%2F%3f%25@host/", login("us@er", "p@ss/?%")),
        ("esdb://user:p:a@s@host", login("user", "p:a@s")),
        ("esdb://user:%D7%A9@host", login("user", "ש")),
        ("esdb://host?tls=false", with(|s| s.tls = false)),
        ("esdb://host?TLS=True", single("host", 2113)),
        ("esdb://host?tlsVerifyCert=false", with(|s| s.tls_verify_cert = false)),
        ("esdb://host?tlsCAFile=/etc/ca%20file.pem", with(|s| s.tls_ca_file = Some("/etc/ca file.pem".into()))),
        (
            "esdb://host?userCertFile=c.pem&userKeyFile=k.pem",
            with(|s| s.user_certificate = Some(UserCertificate { cert_file: "c.pem".into(), key_file: "k.pem".into() })),
        ),
        ("esdb://host?nodePreference=leader", single("host", 2113)),
        ("esdb://host?NODEPREFERENCE=Follower", with(|s| s.node_preference = NodePreference::Follower)),
        ("esdb://host?nodePreference=random", with(|s| s.node_preference = NodePreference::Random)),
        ("esdb://host?nodePreference=readOnlyReplica", with(|s| s.node_preference = NodePreference::ReadOnlyReplica)),
        ("esdb://host?maxDiscoverAttempts=3", with(|s| s.max_discover_attempts = 3)),
        ("esdb://host?discoveryInterval=250", with(|s| s.discovery_interval = Duration::from_millis(250))),
        ("esdb://host?gossipTimeout=2", with(|s| s.gossip_timeout = Duration::from_secs(2))),
        (
            "esdb://host?keepAliveInterval=20000&keepAliveTimeout=7",
            with(|s| (s.keep_alive_interval, s.keep_alive_timeout) = (millis(20000), millis(7))),
        ),
        ("esdb://host?keepAliveInterval=-1&keepAliveTimeout=-1", with(|s| (s.keep_alive_interval, s.keep_alive_timeout) = (None, None))),
        ("esdb://host?defaultDeadline=100000", with(|s| s.default_deadline = millis(100_000))),
        ("esdb://host?defaultDeadline=-1", with(|s| s.default_deadline = None)),
        ("esdb://host?connectionName=invoice%20reader@2", with(|s| s.connection_name = Some("invoice reader@2".into()))),
        ("esdb://host?throwOnAppendFailure=false&tls=true", single("host", 2113)),
        ("esdb://host?&tls=false&", with(|s| s.tls = false)),
    ];
    for (string, settings) in grid {
        assert_eq!(string.parse::<Settings>().as_ref(), Ok(&settings), "{string}");
    }
}

#[test]
fn strings_that_are_refused() {
    let milliseconds = "neither a positive number of milliseconds nor -1";
    let grid = [
        ("", "scheme: missing; it begins with `esdb://` or `kurrentdb://`"),
        ("localhost:2113", "scheme: missing; it begins with `esdb://` or `kurrentdb://`"),
        ("http://host", "scheme: not one of esdb, kurrentdb, kurrent, kdb, with or without `+discover`"),
        ("esdb+gossip://host", "scheme: not one of esdb, kurrentdb, kurrent, kdb, with or without `+discover`"),
        ("esdb://", "host 1: empty"),
        ("esdb://user:pass@", "host 1: empty"),
        ("esdb://a,,b", "host 2: empty"),
        ("esdb://a,:2113", "host 2: empty"),
        ("esdb://a b", "host 1: neither a name nor an address"),
        ("esdb://a:", "host 1: the port is not between 1 and 65535"),
        ("esdb://a:0", "host 1: the port is not between 1 and 65535"),
        ("esdb://a,b:65536", "host 2: the port is not between 1 and 65535"),
        ("esdb://a:+1", "host 1: the port is not a number"),
        ("esdb://::1", "host 1: an IPv6 address is written in brackets"),
        ("esdb://[::1", "host 1: `[` without `]`"),
        ("esdb://[::g]", "host 1: not an IPv6 address in the brackets"),
        ("esdb://[::1]2113", "host 1: only `:port` may follow the brackets"),
        ("esdb://host/path", "path: a connection string has none"),
        ("esdb://user:sec/ret@host", "credentials: `/` has to be written as `%2F`"),
        ("esdb://user@host", "credentials: no password; write `user:password@`"),
        ("esdb://:pass@host", "user name: empty"),
        ("esdb://us%3Aer:pass@host", "user name: basic authentication cannot carry a `:`"),
        ("esdb://us%4:pass@host", "user name: `%` is not followed by two hexadecimal digits"),
        ("esdb://user:pass%zz@host", "password: `%` is not followed by two hexadecimal digits"),
        ("esdb://user:pass%@host", "password: `%` is not followed by two hexadecimal digits"),
        ("esdb://user:%ff@host", "password: not UTF-8 once percent-decoded"),
        ("esdb://host?tls", "option 1: not of the form `key=value`"),
        ("esdb://host?tls=true&=1", "option 2: its key is not a word"),
        ("esdb://host?tls=yes", "option `tls`: neither true nor false"),
        ("esdb://host?tls=true&TLS=true", "option `TLS`: given twice"),
        ("esdb://host?keepAlive=1", "option `keepAlive`: unknown"),
        ("esdb://host?tlsVerifyCert=0", "option `tlsVerifyCert`: neither true nor false"),
        ("esdb://host?tlsCAFile=", "option `tlsCAFile`: empty"),
        ("esdb://host?userCertFile=c.pem", "option `userCertFile`: needs `userKeyFile`"),
        ("esdb://host?userKeyFile=k.pem", "option `userKeyFile`: needs `userCertFile`"),
        ("esdb://host?nodePreference=master", "option `nodePreference`: not one of leader, follower, random, readOnlyReplica"),
        ("esdb://host?maxDiscoverAttempts=0", "option `maxDiscoverAttempts`: not a positive number"),
        ("esdb://host?discoveryInterval=-1", "option `discoveryInterval`: not a positive number of milliseconds"),
        ("esdb://host?gossipTimeout=3000", "option `gossipTimeout`: not a number of seconds between 1 and 300"),
        ("esdb://host?gossipTimeout=0", "option `gossipTimeout`: not a number of seconds between 1 and 300"),
        ("esdb://host?keepAliveInterval=-33", &format!("option `keepAliveInterval`: {milliseconds}")),
        ("esdb://host?keepAliveTimeout=soon", &format!("option `keepAliveTimeout`: {milliseconds}")),
        ("esdb://host?defaultDeadline=0", &format!("option `defaultDeadline`: {milliseconds}")),
        ("esdb://host?defaultDeadline=99999999999", &format!("option `defaultDeadline`: {milliseconds}")),
        ("esdb://host?connectionName=%0a", "option `connectionName`: not plain ASCII"),
        ("esdb://host?throwOnAppendFailure=maybe", "option `throwOnAppendFailure`: neither true nor false"),
        ("esdb://host?connectionName=%e", "option `connectionName`: `%` is not followed by two hexadecimal digits"),
    ];
    for (string, message) in grid {
        let error = string.parse::<Settings>().expect_err(string);
        assert_eq!(error.to_string(), format!("connection string: {message}"), "{string}");
    }
}

#[test]
fn a_password_is_never_shown() {
    let settings: Settings = "esdb://user:secret@a,b:1?tls=false".parse().unwrap();
    assert_eq!(settings.to_string(), "esdb+discover://user:***@a:2113,b:1?tls=false&nodePreference=leader");
    assert_eq!(format!("{settings:?}"), format!("Settings({settings})"));
    assert_eq!(format!("{:?}", settings.credentials), "Some(Credentials(user:***))");
}

#[test]
fn not_even_by_an_error_about_a_string_that_forgot_to_encode_it() {
    let strings = [
        "esdb://user:sec/ret@host",
        "esdb://user:sec?ret@host",
        "esdb://user:sec?ret=@host",
        "esdb://user:99?sec-ret=1@host",
        "esdb://user:99?sec&ret@host",
        "esdb://user:99?s@ec=ret@host",
        "esdb://user:%sec%ret@host",
        "esdb://user:sec,ret:x",
        "user:secret@host",
        "esdb:user:secret@host",
    ];
    for string in strings {
        let message = string.parse::<Settings>().expect_err(string).to_string();
        assert!(!message.contains("sec") && !message.contains("ret@"), "{string}: {message}");
    }
}
