//! The domain's words as the schema has them.

use async_graphql::Enum;
use daftar_domain::{account, invoice, meter, read_cycle};

macro_rules! enums {
    ($($(#[doc = $doc:literal])+ $name:ident $(as $graphql:literal)? = $remote:literal { $($(#[doc = $words:literal])+ $variant:ident)+ })+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        #[graphql(remote = $remote $(, name = $graphql)?)]
        pub enum $name { $($(#[doc = $words])+ $variant),+ }
    )+};
}

enums! {
    /// The class of a customer decides which tariffs apply.
    CustomerClass = "account::CustomerClass" {
        /// Homes.
        Residential
        /// Shops and offices.
        Commercial
        /// Factories.
        Industrial
        /// The state and its institutions.
        Government
        /// Farms.
        Agricultural
    }
    /// A language that documents and messages are written in.
    DocumentLanguage as "Language" = "account::Language" {
        /// العربية
        Arabic
        /// English.
        English
    }
    /// By what somebody can be reached.
    ContactKind = "account::ContactKind" {
        /// A mobile number, which takes messages.
        Mobile
        /// A number that only rings.
        Phone
        /// An e-mail address.
        Email
        /// A number on WhatsApp.
        WhatsApp
    }
    /// What an address is for.
    AddressKind = "account::AddressKind" {
        /// Where bills go.
        Billing
        /// Where service is supplied.
        Service
        /// Where letters go.
        Mail
    }
    /// How a supply is taxed, by the letters of EN 16931.
    VatCategory = "daftar_domain::VatCategory" {
        /// Standard rate.
        S
        /// Zero rate.
        Z
        /// Exempt.
        E
        /// Outside the tax's scope.
        O
    }
    /// What is supplied and measured.
    Service = "daftar_domain::Service" {
        /// Electricity, in kilowatt-hours.
        Electricity
        /// Water, in cubic metres.
        Water
    }
    /// How often a cycle is read.
    Interval = "read_cycle::Interval" {
        /// Each month.
        Monthly
        /// Each second month.
        EverySecondMonth
        /// Each third month.
        Quarterly
    }
    /// What kind of device a meter is.
    MeterKind = "meter::MeterKind" {
        /// Read by people.
        Traditional
        /// Reads itself.
        Smart
        /// Paid for before it supplies.
        Prepaid
    }
    /// Which way a register counts.
    Direction = "meter::Direction" {
        /// What the customer takes.
        Import
        /// What the customer gives.
        Export
    }
    /// What a meter's register counts.
    RegisterUnit = "meter::Unit" {
        /// Active energy.
        KilowattHour
        /// Reactive energy.
        KilovarHour
        /// Water.
        CubicMetre
    }
    /// Who or what read a meter, or why.
    ReadingKind = "meter::ReadingKind" {
        /// Read by a person of ours.
        Manual
        /// Read by the meter itself.
        Smart
        /// Read by the customer.
        Customer
        /// Reckoned, not read.
        Estimated
        /// At moving out, exchange or removal.
        Final
        /// At moving in or installation.
        Initial
        /// On a day that matters to a tariff.
        Special
    }
    /// What money comes and goes by.
    Tender = "account::Tender" {
        /// Notes and coins.
        Cash
        /// A cheque: until it clears it is only in hand.
        Cheque
        /// A bank transfer.
        Transfer
        /// A card at a till.
        Pos
        /// A card through a gateway.
        Card
        /// A wallet through a gateway.
        Wallet
    }
    /// Why a payment was none.
    ReversalCause = "account::ReversalCause" {
        /// The cheque or the direct debit was returned.
        Bounced
        /// The customer's bank took it back.
        Chargeback
        /// It was recorded by mistake.
        Mistake
    }
    /// What becomes of the part of a credit that was paid already.
    Surplus = "invoice::Surplus" {
        /// It stays on the account, for the next invoice.
        AccountCredit
        /// It waits for its refund.
        Refund
    }
    /// Which items are paid first when nobody says.
    AllocationPolicy = "account::AllocationPolicy" {
        /// What was due first.
        OldestDue
        /// By what they are for: costs before fees before supply. Then the oldest.
        Priority
        /// All of them, each in proportion to what is open.
        ProRata
    }
    /// What kind of income a line of a document is.
    Revenue = "invoice::Revenue" {
        /// Electricity.
        Energy
        /// Water.
        Water
        /// Sewage.
        Sewer
        /// A fixed charge.
        FixedFee
        /// A new connection.
        ConnectionFee
        /// A reconnection.
        ReconnectFee
        /// Late payment.
        LateFee
        /// A payment that bounced.
        BouncedPaymentFee
        /// Labour of a repair.
        RepairLabour
        /// Parts of a repair.
        Parts
    }
    /// What a line's quantity counts.
    LineUnit = "invoice::Unit" {
        /// Kilowatt-hours.
        Kwh
        /// Cubic metres.
        M3
        /// Billing periods.
        Period
        /// Units of currency, for a percentage of a charge.
        Currency
        /// Pieces.
        Piece
        /// Hours.
        Hour
    }
    /// How much a tax document says of its buyer.
    TaxForm = "invoice::TaxForm" {
        /// For a buyer who deducts the tax, and so is named in full.
        Standard
        /// For everybody else.
        Simplified
    }
}
