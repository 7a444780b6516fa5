use daftar_domain::payment::Rejection;

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NotStarted => ("NO_SUCH_PAYMENT", "لا توجد دفعة كهذه".into()),
            Self::PaymentIdReused => ("PAYMENT_ID_REUSED", "بدأت هذه الدفعة من قبل بمحتوى آخر".into()),
            Self::AmountNotPositive => ("AMOUNT_NOT_POSITIVE", "يجب أن يكون المبلغ أكبر من الصفر".into()),
            Self::BelowMinimum { minimum } => ("BELOW_MINIMUM", format!("أقل ما يُدفع بهذه الطريقة {minimum}، أو كامل المستحق").into()),
            Self::ExpiresBeforeStart => ("EXPIRES_BEFORE_START", "يجب أن تنتهي مهلة الدفعة بعد بدايتها".into()),
            Self::OtherReference(reference) => ("OTHER_GATEWAY_REFERENCE", format!("مرجع الدفعة لدى البوابة {reference}").into()),
            Self::AmountDiffers { expected, found } => ("AMOUNT_DIFFERS", format!("مبلغ الدفعة {expected} وليس {found}").into()),
            Self::AlreadyCompleted => ("PAYMENT_COMPLETED", "اكتملت الدفعة".into()),
            Self::NotYetExpired { expires_at } => ("PAYMENT_NOT_EXPIRED", format!("مهلة الدفعة حتى {expires_at}").into()),
            Self::OutcomeUnknown => ("PAYMENT_OUTCOME_UNKNOWN", "لم تقل البوابة بعد ما صارت إليه الدفعة".into()),
            Self::NotCompleted => ("PAYMENT_NOT_COMPLETED", "لا تُرد إلا دفعة مكتملة".into()),
            Self::RefundIdReused => ("REFUND_ID_REUSED", "طُلب هذا الرد من قبل بمبلغ آخر".into()),
            Self::RefundTooLarge { left } => ("REFUND_TOO_LARGE", format!("لم يبق للرد إلا {left}").into()),
            Self::NoSuchRefund => ("NO_SUCH_REFUND", "لا يوجد رد كهذا".into()),
            Self::RefundSettledOtherwise => ("REFUND_SETTLED_OTHERWISE", "سبق أن قالت البوابة غير ذلك عن هذا الرد".into()),
        }
    }
}
