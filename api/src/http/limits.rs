//! How much of one caller at a time: so many requests a second, and some more at once.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use daftar_domain::ids::UserId;

/// Callers remembered; more than that at once are forgiven what they did.
const REMEMBERED: usize = 50_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub per_second: u32,
    /// That may come at once after a pause.
    pub burst: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    User(UserId),
    Network(IpAddr),
}

/// What one person may be given is a whole network in IPv6, and one address in IPv4.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address => address,
    }
}

/// When each caller will have paid for their requests, if every one costs a fixed time (the generic cell rate algorithm).
#[derive(Debug, Default)]
pub struct Debts(Mutex<HashMap<Who, Instant>>);

impl Debts {
    /// Takes one request on, or says how many seconds too early it comes.
    pub fn add(&self, who: Who, rate: Rate, now: Instant) -> Result<(), u64> {
        let cost = Duration::from_secs(1) / rate.per_second.max(1);
        let mut debts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let paid = debts.get(&who).copied().unwrap_or(now).max(now) + cost;
        if let Some(early) = (paid - now).checked_sub(cost * rate.burst.max(1)).filter(|early| !early.is_zero()) {
            return Err(early.as_secs() + 1);
        }
        if debts.len() >= REMEMBERED && !debts.contains_key(&who) {
            debts.retain(|_, paid| *paid > now);
            if debts.len() >= REMEMBERED {
                debts.clear();
            }
        }
        debts.insert(who, paid);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 2, burst: 3 };

    #[test]
    fn some_come_at_once_and_then_so_many_a_second() {
        let (debts, now) = (Debts::default(), Instant::now());
        let at = |millis: u64, who: u8| debts.add(Who::Network(IpAddr::from([10, 0, 0, who])), RATE, now + Duration::from_millis(millis));
        assert_eq!([at(0, 1), at(0, 1), at(0, 1), at(0, 1)], [Ok(()), Ok(()), Ok(()), Err(1)]);
        assert_eq!(at(0, 2), Ok(()), "somebody else");
        assert_eq!([at(499, 1), at(500, 1), at(500, 1)], [Err(1), Ok(()), Err(1)]);
        assert_eq!((0..9).filter(|_| at(10_000, 1).is_ok()).count(), 3);
    }

    #[test]
    fn one_network_is_one_caller() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2::1"), of("2001:db8:1:2:ffff::9"));
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
        assert_ne!(of("10.0.0.1"), of("10.0.0.2"));
    }
}
