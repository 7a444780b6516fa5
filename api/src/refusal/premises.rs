use daftar_domain::premises::Rejection;

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NotRegistered => ("PREMISES_NOT_REGISTERED", "لا يوجد عقار كهذا".into()),
            Self::AlreadyRegistered => ("PREMISES_ALREADY_REGISTERED", "العقار مسجل بالفعل ببيانات أخرى".into()),
            Self::NotPositive => ("BREAKER_OR_LOAD_NOT_POSITIVE", "يجب أن يكون القاطع والحمل أكبر من الصفر".into()),
            Self::BeforeRegistration { registered_on } => {
                ("BEFORE_PREMISES_REGISTERED", format!("سُجل العقار في {registered_on}، بعد ذلك التاريخ").into())
            }
        }
    }
}
