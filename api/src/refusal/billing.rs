//! Of processes, which ask several aggregates in turn.

use daftar_domain::{Code, bill_run, ledger::periods, settlement};
use thiserror::Error;

use super::{Refusal, Words};

/// Whoever runs the server has not said on which terms the company bills.
#[derive(Debug, Error)]
#[error("this server was not told on which terms the company bills")]
pub struct NoTerms;

#[derive(Debug, Error)]
#[error("a bill run of {0} is under way: it has to end first, or days would be billed by both")]
pub struct UnderWay(pub Code);

#[derive(Debug, Error)]
#[error("the invoice cannot be corrected: {0}")]
pub struct CannotCorrect(pub String);

impl Refusal for NoTerms {
    fn words(&self) -> Words {
        ("NO_BILLING_TERMS", "لم تُعرّف لهذا الخادم الشروط التي تفوتر بها الشركة".into())
    }
}

impl Refusal for UnderWay {
    fn words(&self) -> Words {
        let Self(cycle) = self;
        ("BILL_RUN_UNDER_WAY", format!("تجري فوترة {cycle} الآن ولا تبدأ أخرى قبل أن تنتهي، كي لا تُفوتر الأيام مرتين").into())
    }
}

impl Refusal for CannotCorrect {
    fn words(&self) -> Words {
        let Self(why) = self;
        ("INVOICE_NOT_CORRECTABLE", format!("لا يمكن تصحيح الفاتورة: {why}").into())
    }
}

impl Refusal for bill_run::Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NotPlanned => ("NO_SUCH_BILL_RUN", "لا توجد دورة فوترة كهذه".into()),
            Self::RunIdReused => ("BILL_RUN_REUSED", "دورة الفوترة موجودة بالفعل بخطة أخرى".into()),
            Self::Finished => ("BILL_RUN_FINISHED", "انتهت دورة الفوترة".into()),
            Self::Abandoned => ("BILL_RUN_ABANDONED", "تُركت دورة الفوترة، وما بقي تفوتره دورة باسم آخر".into()),
            Self::BlockSize => ("BLOCK_SIZE", "حجم الدفعة خارج الحدود".into()),
            Self::OutOfTurn { expected } => ("BLOCK_OUT_OF_TURN", format!("الدفعة التالية هي {expected}").into()),
            Self::BlockReused { block } => ("BLOCK_REUSED", format!("الدفعة {block} موجودة بمحتوى آخر").into()),
            Self::OutOfOrder(_) => ("ACCOUNT_OUT_OF_ORDER", "كل حساب يُذكر مرة واحدة وبالترتيب".into()),
            Self::OtherCount { block, expected, found } => {
                ("OTHER_COUNT", format!("في الدفعة {block} من الفواتير {expected} وليس {found}").into())
            }
            Self::NotIssued { block } => ("BLOCK_NOT_ISSUED", format!("لم تصدر الدفعة {block} بعد").into()),
        }
    }
}

impl Refusal for periods::Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NotNext(day) => ("NOT_NEXT_PERIOD", format!("الفترة التالية تبدأ في {day}").into()),
            Self::NoSuchPeriod => ("NO_SUCH_PERIOD", "لا توجد فترة كهذه".into()),
            Self::AlreadyClosed => ("PERIOD_CLOSED", "أُقفلت الفترة من قبل".into()),
            Self::EarlierPeriodOpen(day) => ("EARLIER_PERIOD_OPEN", format!("الفترة التي تبدأ في {day} لم تُقفل بعد").into()),
            Self::NoPeriodAfter => ("NO_PERIOD_AFTER", "لا فترة مفتوحة بعدها، ولا بد من مكان لما يأتي متأخرًا".into()),
            Self::NotOver { last_day } => ("PERIOD_NOT_OVER", format!("تنتهي الفترة بنهاية {last_day}").into()),
            Self::IssuedNotCharged(amount) => ("ISSUED_NOT_CHARGED", format!("مستندات بمبلغ {amount} صدرت ولم تُقيد بعد").into()),
            Self::NotAnAllowance => ("NOT_AN_ALLOWANCE", "لا يقل المخصص عن الصفر ولا يتجاوز ما يمكن حسابه".into()),
            Self::AllowanceSetLater { on } => {
                ("ALLOWANCE_SET_LATER", format!("حُدد المخصص ليوم {on}: لا يُحدد بعده إلا لذلك اليوم أو لما يليه").into())
            }
            Self::BooksClosed { last_day } => ("BOOKS_CLOSED", format!("الدفاتر مقفلة حتى {last_day}").into()),
        }
    }
}

impl Refusal for settlement::Rejection {
    fn words(&self) -> Words {
        match self {
            Self::SettledOtherwise => ("SETTLEMENT_REUSED", "سُجلت هذه التسوية من قبل بمحتوى آخر".into()),
            Self::OtherCurrency { expected, found } => {
                ("OTHER_CURRENCY", format!("مبالغ التسوية كلها بعملة {expected} وليست {found}").into())
            }
            Self::AmountNotPositive => ("AMOUNT_NOT_POSITIVE", "المبلغ الذي تدفعه الجهة أكبر من الصفر".into()),
            Self::NotACommission => ("NOT_A_COMMISSION", "لا تقل العمولة وضريبتها عن الصفر، ولا ضريبة بلا عمولة".into()),
            Self::DoesNotAddUp { gross, expected, found } => {
                ("DOES_NOT_ADD_UP", format!("{gross} بعد خصم العمولة وضريبتها {expected} وليس {found}").into())
            }
            Self::TooLarge => ("AMOUNT_TOO_LARGE", "المبالغ كبيرة جدًا".into()),
        }
    }
}
