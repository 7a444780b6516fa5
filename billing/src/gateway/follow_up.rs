//! Payments that nothing was heard of, and refunds that were asked for: looked after until each has come to its end.

use std::{ops::Add, time::Duration};

use chrono::{DateTime, Utc};
use daftar_domain::{ids::PaymentId, payment::SECOND_THOUGHTS};
use daftar_projections::payments as read;
use futures::{StreamExt, stream};
use sqlx::PgPool;

use super::{Payments, Source};

/// Payments that are looked after at one time.
const AT_ONCE: usize = 16;

const PAGE: u32 = 1_000;

/// Between two rounds.
const PAUSE: Duration = Duration::from_secs(15);

/// What a round came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Round {
    pub looked_after: u64,
    /// What was out of reach, and is left to the next round.
    pub put_off: u64,
}

impl Add for Round {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { looked_after: self.looked_after + other.looked_after, put_off: self.put_off + other.put_off }
    }
}

impl Payments {
    /// Round after round, for ever.
    pub async fn look_after(&self, read_models: &PgPool) {
        loop {
            match self.follow_up(read_models, self.engine.now()).await {
                Ok(Round { looked_after: 0, .. }) => {}
                Ok(round) => tracing::info!(?round, "payments at gateways were looked after"),
                Err(error) => tracing::warn!(error, "payments at gateways cannot be looked after; trying again"),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One round: asks about those whose time has come, and for the refunds that are open.
    pub async fn follow_up(&self, read_models: &PgPool, now: DateTime<Utc>) -> Result<Round, Source> {
        let (mut round, mut after) = (Round::default(), None);
        loop {
            let page = read::in_doubt(read_models, after, PAGE).await?;
            let Some(last) = page.last().copied() else { return Ok(round) };
            self.each(page, &mut round, async |payment_id| {
                let payment = self.look(payment_id).await?;
                if payment.ask_at().is_some_and(|ask_at| ask_at <= now) {
                    self.ask(payment_id, now).await?;
                }
                self.refund(payment_id, now).await
            })
            .await;
            after = Some(last);
        }
    }

    /// Asks once more about what was given up not long ago: a success is honoured whenever it comes.
    pub async fn ask_again(&self, read_models: &PgPool, now: DateTime<Utc>) -> Result<Round, Source> {
        let (mut round, mut after) = (Round::default(), None);
        loop {
            let page = read::given_up_since(read_models, now - SECOND_THOUGHTS, after, PAGE).await?;
            let Some(last) = page.last().copied() else { return Ok(round) };
            self.each(page, &mut round, async |payment_id| self.ask(payment_id, now).await).await;
            after = Some(last);
        }
    }

    /// One that fails does not keep the others from being looked after.
    async fn each(&self, payments: Vec<PaymentId>, round: &mut Round, look_after: impl AsyncFn(PaymentId) -> Result<(), Source>) {
        let mut looked_after = stream::iter(payments)
            .map(|payment_id| {
                let done = look_after(payment_id);
                async move { (payment_id, done.await) }
            })
            .buffer_unordered(AT_ONCE);
        while let Some((payment_id, done)) = looked_after.next().await {
            round.looked_after += 1;
            if let Err(error) = done {
                round.put_off += 1;
                tracing::warn!(%payment_id, error, "a payment at a gateway cannot be looked after; trying again");
            }
        }
    }
}
