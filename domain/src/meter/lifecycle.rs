//! Where the meter is in its life: in stock, reserved, at a customer's, off, taken down, on the bench, scrapped.
//!
//! Going up and coming down have a file of their own.

use std::fmt;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Event, Meter, Rejection};
use crate::{Reason, ids::MeterTestId};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReserveMeter {
    /// The application or order that is to get it.
    pub reserved_for: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UnreserveMeter {
    pub reserved_for: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DisconnectMeter {
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReconnectMeter {
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SendToBench {
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RecordTest {
    pub test: MeterTest,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ScrapMeter {
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterReserved {
    pub reserved_for: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterUnreserved {
    pub reserved_for: Uuid,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterDisconnected {
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterReconnected {
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SentToBench {
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterTested {
    pub test: MeterTest,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeterScrapped {
    pub on: NaiveDate,
    pub reason: Reason,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeterTest {
    pub test_id: MeterTestId,
    pub on: NaiveDate,
    /// A meter that passed goes back to stock; one that failed stays on the bench.
    pub passed: bool,
    pub error_percent: Decimal,
    /// The last day on which the new verification is valid.
    pub certified_until: Option<NaiveDate>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    InStock,
    Reserved,
    Installed,
    Disconnected,
    Removed,
    OnBench,
    Scrapped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InStock => "in stock",
            Self::Reserved => "reserved",
            Self::Installed => "installed",
            Self::Disconnected => "disconnected",
            Self::Removed => "removed",
            Self::OnBench => "on the test bench",
            Self::Scrapped => "scrapped",
        })
    }
}

impl Meter {
    pub fn status(&self) -> Result<Status, Rejection> {
        self.device()?;
        Ok(self.status)
    }

    pub(super) fn reserve(&self, wish: ReserveMeter) -> Result<Vec<Event>, Rejection> {
        let ReserveMeter { reserved_for } = wish;
        match self.status()? {
            Status::InStock => Ok(vec![MeterReserved { reserved_for }.into()]),
            Status::Reserved if self.reserved_for == Some(reserved_for) => Ok(vec![]),
            Status::Reserved => Err(Rejection::ReservedForAnother),
            other @ (Status::Installed | Status::Disconnected | Status::Removed | Status::OnBench | Status::Scrapped) => {
                Err(Rejection::NotWhile(other))
            }
        }
    }

    pub(super) fn unreserve(&self, wish: UnreserveMeter) -> Result<Vec<Event>, Rejection> {
        let UnreserveMeter { reserved_for } = wish;
        match self.status()? {
            Status::InStock => Ok(vec![]),
            Status::Reserved if self.reserved_for == Some(reserved_for) => Ok(vec![MeterUnreserved { reserved_for }.into()]),
            Status::Reserved => Err(Rejection::ReservedForAnother),
            other @ (Status::Installed | Status::Disconnected | Status::Removed | Status::OnBench | Status::Scrapped) => {
                Err(Rejection::NotWhile(other))
            }
        }
    }

    pub(super) fn disconnect(&self, wish: DisconnectMeter) -> Result<Vec<Event>, Rejection> {
        let DisconnectMeter { on, reason } = wish;
        match self.status()? {
            Status::Installed => {
                self.not_before(on)?;
                Ok(vec![MeterDisconnected { on, reason }.into()])
            }
            Status::Disconnected => Ok(vec![]),
            other @ (Status::InStock | Status::Reserved | Status::Removed | Status::OnBench | Status::Scrapped) => {
                Err(Rejection::NotWhile(other))
            }
        }
    }

    pub(super) fn reconnect(&self, wish: ReconnectMeter) -> Result<Vec<Event>, Rejection> {
        let ReconnectMeter { on, reason } = wish;
        match self.status()? {
            Status::Disconnected => {
                self.not_before(on)?;
                Ok(vec![MeterReconnected { on, reason }.into()])
            }
            Status::Installed => Ok(vec![]),
            other @ (Status::InStock | Status::Reserved | Status::Removed | Status::OnBench | Status::Scrapped) => {
                Err(Rejection::NotWhile(other))
            }
        }
    }

    pub(super) fn send_to_bench(&self, wish: SendToBench) -> Result<Vec<Event>, Rejection> {
        let SendToBench { on, reason } = wish;
        match self.status()? {
            Status::InStock | Status::Removed => {
                self.not_before(on)?;
                Ok(vec![SentToBench { on, reason }.into()])
            }
            Status::OnBench => Ok(vec![]),
            other @ (Status::Reserved | Status::Installed | Status::Disconnected | Status::Scrapped) => Err(Rejection::NotWhile(other)),
        }
    }

    pub(super) fn record_test(&self, wish: RecordTest) -> Result<Vec<Event>, Rejection> {
        let RecordTest { test } = wish;
        let status = self.status()?;
        match self.tests.iter().find(|known| known.test_id == test.test_id) {
            Some(known) if *known == test => return Ok(vec![]),
            Some(_) => return Err(Rejection::TestIdReused(test.test_id)),
            None => {}
        }
        match status {
            Status::OnBench => {
                self.not_before(test.on)?;
                Ok(vec![MeterTested { test }.into()])
            }
            other
            @ (Status::InStock | Status::Reserved | Status::Installed | Status::Disconnected | Status::Removed | Status::Scrapped) => {
                Err(Rejection::NotWhile(other))
            }
        }
    }

    pub(super) fn scrap(&self, wish: ScrapMeter) -> Result<Vec<Event>, Rejection> {
        let ScrapMeter { on, reason } = wish;
        match self.status()? {
            Status::InStock | Status::Removed | Status::OnBench => {
                self.not_before(on)?;
                Ok(vec![MeterScrapped { on, reason }.into()])
            }
            Status::Scrapped => Ok(vec![]),
            other @ (Status::Reserved | Status::Installed | Status::Disconnected) => Err(Rejection::NotWhile(other)),
        }
    }

    pub(super) fn not_before(&self, on: NaiveDate) -> Result<(), Rejection> {
        match self.since {
            Some(since) if on < since => Err(Rejection::OutOfOrder { since }),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn switched(&mut self, on: NaiveDate, connected: bool) {
        self.move_to(if connected { Status::Installed } else { Status::Disconnected }, on);
        if let Some(installation) = self.installations.last_mut() {
            match installation.disconnections.last_mut() {
                Some(last) if connected => last.1 = Some(on),
                Some(_) | None if connected => {}
                Some(_) | None => installation.disconnections.push((on, None)),
            }
        }
    }

    pub(super) fn tested(&mut self, test: &MeterTest) {
        self.move_to(if test.passed { Status::InStock } else { Status::OnBench }, test.on);
        if test.passed {
            self.certified_until = test.certified_until;
        }
        self.tests.push(test.clone());
    }

    pub(super) fn move_to(&mut self, status: Status, on: NaiveDate) {
        self.status = status;
        self.since = Some(on);
    }
}
