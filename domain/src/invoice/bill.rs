//! From a bill that was rated to the lines of a document: the one place that says what kind of income each charge is.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{DocumentError, DocumentLine, Revenue, VatTreatment};
use crate::{
    Code, Service, VatCategory,
    ids::{AgreementId, ServicePointId},
    rating::{Bill, Charge, Line},
};

/// One service at one place, and the whole reckoning of what it costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BilledSupply {
    pub agreement_id: AgreementId,
    pub service_point_id: ServicePointId,
    pub service: Service,
    pub bill: Bill,
}

/// The law's codes for why something is not taxed at the standard rate. Tariffs know the category; the code is the company's tax adviser's.
pub type VatReasons = BTreeMap<VatCategory, Code>;

/// The surcharge that is a service of its own, by the code that tariffs give it.
const SEWER: &str = "sewer";

/// A line for each of the bill's, in its order.
pub fn lines_of(supply: &BilledSupply, reasons: &VatReasons) -> Result<Vec<DocumentLine>, DocumentError> {
    supply.bill.lines.iter().map(|line| document_line(supply, line, reasons)).collect()
}

fn document_line(supply: &BilledSupply, line: &Line, reasons: &VatReasons) -> Result<DocumentLine, DocumentError> {
    let tariff_vat = supply.bill.part(line).vat;
    let reason = match tariff_vat.category {
        VatCategory::S => None,
        category @ (VatCategory::Z | VatCategory::E | VatCategory::O) => {
            Some(reasons.get(&category).cloned().ok_or(DocumentError::VatReasonMissing(category))?)
        }
    };
    Ok(DocumentLine {
        code: Code::new(line.charge.code()).expect("what charges are called is a code, or was read as one"),
        text: None,
        revenue: revenue(supply.service, &line.charge),
        quantity: line.quantity,
        unit: line.unit.into(),
        price: line.price,
        net: line.amount,
        vat: VatTreatment { category: tariff_vat.category, rate: tariff_vat.rate, reason },
        credits: None,
    })
}

/// A minimum and what is taken off are of the service itself, as lines of their own; what is charged for being connected is a fixed fee.
fn revenue(service: Service, charge: &Charge) -> Revenue {
    let supply = match service {
        Service::Electricity => Revenue::Energy,
        Service::Water => Revenue::Water,
    };
    match charge {
        Charge::Usage(_) | Charge::MinimumTopUp { .. } | Charge::Reduction { .. } => supply,
        Charge::BracketFee { .. } | Charge::ZeroUsageFee | Charge::Fixed { .. } => Revenue::FixedFee,
        Charge::Surcharge { code } if code.as_str() == SEWER => Revenue::Sewer,
        Charge::Surcharge { .. } => supply,
    }
}
