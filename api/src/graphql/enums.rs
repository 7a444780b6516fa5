//! The words that fields take from a fixed list, with what people call them in both languages.

use async_graphql::{Enum, Object, SimpleObject, resolver_utils::EnumType};
use daftar_domain::{
    self as domain, account, application, connection_prices, disconnection, dunning, invoice, ledger, meter, read_cycle, repair,
};
use daftar_projections::{
    accounts, applications, bill_runs, collections, invoices, meters, payments, readings, receivables, repairs, workshop,
};

use super::language;
use crate::language::Language;

/// Answers can have it.
macro_rules! word {
    ($name:ty) => {
        impl $crate::graphql::at_hand::Put for $name {
            fn put(&self, _: &$crate::graphql::at_hand::Asked<'_>, out: &mut Vec<u8>) -> bool {
                $crate::graphql::at_hand::quoted($crate::graphql::paging::name(*self), out)
            }
        }
    };
}
pub(super) use word;

macro_rules! labelled {
    ($($(#[$meta:meta])* enum $name:ident { $($(#[$doc:meta])* $value:ident $arabic:literal $english:literal,)+ })+) => {
        $(
            #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
            $(#[$meta])*
            pub enum $name { $($(#[$doc])* $value),+ }

            impl $name {
                pub fn label(self, language: Language) -> &'static str {
                    match self { $(Self::$value => language.choose($arabic, $english)),+ }
                }
            }

            word!($name);
        )+

        /// Every list of words.
        fn all(language: Language) -> Vec<EnumLabels> {
            vec![$(labels::<$name>(|word| word.label(language))),+]
        }
    };
}

labelled! {
    /// The class of a customer decides which tariffs apply.
    #[graphql(remote = "account::CustomerClass")]
    enum CustomerClass {
        /// Homes.
        Residential "سكني" "Residential",
        /// Shops and offices.
        Commercial "تجاري" "Commercial",
        /// Factories.
        Industrial "صناعي" "Industrial",
        /// The state and its institutions.
        Government "حكومي" "Government",
        /// Farms.
        Agricultural "زراعي" "Agricultural",
    }

    /// A language that documents and messages are written in.
    #[graphql(name = "Language", remote = "account::Language")]
    enum DocumentLanguage {
        /// العربية
        Arabic "العربية" "Arabic",
        /// English.
        English "الإنجليزية" "English",
    }

    /// Whether an account can be billed.
    #[graphql(remote = "accounts::Standing")]
    enum Standing {
        /// It is billed.
        Active "نشط" "Active",
        /// It is not billed for the time being.
        Suspended "موقوف" "Suspended",
        /// It is over.
        Closed "مغلق" "Closed",
    }

    /// How somebody is reached.
    #[graphql(remote = "account::ContactKind")]
    enum ContactKind {
        /// A telephone that people carry.
        Mobile "جوال" "Mobile",
        /// A telephone on a wall or desk.
        Phone "هاتف" "Telephone",
        /// An e-mail address.
        Email "بريد إلكتروني" "E-mail",
        /// A number on WhatsApp.
        WhatsApp "واتساب" "WhatsApp",
    }

    /// What an address is for.
    #[graphql(remote = "account::AddressKind")]
    enum AddressKind {
        /// Where bills are addressed.
        Billing "عنوان الفواتير" "Billing",
        /// Where the supply is.
        Service "موقع الخدمة" "Service",
        /// Where letters go.
        Mail "عنوان المراسلات" "Mail",
    }

    /// What is supplied and measured.
    #[graphql(remote = "domain::Service")]
    enum Service {
        /// Electricity.
        Electricity "كهرباء" "Electricity",
        /// Water.
        Water "مياه" "Water",
    }

    /// Where an invoice stands.
    #[graphql(remote = "invoice::Status")]
    enum InvoiceStatus {
        /// It is made and can still be changed.
        Draft "مسودة" "Draft",
        /// Somebody has to look at it first.
        Held "محجوزة للمراجعة" "Held",
        /// It was thrown away before it was issued.
        Discarded "ملغاة قبل الإصدار" "Discarded",
        /// It waits for its number.
        Approved "معتمدة" "Approved",
        /// It is issued and nothing of it is paid.
        Open "غير مدفوعة" "Unpaid",
        /// Some of it is paid.
        PartlyPaid "مدفوعة جزئيًا" "Partly paid",
        /// Nothing is left to pay.
        Paid "مدفوعة" "Paid",
        /// Credit notes have taken all of it back.
        Credited "مُشعر بدائن" "Credited",
        /// It was taken back, and billed again or not.
        Cancelled "ملغاة" "Cancelled",
        /// What was left of it is given up.
        WrittenOff "معدومة" "Written off",
    }

    /// Which kind of tax document.
    #[graphql(remote = "invoices::Kind")]
    enum DocumentKind {
        /// An invoice.
        Invoice "فاتورة" "Invoice",
        /// Takes something of an invoice back.
        CreditNote "إشعار دائن" "Credit note",
        /// Adds something to an invoice.
        DebitNote "إشعار مدين" "Debit note",
    }

    /// What kind of income a line is.
    #[graphql(remote = "invoice::Revenue")]
    enum Revenue {
        /// Electricity.
        Energy "طاقة" "Energy",
        /// Water.
        Water "مياه" "Water",
        /// Sewer.
        Sewer "صرف صحي" "Sewer",
        /// Fees for being connected.
        FixedFee "رسم ثابت" "Fixed fee",
        /// A new connection.
        ConnectionFee "رسم توصيل" "Connection fee",
        /// Being connected again.
        ReconnectFee "رسم إعادة الخدمة" "Reconnection fee",
        /// A penalty for paying late.
        LateFee "غرامة تأخير" "Late fee",
        /// A penalty for a payment that was returned.
        BouncedPaymentFee "رسم دفعة مرتجعة" "Bounced-payment fee",
        /// Labour.
        RepairLabour "أجور صيانة" "Repair labour",
        /// Parts.
        Parts "قطع غيار" "Parts",
    }

    /// What a line's quantity counts.
    #[graphql(remote = "invoice::Unit")]
    enum LineUnit {
        /// Kilowatt-hours.
        Kwh "كيلوواط ساعة" "kWh",
        /// Cubic metres.
        M3 "متر مكعب" "m³",
        /// Billing periods.
        Period "فترة" "Period",
        /// Units of the currency, for a percentage of a charge.
        Currency "وحدة عملة" "Unit of currency",
        /// Pieces.
        Piece "قطعة" "Piece",
        /// Hours.
        Hour "ساعة" "Hour",
        /// Kilovolt-amperes of a connection's load.
        Kva "ك.ف.أ" "kVA",
        /// Metres of a connection's line.
        Metre "متر" "Metre",
    }

    /// How a supply is taxed, by the letters of EN 16931.
    #[graphql(remote = "domain::VatCategory")]
    enum VatCategory {
        /// At the standard rate.
        S "خاضع للنسبة الأساسية" "Standard rate",
        /// At the zero rate.
        Z "خاضع لنسبة الصفر" "Zero rate",
        /// Exempt.
        E "معفى" "Exempt",
        /// Outside the tax's scope.
        O "خارج نطاق الضريبة" "Out of scope",
    }

    /// What is owed for.
    #[graphql(remote = "account::ChargeKind")]
    enum ChargeKind {
        /// Being connected again.
        ReconnectFee "رسم إعادة الخدمة" "Reconnection fee",
        /// Paying late.
        LateFee "غرامة تأخير" "Late fee",
        /// A payment that was returned.
        BouncedPaymentFee "رسم دفعة مرتجعة" "Bounced-payment fee",
        /// A new connection.
        ConnectionFee "رسم توصيل" "Connection fee",
        /// Electricity or water.
        Supply "استهلاك" "Supply",
        /// A repair.
        Repair "صيانة" "Repair",
    }

    /// What was paid with.
    #[graphql(remote = "account::Tender")]
    enum Tender {
        /// Cash.
        Cash "نقدًا" "Cash",
        /// A cheque.
        Cheque "شيك" "Cheque",
        /// A bank transfer.
        Transfer "تحويل بنكي" "Bank transfer",
        /// A card at a till.
        Pos "نقطة بيع" "Point of sale",
        /// A card through a gateway.
        Card "بطاقة" "Card",
        /// An electronic wallet.
        Wallet "محفظة إلكترونية" "Wallet",
    }

    /// Why money came or went.
    #[graphql(remote = "payments::Cause")]
    enum CashCause {
        /// A payment.
        Payment "دفعة" "Payment",
        /// A payment that was taken back.
        PaymentReversed "دفعة معكوسة" "Payment reversed",
        /// A refund.
        Refund "رد مبلغ" "Refund",
        /// A refund that came back.
        RefundReturned "رد مرتجع" "Refund returned",
        /// A deposit was taken.
        DepositTaken "تأمين محصّل" "Deposit taken",
        /// A deposit was returned.
        DepositReturned "تأمين مردود" "Deposit returned",
        /// A cheque that was in hand went to the bank.
        ChequeCleared "شيك محصّل" "Cheque cleared",
    }

    /// Why an account's balance moved.
    #[graphql(remote = "receivables::Cause")]
    enum MovementCause {
        /// It was brought over from another system.
        Opening "رصيد افتتاحي" "Opening balance",
        /// What was brought over was taken back.
        OpeningReversed "رصيد افتتاحي معكوس" "Opening balance reversed",
        /// A document.
        Charge "مستند" "Charge",
        /// A credit note.
        CreditNote "إشعار دائن" "Credit note",
        /// Credit for a supply that was not back in time.
        Compensation "تعويض عن تأخر إعادة الخدمة" "Compensation for a late reconnection",
        /// What an authority pays of an invoice.
        Subsidy "دعم" "Subsidy",
        /// A subsidy that the invoice no longer needs.
        SubsidyTakenBack "دعم مسترد" "Subsidy taken back",
        /// A payment.
        Payment "دفعة" "Payment",
        /// A payment that was taken back.
        PaymentReversed "دفعة معكوسة" "Payment reversed",
        /// Credit paid an item.
        Allocation "تخصيص" "Allocation",
        /// Credit was freed from an item.
        AllocationFreed "إلغاء تخصيص" "Allocation freed",
        /// A refund.
        Refund "رد مبلغ" "Refund",
        /// A refund that came back.
        RefundReturned "رد مرتجع" "Refund returned",
        /// A deposit was taken.
        DepositTaken "تأمين محصّل" "Deposit taken",
        /// A deposit became credit.
        DepositReleased "تأمين محرّر" "Deposit released",
        /// A deposit was returned.
        DepositReturned "تأمين مردود" "Deposit returned",
        /// A debt was given up.
        DebtWrittenOff "دين معدوم" "Debt written off",
        /// A debt that was given up was paid.
        DebtRecovered "دين معدوم محصّل" "Debt recovered",
        /// Credit was given up.
        CreditWrittenOff "رصيد دائن مشطوب" "Credit written off",
        /// An item came under an instalment plan.
        PlanAgreed "اتفاق تقسيط" "Plan agreed",
        /// A plan over an item ended before it was paid.
        PlanEnded "انتهاء تقسيط" "Plan ended",
    }

    /// How an instalment plan stands.
    #[graphql(remote = "receivables::PlanState")]
    enum InstalmentPlanState {
        /// It is being paid.
        Running "سارية" "Running",
        /// All of it is paid.
        Completed "مسددة" "Completed",
        /// It was not kept: the debt is due as it was.
        Broken "أُخل بها" "Broken",
        /// It was taken back: the debt is due as it was.
        Cancelled "ملغاة" "Cancelled",
    }

    /// Why an instalment plan ended before it was paid.
    #[graphql(remote = "receivables::PlanEnd")]
    enum InstalmentPlanEnd {
        /// An instalment was missed, and not paid within its days of grace.
        InstalmentMissed "قسط لم يُسدد" "Instalment missed",
        /// A payment that had paid of it was taken back.
        PaymentReversed "دفعة معكوسة" "Payment reversed",
        /// Somebody asked for that.
        Asked "أُلغيت بطلب" "Cancelled on request",
        /// What it covers is billed anew.
        Rebill "إعادة إصدار فاتورة" "Billed anew",
        /// The opening balance that it covers was taken back.
        OpeningReversed "رصيد افتتاحي معكوس" "Opening balance reversed",
    }

    /// How long something is due.
    #[graphql(remote = "account::AgeBand")]
    enum AgeBand {
        /// Not yet.
        NotDue "لم يستحق بعد" "Not due",
        /// For up to 30 days.
        UpTo30 "1–30 يومًا" "1–30 days",
        /// For 31 to 60 days.
        UpTo60 "31–60 يومًا" "31–60 days",
        /// For 61 to 90 days.
        UpTo90 "61–90 يومًا" "61–90 days",
        /// For 91 to 120 days.
        UpTo120 "91–120 يومًا" "91–120 days",
        /// For 121 to 180 days.
        UpTo180 "121–180 يومًا" "121–180 days",
        /// For 181 to 365 days.
        UpTo365 "181–365 يومًا" "181–365 days",
        /// For more than a year.
        Older "أكثر من سنة" "More than a year",
    }

    /// Which kind of meter.
    #[graphql(remote = "meter::MeterKind")]
    enum MeterKind {
        /// It is read by people.
        Traditional "تقليدي" "Traditional",
        /// It sends its readings.
        Smart "ذكي" "Smart",
        /// It is paid before it is used.
        Prepaid "مسبق الدفع" "Prepaid",
    }

    /// Where a meter is in its life.
    #[graphql(remote = "meters::Status")]
    enum MeterStatus {
        /// In stock.
        InStock "في المخزون" "In stock",
        /// In stock, and promised to somebody.
        Reserved "محجوز" "Reserved",
        /// At a customer's.
        Installed "مركّب" "Installed",
        /// At a customer's, and off.
        Disconnected "مفصول" "Disconnected",
        /// Taken down.
        Removed "مُزال" "Removed",
        /// Being tested.
        OnBench "تحت الاختبار" "On the bench",
        /// It is over.
        Scrapped "مُتلف" "Scrapped",
    }

    /// A part beside a meter.
    #[graphql(remote = "meters::Part")]
    enum MeterPart {
        /// The breaker.
        Breaker "قاطع" "Breaker",
        /// A seal.
        Seal "رصاص ختم" "Seal",
    }

    /// What kept an account from being billed by a run.
    #[graphql(remote = "bill_runs::Kind")]
    enum ExceptionKind {
        /// Its bill waits for somebody to look at it.
        Held "محجوز للمراجعة" "Held",
        /// It could not be billed.
        Failed "تعذرت فوترته" "Failed",
    }

    /// What was done to a part.
    #[graphql(remote = "meters::Change")]
    enum ComponentChange {
        /// It was put on.
        Fitted "رُكّب" "Fitted",
        /// It was found broken.
        Broken "مكسور" "Broken",
        /// Another took its place.
        Replaced "استُبدل" "Replaced",
    }

    /// Which way a register counts.
    #[graphql(remote = "meter::Direction")]
    enum Direction {
        /// What is delivered to the customer.
        Import "وارد" "Import",
        /// What the customer delivers.
        Export "صادر" "Export",
    }

    /// What a register counts.
    #[graphql(remote = "meter::Unit")]
    enum RegisterUnit {
        /// Kilowatt-hours.
        KilowattHour "كيلوواط ساعة" "kWh",
        /// Reactive kilovolt-ampere-hours.
        KilovarHour "كيلوفار ساعة" "kvarh",
        /// Cubic metres.
        CubicMetre "متر مكعب" "m³",
    }

    /// How a reading was taken.
    #[graphql(remote = "meter::ReadingKind")]
    enum ReadingKind {
        /// By a reader.
        Manual "قراءة يدوية" "Manual",
        /// By the meter itself.
        Smart "قراءة ذكية" "Smart",
        /// By the customer.
        Customer "قراءة المشترك" "Customer's own",
        /// It was reckoned, not read.
        Estimated "تقديرية" "Estimated",
        /// At moving out, exchange or removal.
        Final "ختامية" "Final",
        /// At moving in or installation.
        Initial "ابتدائية" "Initial",
        /// On a day that matters to a tariff.
        Special "خاصة" "Special",
    }

    /// The last that was said of a reading.
    #[graphql(remote = "readings::Word")]
    enum ReadingState {
        /// It counts.
        Recorded "مسجلة" "Recorded",
        /// It counts for nothing until it is released.
        Held "محجوزة للمراجعة" "Held",
        /// Somebody has said that it counts.
        Released "معتمدة بعد المراجعة" "Released",
        /// It was taken back.
        Reversed "معكوسة" "Reversed",
        /// An estimate that gave way to a real reading.
        Superseded "حلت محلها قراءة فعلية" "Superseded",
        /// An estimate that counts again.
        Restored "مستعادة" "Restored",
    }

    /// How well a quantity is known.
    #[graphql(remote = "domain::UsageBasis")]
    enum UsageBasis {
        /// Between two figures that were read.
        Measured "مقاس" "Measured",
        /// Up to a figure that was reckoned.
        Estimated "مقدّر" "Estimated",
        /// From a reckoned figure to a read one: what the estimate got wrong is in it.
        TrueUp "تسوية تقدير" "True-up",
    }

    /// Which kind of account of the books.
    #[graphql(remote = "ledger::Kind")]
    enum LedgerKind {
        /// What the company has.
        Asset "أصول" "Asset",
        /// What the company owes.
        Liability "خصوم" "Liability",
        /// What belongs to the owners.
        Equity "حقوق ملكية" "Equity",
        /// What was earned.
        Income "إيرادات" "Income",
        /// What was spent.
        Expense "مصروفات" "Expense",
    }

    /// A side of the books.
    #[graphql(remote = "ledger::Side")]
    enum Side {
        /// The left one.
        Debit "مدين" "Debit",
        /// The right one.
        Credit "دائن" "Credit",
    }

    /// How often a cycle is read.
    #[graphql(remote = "read_cycle::Interval")]
    enum Interval {
        /// Each month.
        Monthly "كل شهر" "Monthly",
        /// Each second month.
        EverySecondMonth "كل شهرين" "Every second month",
        /// Each third month.
        Quarterly "كل ثلاثة أشهر" "Quarterly",
    }

    /// Why a payment was none.
    #[graphql(remote = "account::ReversalCause")]
    enum ReversalCause {
        /// The cheque or the direct debit was returned.
        Bounced "مرتجعة" "Bounced",
        /// The customer's bank took it back.
        Chargeback "استرداد من البنك" "Chargeback",
        /// It was recorded by mistake.
        Mistake "سُجلت خطأ" "Recorded by mistake",
    }

    /// What becomes of the part of a credit that was paid already.
    #[graphql(remote = "invoice::Surplus")]
    enum Surplus {
        /// It stays on the account, for the next invoice.
        AccountCredit "رصيد على الحساب" "Stays on the account",
        /// It waits for its refund.
        Refund "يُرد" "Waits for its refund",
    }

    /// Which items are paid first when nobody says.
    #[graphql(remote = "account::AllocationPolicy")]
    enum AllocationPolicy {
        /// What was due first.
        OldestDue "الأقدم استحقاقًا" "Oldest due",
        /// By what they are for: costs before fees before supply. Then the oldest.
        Priority "حسب الأولوية" "By priority",
        /// All of them, each in proportion to what is open.
        ProRata "بالتناسب" "Pro rata",
    }

    /// How much a tax document says of its buyer.
    #[graphql(remote = "invoice::TaxForm")]
    enum TaxForm {
        /// For a buyer who deducts the tax, and so is named in full.
        Standard "ضريبية" "Standard",
        /// For everybody else.
        Simplified "ضريبية مبسطة" "Simplified",
    }

    /// What a step is to whoever acts on it.
    #[graphql(remote = "dunning::Action")]
    enum DunningAction {
        /// A friendly word.
        Reminder "تذكير" "Reminder",
        /// A less friendly one.
        Warning "إنذار" "Warning",
        /// From here the law counts the days until a supply may be cut.
        InitialWarning "إنذار أولي بالقطع" "Initial warning",
        /// The last word before that.
        FinalNotice "إشعار نهائي بالقطع" "Final notice",
        /// An order to cut is asked for.
        OrderDisconnection "طلب القطع" "Disconnection ordered",
        /// It goes to the lawyers.
        LegalAction "إجراء قانوني" "Legal action",
        /// Somebody is asked to give it up.
        ProposeWriteOff "اقتراح الإعدام" "Write-off proposed",
    }

    /// Why dunning came to its end.
    #[graphql(remote = "dunning::EndCause")]
    enum DunningEnd {
        /// Nothing is owed that is worth asking for.
        Settled "سُدد الدين" "Settled",
        /// What it was about is paid; what is still owed was due later.
        OldestSettled "سُدد الأقدم" "Oldest bill settled",
    }

    /// How the customer was told.
    #[graphql(remote = "dunning::Channel")]
    enum NoticeChannel {
        /// A text message.
        Sms "رسالة نصية" "Text message",
        /// An e-mail.
        Email "بريد إلكتروني" "E-mail",
        /// A letter.
        Letter "خطاب" "Letter",
        /// Somebody called.
        Call "مكالمة" "Call",
        /// Nobody outside heard of it.
        Internal "داخلي" "Internal",
    }

    /// What holds dunning up.
    #[graphql(remote = "dunning::HoldGround")]
    enum HoldGround {
        /// The customer has promised to pay, by a day.
        PromiseToPay "وعد بالسداد" "Promise to pay",
        /// The debt is paid in instalments.
        InstalmentPlan "خطة تقسيط" "Instalment plan",
        /// A complaint about the bill is open.
        OpenComplaint "شكوى مفتوحة" "Open complaint",
        /// Somebody there cannot be without power.
        ProtectedCustomer "عميل محمي" "Protected customer",
    }

    /// How a switch is turned.
    #[graphql(remote = "disconnection::Way")]
    enum SwitchWay {
        /// Somebody goes there.
        Crew "فرقة ميدانية" "Crew",
        /// A command to a smart meter.
        HeadEnd "عن بُعد" "Remote",
    }

    /// How far an order to cut has come.
    #[graphql(remote = "collections::Stage")]
    enum WorkStage {
        /// It is asked for.
        Requested "مطلوب" "Requested",
        /// It is approved.
        Approved "معتمد" "Approved",
        /// It is planned.
        Scheduled "مجدول" "Scheduled",
        /// Somebody is out to cut.
        Dispatched "قيد التنفيذ" "Dispatched",
        /// They were called back: whether the supply is off is not known yet.
        Recalled "مستدعى" "Recalled",
        /// It could not be cut.
        Failed "تعذر التنفيذ" "Failed",
        /// It is not to be cut any more, and was not.
        Cancelled "ملغى" "Cancelled",
        /// The supply is off.
        Cut "مقطوع" "Cut",
        /// The supply is to come back.
        Restoring "قيد الإعادة" "Restoring",
        /// The supply is on again.
        Restored "أُعيد التيار" "Restored",
    }

    /// Why a supply is to stay on, or to come back.
    #[graphql(remote = "collections::Lifted")]
    enum LiftCause {
        /// What it was for is paid.
        DebtSettled "سُدد الدين" "Debt settled",
        /// It is paid in instalments.
        PlanAgreed "اتُفق على التقسيط" "Plan agreed",
        /// It should not have been asked for.
        Withdrawn "سُحب الأمر" "Withdrawn",
    }

    /// Where a repair stands.
    #[graphql(remote = "repair::Status")]
    enum RepairStatus {
        /// It was asked for.
        Received "مستلم" "Received",
        /// Somebody has looked at the device.
        Diagnosed "مشخص" "Diagnosed",
        /// An offer waits for the customer's word.
        Estimated "بانتظار الموافقة" "Waiting for approval",
        /// The customer has agreed.
        Approved "معتمد" "Approved",
        /// The customer has said no.
        Declined "مرفوض" "Declined",
        /// Parts are on their way.
        PartsPending "بانتظار القطع" "Waiting for parts",
        /// It is worked on.
        InProgress "قيد العمل" "In progress",
        /// The work is looked over.
        QualityCheck "قيد الفحص" "Being checked",
        /// It can be fetched.
        Ready "جاهز للاستلام" "Ready",
        /// It was fetched.
        Delivered "مسلَّم" "Delivered",
        /// It is over.
        Closed "مغلق" "Closed",
        /// It was given up.
        Cancelled "ملغى" "Cancelled",
        /// The device came back under warranty.
        WarrantyReturn "عائد تحت الضمان" "Returned under warranty",
    }

    /// Who pays for a repair.
    #[graphql(remote = "repair::Coverage")]
    enum RepairCoverage {
        /// The customer.
        Customer "العميل" "The customer",
        /// The company, which had vouched for the work.
        Warranty "الضمان" "Warranty",
    }

    /// Who says something about a repair.
    #[graphql(remote = "repair::Side")]
    enum RepairSide {
        /// The customer.
        Customer "العميل" "Customer",
        /// The workshop.
        Staff "الورشة" "Workshop",
    }

    /// Who may see something about a repair.
    #[graphql(remote = "repair::Audience")]
    enum RepairAudience {
        /// Its customer, and staff.
        Public "للجميع" "Everybody",
        /// Staff alone.
        Internal "للموظفين" "Staff only",
    }

    /// What happens to a repair.
    enum RepairStep {
        /// It was asked for.
        RepairRequested "طُلبت الصيانة" "Requested",
        /// The device was described otherwise.
        DeviceDescribed "وُصف الجهاز" "Device described",
        /// Somebody was put in charge.
        TechnicianAssigned "عُيّن فني" "Technician assigned",
        /// Somebody said what is wrong, and who pays.
        DiagnosisRecorded "سُجل التشخيص" "Diagnosed",
        /// It was said what the work will cost.
        RepairEstimated "قُدم عرض سعر" "Estimated",
        /// A part costs otherwise, and so does the offer.
        EstimateRepriced "تغير عرض السعر" "Estimate changed",
        /// The customer agreed.
        EstimateApproved "وافق العميل" "Estimate approved",
        /// The customer said no.
        EstimateDeclined "رفض العميل" "Estimate declined",
        /// Something was paid ahead.
        RepairDepositNoted "دُفع عربون" "Deposit paid",
        /// A part was asked of the shelf.
        PartRequested "طُلبت قطعة" "Part requested",
        /// A part was put aside for it.
        PartReserved "حُجزت قطعة" "Part reserved",
        /// There are too few of a part.
        PartShort "نقصت قطعة" "Part short",
        /// A part went into the device.
        PartUsed "استُعملت قطعة" "Part used",
        /// A part went back to the shelf.
        PartReturned "أُعيدت قطعة" "Part returned",
        /// The work began.
        WorkStarted "بدأ العمل" "Work started",
        /// The work is done.
        WorkFinished "انتهى العمل" "Work finished",
        /// The work was looked over and is good.
        CheckPassed "اجتاز الفحص" "Check passed",
        /// The work was looked over and is not good.
        CheckFailed "لم يجتز الفحص" "Check failed",
        /// It was not fetched, and that costs something.
        StorageCharged "احتُسبت رسوم حفظ" "Storage charged",
        /// It was fetched.
        RepairDelivered "سُلّم الجهاز" "Delivered",
        /// It is over, and billed.
        RepairClosed "أُغلق الطلب" "Closed",
        /// It was given up.
        RepairCancelled "أُلغي الطلب" "Cancelled",
        /// The device came back under warranty.
        ReturnedUnderWarranty "عاد تحت الضمان" "Returned under warranty",
        /// Somebody wrote something.
        CommentMade "تعليق" "Comment",
        /// The customer asked how it goes.
        UpdateAsked "طُلب تحديث" "Update asked for",
        /// Somebody attached a file.
        FileAttached "أُرفق ملف" "File attached",
    }

    /// Why there is more or less of a part on a shelf.
    #[graphql(remote = "workshop::StockMoveKind")]
    enum StockMoveKind {
        /// More came.
        Received "وارد" "Received",
        /// Some went into a device.
        Used "مستعمل" "Used",
        /// Somebody counted.
        Counted "جرد" "Counted",
    }

    /// A day of the week.
    #[graphql(remote = "chrono::Weekday")]
    enum Weekday {
        /// Monday.
        Mon "الاثنين" "Monday",
        /// Tuesday.
        Tue "الثلاثاء" "Tuesday",
        /// Wednesday.
        Wed "الأربعاء" "Wednesday",
        /// Thursday.
        Thu "الخميس" "Thursday",
        /// Friday.
        Fri "الجمعة" "Friday",
        /// Saturday.
        Sat "السبت" "Saturday",
        /// Sunday.
        Sun "الأحد" "Sunday",
    }

    /// Where an application for a connection stands.
    #[graphql(remote = "application::Status")]
    enum ApplicationStatus {
        /// It is there, and nobody has looked at it.
        Submitted "مقدم" "Submitted",
        /// Somebody looks at it.
        UnderReview "قيد المراجعة" "Under review",
        /// The customer is asked something.
        NeedsInformation "بانتظار معلومات" "Waiting for information",
        /// Somebody was at the place.
        SiteInspected "معاين" "Inspected",
        /// What it costs is said.
        Priced "مسعر" "Priced",
        /// The fee is to be paid; or is to be paid again, because a payment was taken back.
        FeeInvoiced "بانتظار السداد" "Waiting for its fee",
        /// The fee is paid.
        FeePaid "مسدد" "Paid",
        /// Somebody is to come with a meter.
        InstallScheduled "مجدول التركيب" "Scheduled",
        /// The meter is up.
        Installed "مركب" "Installed",
        /// What is supplied is billed.
        Activated "مفعل" "Activated",
        /// It was refused.
        Rejected "مرفوض" "Rejected",
        /// It was given up, and the fee given back.
        Cancelled "ملغى" "Cancelled",
    }

    /// How many phases a connection has.
    #[graphql(remote = "connection_prices::Phase")]
    enum Phase {
        /// One.
        Single "طور واحد" "Single phase",
        /// Three.
        Three "ثلاثة أطوار" "Three phases",
    }

    /// Which way a list goes.
    #[graphql(remote = "daftar_projections::Direction")]
    enum SortDirection {
        /// The least, the earliest, what begins with 0 first.
        Ascending "تصاعدي" "Ascending",
        /// The most, the latest, what begins with 9 first.
        Descending "تنازلي" "Descending",
    }

    /// What accounts can be listed in the order of.
    #[graphql(remote = "accounts::Order")]
    enum AccountSort {
        /// Their numbers.
        Number "رقم الحساب" "Number",
        /// The day on which they were opened.
        OpenedOn "تاريخ الفتح" "Opened on",
    }

    /// What issued invoices can be listed in the order of.
    #[graphql(remote = "invoices::Order")]
    enum InvoiceSort {
        /// The day on which they were issued.
        IssuedOn "تاريخ الإصدار" "Issued on",
        /// The day by which they are to be paid.
        DueOn "تاريخ الاستحقاق" "Due on",
        /// What is left to pay, as a number of the currency's smallest units: where there are several currencies, ask for one.
        LeftToPay "المبلغ المتبقي" "Left to pay",
        /// Their numbers.
        Number "رقم الفاتورة" "Number",
    }

    /// What payments can be listed in the order of.
    #[graphql(remote = "payments::Order")]
    enum PaymentSort {
        /// The day from which they count.
        ValueOn "تاريخ القيد" "Value date",
        /// How much was paid, as a number of the currency's smallest units: where there are several currencies, ask for one.
        Amount "المبلغ" "Amount",
    }

    /// What meters can be listed in the order of.
    #[graphql(remote = "meters::Order")]
    enum MeterSort {
        /// Their serial numbers.
        Serial "الرقم التسلسلي" "Serial number",
        /// The day until which they are certified; those without one after all others.
        CertifiedUntil "تاريخ انتهاء المعايرة" "Certified until",
    }

    /// What repairs can be listed in the order of.
    #[graphql(remote = "repairs::Order")]
    enum RepairSort {
        /// When they were asked for.
        RequestedAt "تاريخ الطلب" "Requested",
        /// When something last happened.
        MovedAt "آخر حركة" "Last moved",
        /// Since when their customers wait for a word; those that do not after all others.
        WaitingSince "في الانتظار منذ" "Waiting since",
    }

    /// What applications can be listed in the order of.
    #[graphql(remote = "applications::Order")]
    enum ApplicationSort {
        /// The day on which they were submitted.
        SubmittedOn "تاريخ التقديم" "Submitted on",
        /// The day of what happened last.
        ChangedOn "تاريخ آخر تغيير" "Last changed on",
    }

    /// How long each step of a series is.
    enum Step {
        /// A day.
        Day "يوم" "Day",
        /// A month of the calendar.
        Month "شهر" "Month",
    }
}

/// A list of words that a field takes, in the schema's order.
#[derive(Debug, SimpleObject)]
pub struct EnumLabels {
    /// The enumeration, as the schema calls it.
    name: String,
    /// Its words.
    values: Vec<Label>,
}

/// A word, and what people call it.
#[derive(Debug, SimpleObject)]
pub struct Label {
    /// As the schema has it.
    value: String,
    /// In the language of the request.
    label: String,
}

#[derive(Debug, Default)]
pub struct LabelQuery;

#[Object]
impl LabelQuery {
    /// What people call the words of every enumeration, in Arabic or English by `Accept-Language`. They change with a release only: ask once.
    async fn labels(&self, context: &async_graphql::Context<'_>) -> Vec<EnumLabels> {
        all(language(context))
    }
}

fn labels<E: EnumType + async_graphql::OutputType>(label: impl Fn(E) -> &'static str) -> EnumLabels {
    let values = E::items().iter().map(|item| Label { value: item.name.to_owned(), label: label(item.value).to_owned() });
    EnumLabels { name: E::type_name().into_owned(), values: values.collect() }
}
