//! The chart of accounts: what the books distinguish, by number and by name in both languages.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::account::Language;

macro_rules! chart {
    ($($(#[$doc:meta])* $name:ident $number:literal $kind:ident $english:literal $arabic:literal)+) => {
        /// An account of the books, not to be taken for a customer's.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum LedgerAccount { $($(#[$doc])* $name),+ }

        impl LedgerAccount {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// Stable: exports and auditors know accounts by it.
            pub const fn number(self) -> u16 {
                match self { $(Self::$name => $number),+ }
            }

            pub const fn kind(self) -> Kind {
                match self { $(Self::$name => Kind::$kind),+ }
            }

            pub const fn name(self, language: Language) -> &'static str {
                match (self, language) {
                    $((Self::$name, Language::English) => $english, (Self::$name, Language::Arabic) => $arabic,)+
                }
            }
        }
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Asset,
    Liability,
    Equity,
    Income,
    Expense,
}

chart! {
    CashOnHand 1010 Asset "Cash on hand" "النقدية بالصندوق"
    Bank 1020 Asset "Bank" "البنك"
    /// Taken by a gateway or a terminal, and not yet settled to the bank.
    GatewayClearing 1030 Asset "Gateway clearing" "مقاصة بوابات الدفع"
    ChequesInHand 1040 Asset "Cheques in hand" "شيكات تحت التحصيل"
    /// What is open on all accounts: each account is a sub-ledger of it.
    Receivable 1100 Asset "Accounts receivable" "ذمم المشتركين"
    ReceivableInstalments 1105 Asset "Receivable under instalment plans" "ذمم مقسطة"
    ReceivableRepair 1110 Asset "Receivable for repairs" "ذمم الصيانة"
    /// Documents that are issued and have yet to reach their account. Empty whenever nothing is under way.
    IssuedNotCharged 1115 Asset "Issued, not yet charged" "فواتير صادرة لم تقيد بعد"
    SubsidyReceivable 1120 Asset "Subsidy receivable" "دعم مستحق"
    DoubtfulDebts 1190 Asset "Allowance for doubtful debts" "مخصص الديون المشكوك فيها"
    SpareParts 1200 Asset "Spare parts" "مخزون قطع الغيار"
    /// For parts that came and are not paid yet.
    Suppliers 2000 Liability "Suppliers" "الموردون"
    VatPayable 2100 Liability "VAT payable" "ضريبة القيمة المضافة المستحقة"
    VatRecoverable 2110 Asset "VAT recoverable" "ضريبة القيمة المضافة القابلة للاسترداد"
    Deposits 2200 Liability "Customer deposits" "تأمينات المشتركين"
    /// What customers have paid or were credited, and has paid nothing yet.
    Unapplied 2210 Liability "Customer advances" "دفعات مقدمة من المشتركين"
    UnearnedPrepaid 2220 Liability "Unearned prepaid" "مبيعات مسبقة الدفع غير مكتسبة"
    CompensationPayable 2300 Liability "Compensation payable" "تعويضات مستحقة"
    OpeningEquity 3900 Equity "Opening-balance equity" "أرصدة افتتاحية"
    EnergyRevenue 4100 Income "Energy revenue" "إيراد الطاقة"
    WaterRevenue 4110 Income "Water revenue" "إيراد المياه"
    SewerRevenue 4120 Income "Sewer revenue" "إيراد الصرف الصحي"
    FixedFees 4130 Income "Fixed and meter fees" "رسوم ثابتة ورسوم العداد"
    ConnectionFees 4200 Income "Connection fees" "رسوم التوصيل"
    ReconnectFees 4210 Income "Reconnect fees" "رسوم إعادة الخدمة"
    LateFees 4220 Income "Late fees" "رسوم التأخير"
    BouncedPaymentFees 4230 Income "Bounced-payment fees" "رسوم الدفعات المرتجعة"
    RepairLabour 4300 Income "Repair labour" "أجور الصيانة"
    PartsSales 4310 Income "Parts sales" "مبيعات قطع الغيار"
    RecoveredDebts 4900 Income "Recovered bad debts" "ديون معدومة محصلة"
    BadDebts 5100 Expense "Bad debts" "ديون معدومة"
    PartsCost 5200 Expense "Cost of parts" "تكلفة قطع الغيار"
    WarrantyCost 5210 Expense "Warranty cost" "تكلفة الضمان"
    GatewayCommission 5300 Expense "Gateway commission" "عمولات بوابات الدفع"
    Compensation 5400 Expense "Compensation" "تعويضات"
    Rounding 5900 Expense "Rounding differences" "فروق التقريب"
    CashOverShort 5910 Expense "Cash over and short" "عجز وزيادة الصندوق"
}

impl LedgerAccount {
    pub fn of_number(number: u16) -> Option<Self> {
        Self::ALL.iter().copied().find(|account| account.number() == number)
    }
}

impl Serialize for LedgerAccount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.number())
    }
}

impl<'de> Deserialize<'de> for LedgerAccount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u16::deserialize(deserializer)?;
        Self::of_number(number).ok_or_else(|| serde::de::Error::custom(format!("the chart has no account {number}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_and_begin_with_their_kind() {
        for (before, after) in LedgerAccount::ALL.iter().zip(&LedgerAccount::ALL[1..]) {
            assert!(before.number() < after.number(), "{before:?} {after:?}");
        }
        for account in LedgerAccount::ALL {
            let kind = match account.number() / 1_000 {
                1 => Kind::Asset,
                2 if *account == LedgerAccount::VatRecoverable => Kind::Asset,
                2 => Kind::Liability,
                3 => Kind::Equity,
                4 => Kind::Income,
                _ => Kind::Expense,
            };
            assert_eq!(account.kind(), kind, "{account:?}");
        }
    }

    #[test]
    fn an_account_is_written_as_its_number() {
        assert_eq!(serde_json::to_string(&LedgerAccount::Receivable).unwrap(), "1100");
        for account in LedgerAccount::ALL {
            assert_eq!(serde_json::from_str::<LedgerAccount>(&account.number().to_string()).unwrap(), *account);
        }
        assert!(serde_json::from_str::<LedgerAccount>("1101").is_err());
        assert_eq!(LedgerAccount::Bank.name(Language::English), "Bank");
        assert_eq!(LedgerAccount::Bank.name(Language::Arabic), "البنك");
    }
}
