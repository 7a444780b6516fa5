use daftar_domain::dunning::Rejection;

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::HoldIdReused(id) => ("DUNNING_HOLD_ID_REUSED", format!("الإيقاف {id} موجود بالفعل بمحتوى آخر").into()),
            Self::NoSuchHold(id) => ("NO_SUCH_DUNNING_HOLD", format!("لا يوجد إيقاف {id}").into()),
            Self::PromiseIncomplete => ("PROMISE_INCOMPLETE", "الوعد بالسداد يذكر المبلغ وآخر يوم له".into()),
            Self::HoldEndsBeforeItBegins => ("DUNNING_HOLD_ENDS_BEFORE_IT_BEGINS", "لا ينتهي الإيقاف قبل أن يبدأ".into()),
            Self::BeforeHold { from } => ("BEFORE_DUNNING_HOLD", format!("بدأ الإيقاف في {from}، بعد ذلك اليوم").into()),
        }
    }
}
