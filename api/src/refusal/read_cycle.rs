use daftar_domain::read_cycle::Rejection;

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NotDefined => ("READ_CYCLE_NOT_DEFINED", "لا توجد دورة قراءة كهذه".into()),
            Self::AlreadyDefined => ("READ_CYCLE_ALREADY_DEFINED", "دورة القراءة معرّفة بالفعل على نحو آخر".into()),
            Self::NotADayOfMonth => ("NOT_A_DAY_OF_MONTH", "يوم القراءة من 1 إلى 31".into()),
            Self::NotAReadingDay(day) => ("NOT_A_READING_DAY", format!("{day} ليس يوم قراءة معتادًا في الدورة").into()),
            Self::OutOfOrder(day) => ("READING_DAY_OUT_OF_ORDER", format!("{day} ليس بين يومي القراءة السابق واللاحق").into()),
        }
    }
}
