use daftar_domain::meter::{Check, Rejection, Status};

use super::{Refusal, Words};

impl Refusal for Rejection {
    fn words(&self) -> Words {
        match self {
            Self::NotRegistered => ("METER_NOT_REGISTERED", "لا يوجد عداد كهذا".into()),
            Self::AlreadyRegistered => ("METER_ALREADY_REGISTERED", "العداد مسجل بالفعل ببيانات أخرى".into()),
            Self::NoRegister => ("NO_REGISTER", "للعداد سجل واحد على الأقل".into()),
            Self::RegisterTwice(code) => ("REGISTER_TWICE", format!("السجل {code} مذكور مرتين").into()),
            Self::UnsoundRegister(code) => (
                "UNSOUND_REGISTER",
                format!("لا عداد له سجل مثل {code}: من 1 إلى 12 رقمًا، وحتى 6 منازل عشرية، ومضاعف فوق الصفر وحتى 1000000").into(),
            ),
            Self::NoSuchRegister(code) => ("NO_SUCH_REGISTER", format!("ليس للعداد سجل {code}").into()),
            Self::NotWhile(status) => ("NOT_WHILE_METER_SO", format!("لا يمكن ذلك والعداد {}", state(*status)).into()),
            Self::ReservedForAnother => ("METER_RESERVED_FOR_ANOTHER", "العداد محجوز لغير هذا".into()),
            Self::AlreadyInstalled => ("METER_ALREADY_INSTALLED", "العداد مركب بالفعل على نحو آخر".into()),
            Self::CertificateExpired => ("METER_CERTIFICATE_EXPIRED", "انتهت صلاحية معايرة العداد".into()),
            Self::OutOfOrder { since } => ("OUT_OF_ORDER", format!("آخر ما جرى للعداد كان في {since}").into()),
            Self::ExchangedForItself => ("EXCHANGED_FOR_ITSELF", "لا يُستبدل العداد بنفسه".into()),
            Self::TestIdReused(id) => ("METER_TEST_ID_REUSED", format!("سُجل الاختبار {id} من قبل بنتيجة أخرى").into()),
            Self::SealMissing => ("SEAL_MISSING", "يُختم العداد عند تركيبه".into()),
            Self::SealUsedBefore(number) => ("SEAL_USED_BEFORE", format!("استُعمل الختم {number} من قبل").into()),
            Self::NoSuchSeal(number) => ("NO_SUCH_SEAL", format!("لا يوجد على العداد ختم سليم {number}").into()),
            Self::NoSuchBreaker(number) => ("NO_SUCH_BREAKER", format!("القاطع {number} ليس قاطع هذا العداد").into()),
            Self::OneReadPerRegister(code) => {
                ("ONE_READ_PER_REGISTER", format!("السجل {code} يحتاج إلى قراءة واحدة، مقروءة أو مقدرة").into())
            }
            Self::NotAReadOfThatDay { kind: _, on } => {
                ("NOT_A_READ_OF_THAT_DAY", format!("يجب أن تكون كل القراءات في {on} ومن نوع واحد يناسب العملية").into())
            }
            Self::NotInstalledThen(day) => ("METER_NOT_INSTALLED_THEN", format!("لم يكن العداد مركبًا في {day}").into()),
            Self::ReadingIdReused(id) => ("READING_ID_REUSED", format!("القراءة {id} موجودة بالفعل بمحتوى آخر").into()),
            Self::ConflictingReading { with } => ("CONFLICTING_READING", format!("القراءة {with} تُظهر رقمًا آخر في الوقت نفسه").into()),
            Self::NotAFigureOfTheDial(value) => ("NOT_A_FIGURE_OF_THE_DIAL", format!("لا يمكن أن يُظهر السجل {value}").into()),
            Self::ReadingRefused(check) => ("READING_REFUSED", format!("رُفضت القراءة: {}", finding(*check)).into()),
            Self::EstimatesAreReckoned => ("ESTIMATES_ARE_RECKONED", "القراءة التقديرية تُحسب ولا تُسجل".into()),
            Self::NoSuchReading(id) => ("NO_SUCH_READING", format!("لا توجد قراءة {id}").into()),
            Self::NotHeld(id) => ("READING_NOT_HELD", format!("القراءة {id} ليست معلقة").into()),
            Self::OnlyAPersonReleases => ("ONLY_A_PERSON_RELEASES", "لا يعتمد القراءة المعلقة إلا شخص".into()),
            Self::StillNegative(id) => ("READING_STILL_NEGATIVE", format!("ما زالت القراءة {id} أقل مما قبلها أو أكبر مما بعدها").into()),
            Self::NotARollover(id) => ("NOT_A_ROLLOVER", format!("القراءة {id} ليست دورة كاملة للسجل").into()),
            Self::NotAReset(id) => ("NOT_A_RESET", format!("القراءة {id} ليست أقل مما قبلها، فلا يظهر تصفير").into()),
            Self::Billed(id) => ("READING_BILLED", format!("الفاتورة {id} مبنية على القراءة، وتُلغى قبلها أو معها").into()),
            Self::NextReadingDependsOnIt(id) => {
                ("NEXT_READING_DEPENDS_ON_IT", format!("قُبلت القراءة {id} بناءً على هذه، فتُعكس هي أولًا").into())
            }
            Self::DoesNotCount(id) => ("READING_DOES_NOT_COUNT", format!("القراءة {id} غير محسوبة، فلا تُبنى عليها فاتورة").into()),
            Self::RebillFirst(ids) => {
                let invoices = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join("، ");
                ("REBILL_FIRST", format!("حلت قراءة محل تقديرات، فتُلغى أولًا الفواتير المبنية عليها: {invoices}").into())
            }
            Self::PrepaidIsNotEstimated => ("PREPAID_IS_NOT_ESTIMATED", "لا تُقدر قراءة عداد مسبق الدفع".into()),
            Self::NothingToEstimateFrom => ("NOTHING_TO_ESTIMATE_FROM", "لا يوجد ما يُبنى عليه التقدير".into()),
            Self::LaterReadingKnown(id) => ("LATER_READING_KNOWN", format!("القراءة {id} في ذلك الوقت أو بعده").into()),
            Self::NoDaysToEstimate => ("NO_DAYS_TO_ESTIMATE", "لم يمض يوم منذ آخر قراءة".into()),
            Self::VisitDue { estimates } => ("VISIT_DUE", format!("{estimates} تقديرات متتالية: يجب أن يقرأ أحد العداد").into()),
            Self::EstimateTooLarge => ("ESTIMATE_TOO_LARGE", "التقدير يتجاوز نهاية السجل مرتين".into()),
        }
    }
}

fn state(status: Status) -> &'static str {
    match status {
        Status::InStock => "في المخزن",
        Status::Reserved => "محجوز",
        Status::Installed => "مركب",
        Status::Disconnected => "مفصول",
        Status::Removed => "مفكوك",
        Status::OnBench => "على منصة الاختبار",
        Status::Scrapped => "مُخرَّد",
    }
}

fn finding(check: Check) -> &'static str {
    match check {
        Check::ZeroConsumption => "لا استهلاك",
        Check::ConsumptionWhileDisconnected => "استهلاك والخدمة مفصولة",
        Check::NegativeConsumption => "استهلاك سالب",
        Check::HighConsumption => "استهلاك مرتفع",
        Check::LowConsumption => "استهلاك منخفض",
        Check::IntervalSpike => "قفزة في إحدى الفترات",
        Check::IntervalSum => "مجموع الفترات يخالف السجل",
        Check::MultiplierMismatch => "المضاعف يخالف المسجل",
        Check::DigitsOverflow => "رقم أكبر من سعة السجل",
        Check::DateInFuture => "تاريخ في المستقبل",
        Check::DateBeforePrevious => "تاريخ قبل القراءة السابقة",
        Check::NotInstalled => "العداد غير مركب",
        Check::ProlongedEstimation => "طال الاعتماد على التقدير",
        Check::UnverifiedCustomerReads => "قراءات متتالية من المشترك دون تحقق",
    }
}
