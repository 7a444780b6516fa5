//! A reading that a wrong invoice stood on, taken back with the invoice and read anew.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CorrectionOpened, Request};
use crate::{
    ids::{InvoiceId, MeterId, ReadingId},
    meter::{self, Check, Overestimated, Reading, RecordReading, ReverseReading, RolloverRule, Severity, TrueUpRules, ValidationRules},
};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WrongReading {
    pub meter_id: MeterId,
    pub reading_id: ReadingId,
    /// What the dial showed, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<Reading>,
    /// All bills that stand on it: the one that is corrected, and those after it that are corrected because of it.
    pub bills: Vec<InvoiceId>,
}

impl CorrectionOpened {
    /// Asked before the cancellation is approved: what a meter refuses is found out while nothing has been touched.
    pub fn put_readings_right(&self) -> Vec<Request> {
        let requests = self.terms.readings.iter().flat_map(|wrong| {
            let reverse = meter::Command::ReverseReading(ReverseReading {
                reading_id: wrong.reading_id,
                reason: self.terms.reason.clone(),
                cancels_bills: wrong.bills.clone(),
                rollover: RolloverRule::default(),
            });
            let record = wrong.right.clone().map(|reading| meter::Command::RecordReading(believed(reading)));
            let request = |command| Request::Meter { meter_id: wrong.meter_id, command };
            [reverse].into_iter().chain(record).map(request).collect::<Vec<_>>()
        });
        requests.collect()
    }
}

/// A person has looked and says so. Still no reading counts that is below the one before it.
fn believed(reading: Reading) -> RecordReading {
    let received_at: DateTime<Utc> = reading.taken_at;
    let said = [Check::ConsumptionWhileDisconnected, Check::IntervalSum, Check::MultiplierMismatch];
    let severities = said.into_iter().map(|check| (check, Severity::Warn)).collect();
    let validation = ValidationRules { severities, bands: vec![], ..ValidationRules::default() };
    let true_up = TrueUpRules { respread: true, overestimated: Overestimated::Rebill };
    RecordReading { reading, received_at, intervals: None, multiplier_seen: None, validation, true_up }
}
