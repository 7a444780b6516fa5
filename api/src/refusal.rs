//! What the rules' refusals are called by programs, and what they say in Arabic. In English they speak for themselves.

use daftar_domain::account::Rejection;

/// Stable: programs compare it.
pub fn code(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::NotOpen => "ACCOUNT_NOT_OPEN",
        Rejection::AlreadyOpen => "ACCOUNT_ALREADY_OPEN",
        Rejection::Closed => "ACCOUNT_CLOSED",
        Rejection::Suspended => "ACCOUNT_SUSPENDED",
        Rejection::BeforeOpening { .. } => "BEFORE_ACCOUNT_OPENED",
        Rejection::ContactIdReused(_) => "CONTACT_ID_REUSED",
        Rejection::NoSuchContact(_) => "NO_SUCH_CONTACT",
        Rejection::AddressIdReused(_) => "ADDRESS_ID_REUSED",
        Rejection::NoSuchAddress(_) => "NO_SUCH_ADDRESS",
        Rejection::NotSealedAsLegal => "NOT_SEALED_AS_LEGAL",
        Rejection::CurrencyFixed => "CURRENCY_FIXED",
        Rejection::VatReasonMissing => "VAT_REASON_MISSING",
        Rejection::VatPeriodEmpty => "VAT_PERIOD_EMPTY",
        Rejection::StillServed(_) => "ACCOUNT_STILL_SERVED",
        Rejection::MeterStillFitted(_) => "METER_STILL_FITTED",
        Rejection::NotSettled { .. } => "ACCOUNT_NOT_SETTLED",
        Rejection::OtherCurrency { .. } => "OTHER_CURRENCY",
        Rejection::AmountNotPositive => "AMOUNT_NOT_POSITIVE",
        Rejection::AmountTooLarge => "AMOUNT_TOO_LARGE",
        Rejection::OpeningBalanceStands => "OPENING_BALANCE_STANDS",
        Rejection::OpeningBalanceReused => "OPENING_BALANCE_REUSED",
        Rejection::OpeningBalanceWasReversed => "OPENING_BALANCE_WAS_REVERSED",
        Rejection::NoSuchOpeningBalance => "NO_SUCH_OPENING_BALANCE",
    }
}

pub fn arabic(rejection: &Rejection) -> String {
    match rejection {
        Rejection::NotOpen => "لا يوجد حساب كهذا".to_owned(),
        Rejection::AlreadyOpen => "الحساب مفتوح بالفعل ببيانات أخرى".to_owned(),
        Rejection::Closed => "الحساب مغلق".to_owned(),
        Rejection::Suspended => "الحساب موقوف".to_owned(),
        Rejection::BeforeOpening { opened_on } => format!("فُتح الحساب في {opened_on}، بعد ذلك التاريخ"),
        Rejection::ContactIdReused(id) => format!("جهة الاتصال {id} موجودة بالفعل ببيانات أخرى"),
        Rejection::NoSuchContact(id) => format!("لا توجد جهة اتصال {id}"),
        Rejection::AddressIdReused(id) => format!("العنوان {id} موجود بالفعل ببيانات أخرى"),
        Rejection::NoSuchAddress(id) => format!("لا يوجد عنوان {id}"),
        Rejection::NotSealedAsLegal => "الهوية التي تظهر في المستندات الضريبية يجب أن تُختم بالمفتاح القانوني".to_owned(),
        Rejection::CurrencyFixed => "لا يمكن تغيير العملة بعد أول قيد على الحساب".to_owned(),
        Rejection::VatReasonMissing => "الوضع الضريبي غير المعتاد يحتاج إلى رمز سببه".to_owned(),
        Rejection::VatPeriodEmpty => "يجب أن ينتهي الوضع الضريبي بعد بدايته".to_owned(),
        Rejection::StillServed(id) => format!("ما زالت الاتفاقية {id} سارية"),
        Rejection::MeterStillFitted(id) => format!("ما زال العداد {id} مركبًا"),
        Rejection::NotSettled { balance } => format!("على الحساب أو له رصيد {balance}"),
        Rejection::OtherCurrency { expected, found } => format!("عملة الحساب {expected} وليست {found}"),
        Rejection::AmountNotPositive => "يجب أن يكون البند الافتتاحي أكبر من الصفر، وألا يقل الرصيد الدائن والتأمين عن الصفر".to_owned(),
        Rejection::AmountTooLarge => "المبلغ كبير جدًا".to_owned(),
        Rejection::OpeningBalanceStands => "يوجد بالفعل رصيد افتتاحي من مصدر آخر".to_owned(),
        Rejection::OpeningBalanceReused => "سبق استيراد هذا السطر من الدفعة بمحتوى آخر".to_owned(),
        Rejection::OpeningBalanceWasReversed => "عُكس هذا الرصيد الافتتاحي؛ يأتي المصحح في دفعة جديدة".to_owned(),
        Rejection::NoSuchOpeningBalance => "لا يوجد رصيد افتتاحي كهذا".to_owned(),
    }
}
