//! How long to wait before trying again.

use std::time::Duration;

/// Pauses that double up to a ceiling, each cut at random to between half and all of it,
/// so that clients that lost the same server do not return in step.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    next: Duration,
}

const CEILING: Duration = Duration::from_secs(5);

impl Backoff {
    pub(crate) fn new(first: Duration) -> Self {
        let first = first.min(CEILING);
        Backoff { first, next: first }
    }

    pub(crate) fn pause(&mut self) -> Duration {
        let longest = self.next;
        self.next = (longest * 2).min(CEILING);
        longest.mul_f64(rand::random_range(0.5..=1.0))
    }

    /// To be called when something worked.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_ceiling_and_start_over_after_a_success() {
        let mut backoff = Backoff::new(Duration::from_millis(100));
        for longest in [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000].map(Duration::from_millis) {
            let pause = backoff.pause();
            assert!(longest / 2 <= pause && pause <= longest, "{pause:?} for {longest:?}");
        }
        backoff.reset();
        assert!(backoff.pause() <= Duration::from_millis(100));
    }

    #[test]
    fn two_clients_do_not_pause_alike() {
        let pauses = || {
            let mut backoff = Backoff::new(Duration::from_secs(1));
            [backoff.pause(), backoff.pause(), backoff.pause()]
        };
        assert_ne!(pauses(), pauses());
    }

    #[test]
    fn a_first_pause_beyond_the_ceiling_is_the_ceiling() {
        assert!(Backoff::new(Duration::from_secs(3600)).pause() <= CEILING);
    }
}
