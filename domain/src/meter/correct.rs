//! What a person does to a reading afterwards: release it from its hold, or take it back. And which bills stand on it.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Advance, Event, Meter, Neighbours, Reading, Rejection, RolloverRule, TrueUpRules, readings::ReadingState, record::advance};
use crate::{
    Actor, Decider, Reason,
    ids::{InvoiceId, ReadingId},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReleaseReading {
    pub reading_id: ReadingId,
    pub resolution: Resolution,
    pub released_by: Actor,
    pub reason: Reason,
    pub true_up: TrueUpRules,
}

/// What the person who looked at a held reading says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Resolution {
    /// Right as it is.
    AsRead,
    /// The dial passed its end, although no rule says so.
    AsRollover,
    /// The register was set to a figure, mostly zero, since the reading before: what was used is counted from there.
    AsReset { to: Decimal },
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReverseReading {
    pub reading_id: ReadingId,
    pub reason: Reason,
    /// The bills that stand on it and are cancelled with it.
    pub cancels_bills: Vec<InvoiceId>,
    pub rollover: RolloverRule,
}

/// Asked before the invoice is issued: from then on the readings are not taken back without it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteReadingsBilled {
    pub invoice_id: InvoiceId,
    pub reading_ids: Vec<ReadingId>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NoteBillCancelled {
    pub invoice_id: InvoiceId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingReleased {
    pub reading_id: ReadingId,
    pub resolution: Resolution,
    pub released_by: Actor,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingReversed {
    pub reading_id: ReadingId,
    pub reason: Reason,
    pub cancels_bills: Vec<InvoiceId>,
    /// Estimates that had given way to it and count again.
    pub restored: Vec<ReadingId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingsBilled {
    pub invoice_id: InvoiceId,
    pub reading_ids: Vec<ReadingId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadingsUnbilled {
    pub invoice_id: InvoiceId,
}

impl Meter {
    /// The invoices that stand on a reading.
    pub fn bills_on(&self, reading_id: ReadingId) -> impl Iterator<Item = InvoiceId> {
        self.readings.get(reading_id).into_iter().flat_map(|kept| kept.bills.iter().copied())
    }

    /// A reading as it was taken, whether it counts or not.
    pub fn reading(&self, reading_id: ReadingId) -> Option<&Reading> {
        self.readings.get(reading_id).map(|kept| &kept.reading)
    }

    pub(super) fn release(&self, wish: ReleaseReading) -> Result<Vec<Event>, Rejection> {
        let ReleaseReading { reading_id, resolution, released_by, reason, true_up } = wish;
        let kept = self.readings.get(reading_id).ok_or(Rejection::NoSuchReading(reading_id))?;
        match kept.state {
            ReadingState::Held => {}
            ReadingState::Released => return Ok(vec![]),
            ReadingState::Standing | ReadingState::Reversed => return Err(Rejection::NotHeld(reading_id)),
        }
        if !released_by.as_str().starts_with("user:") {
            return Err(Rejection::OnlyAPersonReleases);
        }
        let reading = &kept.reading;
        let register = self.register_of(&reading.register)?;
        if reading.value >= register.capacity() {
            return Err(Rejection::NotAFigureOfTheDial(reading.value));
        }
        let installation = self.installation_on(reading.taken_on).ok_or(Rejection::NotInstalledThen(reading.taken_on))?;
        // Judged anew: what was in its way may have been reversed since, and something else may have come.
        let last = self.neighbours(installation, reading).next_actual.is_none();
        let advance = advance(register, reading, self.bounds(installation, reading), RolloverRule::default(), None);
        let negative = matches!(advance, Some(Advance::Backward { .. }));
        let below = negative || matches!(advance, Some(Advance::RolledOver(_)));
        match resolution {
            Resolution::AsRead if negative => return Err(Rejection::StillNegative(reading_id)),
            Resolution::AsRollover if !below => return Err(Rejection::NotARollover(reading_id)),
            Resolution::AsRollover if negative && !last => return Err(Rejection::StillNegative(reading_id)),
            Resolution::AsReset { .. } if !below => return Err(Rejection::NotAReset(reading_id)),
            Resolution::AsReset { to } if !register.could_show(to) => return Err(Rejection::NotAFigureOfTheDial(to)),
            Resolution::AsReset { to } if reading.value < to || !last => return Err(Rejection::StillNegative(reading_id)),
            Resolution::AsRead | Resolution::AsRollover | Resolution::AsReset { .. } => {}
        }
        let released = Event::from(ReadingReleased { reading_id, resolution, released_by, reason });
        // What estimates got wrong shows once it is known from where the reading counts.
        let settled = self.clone().evolve(&released).true_up(installation, reading, true_up);
        Ok([released].into_iter().chain(settled).collect())
    }

    pub(super) fn reverse(&self, wish: ReverseReading) -> Result<Vec<Event>, Rejection> {
        let ReverseReading { reading_id, reason, cancels_bills, rollover } = wish;
        let kept = self.readings.get(reading_id).ok_or(Rejection::NoSuchReading(reading_id))?;
        if kept.state == ReadingState::Reversed {
            return Ok(vec![]);
        }
        if let Some(bill) = kept.bills.iter().find(|bill| !cancels_bills.contains(bill)) {
            return Err(Rejection::Billed(*bill));
        }
        let reading = &kept.reading;
        let installation = self.installation_on(reading.taken_on);
        let counts = kept.state != ReadingState::Held && reading.is_actual();
        if let Some(installation) = installation.filter(|_| counts) {
            // The next figures were believed because of this one. Alone with the one before, they must be believable still.
            let Neighbours { previous_actual, next_actual } = self.neighbours(installation, reading);
            if let Some(previous) = previous_actual {
                let register = self.register_of(&reading.register)?;
                let next = self.standing_in(installation, &reading.register).find(|other| reading.taken_at < other.taken_at);
                let mut believed = next.into_iter().chain(next_actual).filter(|next| self.readings.reset_to(next).is_none());
                let backward =
                    |next: &&Reading| matches!(rollover.judge(register, previous.value, next.value, None), Advance::Backward { .. });
                if let Some(next) = believed.find(backward) {
                    return Err(Rejection::NextReadingDependsOnIt(next.reading_id));
                }
            }
        }
        let restored = self.readings.superseded_by(reading_id).filter(|(estimate, since)| {
            // Only onto the same ground: nothing at or after it that was reckoned without it, and the same actual reading before.
            let others = || self.readings.standing(&reading.register).filter(|other| other.reading_id != reading_id);
            let before = others().rev().find(|other| other.is_actual() && other.taken_at < estimate.taken_at);
            let after = others().any(|other| estimate.taken_at <= other.taken_at);
            !after && before.is_some_and(|before| before.reading_id == *since)
        });
        let restored = restored.map(|(estimate, _)| estimate.reading_id).collect();
        let reversed = Event::from(ReadingReversed { reading_id, reason, cancels_bills, restored });
        if let Some(installation) = installation.filter(|_| counts) {
            // Estimates reckoned from it may be more than one turn of the dial away from the actual reading before it.
            let after = self.clone().evolve(&reversed);
            let anchors = after.anchors_in(installation, &reading.register);
            let backward = anchors.windows(2).find(|pair| !pair[1].actual && pair[1].total < pair[0].total);
            if let Some(pair) = backward {
                return Err(Rejection::NextReadingDependsOnIt(pair[1].reading_id));
            }
        }
        Ok(vec![reversed])
    }

    pub(super) fn note_billed(&self, wish: NoteReadingsBilled) -> Result<Vec<Event>, Rejection> {
        let NoteReadingsBilled { invoice_id, reading_ids } = wish;
        let billed = |id: &ReadingId| self.readings.get(*id).is_some_and(|kept| kept.bills.contains(&invoice_id));
        if reading_ids.iter().all(billed) {
            return Ok(vec![]);
        }
        for reading_id in &reading_ids {
            let kept = self.readings.get(*reading_id).ok_or(Rejection::NoSuchReading(*reading_id))?;
            match kept.state {
                ReadingState::Standing | ReadingState::Released if kept.superseded.is_none() => {}
                ReadingState::Standing | ReadingState::Released | ReadingState::Held | ReadingState::Reversed => {
                    return Err(Rejection::DoesNotCount(*reading_id));
                }
            }
        }
        // A bill on what was estimated and one on what was read would charge some of it twice.
        let wrong = self.readings.bills_to_cancel();
        if !wrong.is_empty() {
            return Err(Rejection::RebillFirst(wrong.into_iter().collect()));
        }
        Ok(vec![ReadingsBilled { invoice_id, reading_ids }.into()])
    }

    pub(super) fn note_bill_cancelled(&self, wish: NoteBillCancelled) -> Result<Vec<Event>, Rejection> {
        let NoteBillCancelled { invoice_id } = wish;
        let any = self.readings.billed_by(invoice_id).next().is_some();
        Ok(any.then_some(ReadingsUnbilled { invoice_id }.into()).into_iter().collect())
    }
}
