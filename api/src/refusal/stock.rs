use daftar_domain::stock::Rejection;

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NeverReceived => ("STOCK_NEVER_RECEIVED", "لم يصل من هذه القطعة شيء إلى هذا الفرع".into()),
            Self::QuantityNotPositive => ("QUANTITY_NOT_POSITIVE", "يجب أن تكون الكمية أكبر من الصفر".into()),
            Self::NotACost => ("NOT_A_COST", "لا تقل التكلفة عن الصفر، وهي بعملة واحدة لكل القطع".into()),
            Self::MoveIdReused => ("STOCK_MOVE_ID_REUSED", "سبق تسجيل هذه الحركة بمحتوى آخر".into()),
            Self::RequestIdReused => ("STOCK_REQUEST_ID_REUSED", "سبق تسجيل هذا الطلب بمحتوى آخر".into()),
            Self::NoSuchRequest => ("NO_SUCH_STOCK_REQUEST", "لا يوجد طلب كهذا".into()),
            Self::NotSoMany { left } => ("NOT_SO_MANY_IN_STOCK", format!("لم يبق من الطلب للاستعمال أو الإعادة إلا {left}").into()),
            Self::FewerThanReserved { reserved } => {
                ("FEWER_THAN_RESERVED", format!("حُجز للصيانة {reserved}: لا يكون العدد أقل قبل إعادة بعضها").into())
            }
            Self::TooMuch => ("STOCK_TOO_MUCH", "لا يتسع المخزون لهذا القدر".into()),
        }
    }
}
