use daftar_domain::invoice::{CreditError, DocumentError, Rejection};

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NoSuchInvoice => ("NO_SUCH_INVOICE", "لا توجد فاتورة كهذه".into()),
            Self::InvoiceIdReused => ("INVOICE_ID_REUSED", "الفاتورة موجودة بالفعل بمحتوى آخر".into()),
            Self::Held => ("INVOICE_HELD", "الفاتورة معلقة".into()),
            Self::Discarded => ("DRAFT_DISCARDED", "استُبعدت المسودة".into()),
            Self::AlreadyApproved => ("INVOICE_ALREADY_APPROVED", "اعتُمدت الفاتورة: لم يبق إلا إصدارها".into()),
            Self::NotApproved => ("INVOICE_NOT_APPROVED", "لم تُعتمد الفاتورة".into()),
            Self::AlreadyIssued => ("INVOICE_ALREADY_ISSUED", "صدرت الفاتورة: لا يُصحح ما فيها إلا بإشعار".into()),
            Self::NotIssued => ("INVOICE_NOT_ISSUED", "لم تصدر الفاتورة".into()),
            Self::OtherNumber(number) => ("DOCUMENT_ALREADY_NUMBERED", format!("للمستند رقم بالفعل: {number}").into()),
            Self::BeforeInvoice(day) => ("BEFORE_INVOICE", format!("المستند الذي يصحح غيره لا يسبقه: {day}").into()),
            Self::NoteIdReused(id) => ("NOTE_ID_REUSED", format!("الإشعار {id} موجود بالفعل بمحتوى آخر").into()),
            Self::NoSuchNote(id) => ("NO_SUCH_NOTE", format!("لا يوجد إشعار {id}").into()),
            Self::Cancelled => ("INVOICE_CANCELLED", "أُلغيت الفاتورة أو يجري إلغاؤها".into()),
            Self::NoteUnderWay(id) => ("NOTE_UNDER_WAY", format!("الإشعار {id} معتمد وينتظر رقمه").into()),
            Self::NothingToCredit => ("NOTHING_TO_CREDIT", "لم يبق في الفاتورة ما يُقيد دائنًا".into()),
            Self::Credit(error) => credit(error),
            Self::Document(error) => document(error),
            Self::NotAnAmount => ("NOT_AN_AMOUNT", "المبلغ بعملة أخرى أو أقل من الصفر".into()),
            Self::NotYetDue { due_on } => ("NOT_YET_DUE", format!("تستحق الفاتورة في {due_on}، ولا تتأخر قبل اليوم التالي").into()),
        }
    }
}

fn credit(error: &CreditError) -> Words {
    match error {
        CreditError::NoSuchLine(line) => ("NO_SUCH_LINE", format!("السطر {} ليس في الفاتورة", line.line).into()),
        CreditError::LineTwice(line) => ("LINE_TWICE", format!("السطر {} مذكور مرتين في إشعار واحد", line.line).into()),
        CreditError::MoreThanLine { line, left } => ("MORE_THAN_LINE", format!("لم يبق من السطر {} إلا {left}", line.line).into()),
        CreditError::MoreThanCategory { category, left } => {
            ("MORE_THAN_CATEGORY", format!("لم يبق مما ضريبته {category:?} إلا {left}").into())
        }
    }
}

impl Refusal for DocumentError {
    fn words(&self) -> Words {
        document(self)
    }
}

fn document(error: &DocumentError) -> Words {
    match error {
        DocumentError::NoLines => ("NO_LINES", "للمستند سطر واحد على الأقل".into()),
        DocumentError::OtherCurrency { expected, found } => {
            ("OTHER_CURRENCY", format!("سطر في مستند بعملة {expected} جاء بعملة {found}").into())
        }
        DocumentError::VatReasonMissing(category) => {
            ("VAT_REASON_MISSING", format!("فئة الضريبة {category:?} تحتاج إلى رمز سببها في النظام").into())
        }
        DocumentError::RateWithoutTax(category) => ("RATE_WITHOUT_TAX", format!("فئة الضريبة {category:?} لا نسبة لها").into()),
        DocumentError::BelowZero(category) => ("BELOW_ZERO", format!("مجموع سطور فئة الضريبة {category:?} أقل من الصفر").into()),
        DocumentError::NotSealedAsLegal => {
            ("NOT_SEALED_AS_LEGAL", "هوية المشتري في المستندات الضريبية يجب أن تُختم بالمفتاح القانوني".into())
        }
        DocumentError::BuyerIncomplete => ("BUYER_INCOMPLETE", "الفاتورة الضريبية تذكر المشتري برقمه وعنوانه".into()),
        DocumentError::TooLarge => ("AMOUNT_TOO_LARGE", "المبالغ كبيرة جدًا".into()),
    }
}
