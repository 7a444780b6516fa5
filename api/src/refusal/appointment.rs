use daftar_domain::appointment::Rejection;

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NoSuchTime { day, at } => ("NO_SUCH_TIME", format!("لا مواعيد في الفرع في الساعة {at} يوم {day}").into()),
            Self::DayIsOver { day } => ("DAY_IS_OVER", format!("انقضى يوم {day}").into()),
            Self::Full { at } => ("APPOINTMENTS_FULL", format!("كل الأماكن في الساعة {at} محجوزة").into()),
            Self::AlreadyThere { at } => ("APPOINTMENT_ALREADY_THERE", format!("للحساب موعد بالفعل في الساعة {at}").into()),
            Self::AppointmentIdReused => ("APPOINTMENT_ID_REUSED", "الموعد موجود بالفعل بمحتوى آخر، أو أُلغي".into()),
            Self::NoSuchAppointment => ("NO_SUCH_APPOINTMENT", "لا يوجد موعد كهذا".into()),
        }
    }
}
