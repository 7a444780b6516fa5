//! Why somebody did not get what they asked for, in words for people and in codes for programs.

use std::borrow::Cow;

use async_graphql::ErrorExtensions;
use daftar_domain::{Code, reservation, user};
use daftar_projections::{QueryError, search::SearchError};
use daftar_store::{
    AppendError, ExecuteError, StoreError,
    keyring::{KeyringError, MasterKeyError},
};
use uuid::Uuid;

use crate::{auth, files::Unfit, language::Language, refusal::Refusal};

type Source = Box<dyn std::error::Error + Send + Sync>;

/// Seconds after which what was out of reach may be back.
const UNAVAILABLE_FOR: u64 = 5;

#[derive(Debug)]
pub enum Problem {
    /// What was typed cannot be meant.
    Invalid {
        /// As whoever typed it would write its place: `input.lines[2].amount`.
        field: Cow<'static, str>,
        flaw: Flaw,
    },
    /// Whoever asks has not signed in, and what they ask is not for everybody.
    Unauthenticated,
    /// Whoever asks has signed in, and may not do this.
    Forbidden,
    /// It is not there, or not yours: which of the two is nobody's business.
    NotFound,
    IdempotencyKeyReused,
    AccountNumberTaken,
    MeterSerialTaken,
    /// Not let in, or not let do it.
    Auth(auth::Refusal),
    /// The rules say no.
    Refused(Box<dyn Refusal>),
    UnknownGateway(Code),
    /// By its gateway, which has its own words for why.
    PaymentDeclined {
        gateway: Code,
        cause: Code,
    },
    Forgotten,
    /// A file that cannot be attached.
    Unfit(Unfit),
    /// Something we need is out of reach; the same request may succeed later.
    Unavailable(Source),
    /// Our own fault.
    Internal(Source),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    Blank,
    TooLong {
        longest: usize,
    },
    TooShort {
        shortest: usize,
    },
    NotAUserName,
    ControlCharacters,
    /// Of as many lines as somebody likes.
    NotPlainText,
    UnknownCurrency,
    NotAnId,
    NotAnAccountNumber,
    NotADate,
    /// Of a day.
    NotATime,
    NotADecimal,
    /// Below zero, beyond all bounds, or with too many decimals.
    NotAFigure,
    NotAQuantity,
    NotACode,
    /// It leads somewhere, or hides.
    NotAFileName,
    /// Of another list, or in another order.
    NotACursor,
    /// Of what changes with time, where a list is asked for as it was.
    OrderOfNow,
    NotAPeriod {
        longest: i64,
    },
    NotAnAmount {
        decimals: u32,
    },
    NotACount {
        least: u32,
        most: u32,
    },
    TooMany {
        most: usize,
    },
    /// An id, or a code, of something that has never been heard of.
    Unknown,
    /// Of something that is said to have happened.
    InTheFuture,
    /// A period or a due date that ends before it begins.
    EndsBeforeItBegins,
    /// In the words of whoever read the text: a file's format has no Arabic.
    Unreadable {
        reason: String,
    },
}

impl Problem {
    pub fn invalid(field: impl Into<Cow<'static, str>>, flaw: Flaw) -> Self {
        Self::Invalid { field: field.into(), flaw }
    }

    /// The same problem, of something that is part of something else.
    pub fn within(self, outer: &str) -> Self {
        match self {
            Self::Invalid { field, flaw } if field.is_empty() => Self::invalid(outer.to_owned(), flaw),
            Self::Invalid { field, flaw } => Self::invalid(format!("{outer}.{field}"), flaw),
            other => other,
        }
    }

    /// The same problem, where the field has another name.
    pub fn renamed(self, field: &'static str) -> Self {
        match self {
            Self::Invalid { flaw, .. } => Self::invalid(field, flaw),
            other => other,
        }
    }

    /// Stable: programs compare it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "INVALID_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
            Self::IdempotencyKeyReused => "IDEMPOTENCY_KEY_REUSED",
            Self::AccountNumberTaken => "ACCOUNT_NUMBER_TAKEN",
            Self::MeterSerialTaken => "METER_SERIAL_TAKEN",
            Self::Auth(refusal) => refusal.code(),
            Self::Refused(refusal) => refusal.words().0,
            Self::UnknownGateway(_) => "UNKNOWN_GATEWAY",
            Self::PaymentDeclined { .. } => "PAYMENT_DECLINED",
            Self::Forgotten => "FORGOTTEN",
            Self::Unfit(unfit) => match unfit {
                Unfit::Empty => "FILE_EMPTY",
                Unfit::TooLarge { .. } => "FILE_TOO_LARGE",
                Unfit::OtherKind => "FILE_OF_OTHER_KIND",
                Unfit::TooManyPixels { .. } => "IMAGE_TOO_LARGE",
                Unfit::Packed => "FILE_PACKED",
            },
            Self::Unavailable(_) => "UNAVAILABLE",
            Self::Internal(_) => "INTERNAL",
        }
    }

    pub fn message(&self, language: Language) -> String {
        let (arabic, english) = match self {
            Self::Invalid { flaw, .. } => return flaw.message(language),
            Self::Unauthenticated => ("يجب تسجيل الدخول أولًا", "sign in first"),
            Self::Forbidden => ("ليس لديك إذن بهذا", "you are not allowed to do this"),
            Self::NotFound => ("غير موجود", "not found"),
            Self::IdempotencyKeyReused => ("سبق استخدام مفتاح التكرار هذا لطلب آخر", "this idempotency key was used for another request"),
            Self::AccountNumberTaken => ("رقم الحساب هذا لحساب آخر", "another account has this number"),
            Self::MeterSerialTaken => ("للصانع عداد آخر بهذا الرقم التسلسلي", "another meter of this maker has this serial"),
            Self::Auth(refusal) => return refusal.message(language),
            Self::Refused(refusal) => return language.choose(refusal.words().1.into_owned(), refusal.to_string()),
            Self::UnknownGateway(name) => {
                return language.choose(format!("لا توجد بوابة دفع باسم {name}"), format!("there is no payment gateway `{name}`"));
            }
            Self::PaymentDeclined { gateway, cause } => {
                return language.choose(
                    format!("رفضت بوابة الدفع {gateway} العملية: {cause}"),
                    format!("the payment gateway {gateway} declined the payment: {cause}"),
                );
            }
            Self::Forgotten => ("مُحيت بيانات هذا الشخص بناءً على طلبه", "this person's data was erased at their request"),
            Self::Unfit(unfit) => {
                let arabic = match unfit {
                    Unfit::Empty => "الملف فارغ".into(),
                    Unfit::TooLarge { most } => format!("لا يزيد الملف على {most} بايت"),
                    Unfit::OtherKind => "لا يُرفق إلا صور JPEG وPNG ومستندات PDF، والمحتوى ليس منها أيًا كان اسمه".into(),
                    Unfit::TooManyPixels { most } => format!("لا تزيد الصورة على {most} بكسل"),
                    Unfit::Packed => "جاء الملف مضغوطًا، ولا يُقبل إلا كما هو".into(),
                };
                return language.choose(arabic, unfit.to_string());
            }
            Self::Unavailable(_) => ("الخدمة غير متاحة الآن، حاول بعد قليل", "the service is not available now, try again shortly"),
            Self::Internal(_) => ("حدث خطأ غير متوقع", "something went wrong"),
        };
        language.choose(arabic, english).to_owned()
    }

    /// After how many seconds the same request may succeed.
    pub fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Auth(refusal) => refusal.retry_after(),
            Self::Unavailable(_) => Some(UNAVAILABLE_FOR),
            _ => None,
        }
    }

    /// The answer to the person. What went wrong inside is logged here, once, under an id that the answer carries.
    pub fn answer(self, language: Language) -> async_graphql::Error {
        let (code, message, retry_after) = (self.code(), self.message(language), self.retry_after());
        let (field, incident) = match self {
            Self::Invalid { field, .. } => (Some(field), None),
            Self::Unauthenticated
            | Self::Forbidden
            | Self::NotFound
            | Self::IdempotencyKeyReused
            | Self::AccountNumberTaken
            | Self::MeterSerialTaken
            | Self::Auth(_)
            | Self::Refused(_)
            | Self::UnknownGateway(_)
            | Self::PaymentDeclined { .. }
            | Self::Unfit(_)
            | Self::Forgotten => (None, None),
            Self::Unavailable(source) | Self::Internal(source) => {
                let incident = Uuid::new_v4();
                tracing::error!(%incident, code, error = %format!("{:#}", anyhow::Error::from_boxed(source)), "a request failed");
                (None, Some(incident))
            }
        };
        async_graphql::Error::new(message).extend_with(|_, extensions| {
            extensions.set("code", code);
            if let Some(field) = field {
                extensions.set("field", field.as_ref());
            }
            if let Some(seconds) = retry_after {
                extensions.set("retryAfter", seconds);
            }
            if let Some(incident) = incident {
                extensions.set("incident", incident.to_string());
            }
        })
    }
}

/// On the command line, where whoever reads it may know what went wrong inside.
impl From<Problem> for anyhow::Error {
    fn from(problem: Problem) -> Self {
        let message = problem.message(Language::English);
        match problem {
            Problem::Unavailable(source) | Problem::Internal(source) => Self::from_boxed(source).context(message),
            _ => Self::msg(message),
        }
    }
}

impl Flaw {
    fn message(&self, language: Language) -> String {
        let (arabic, english) = match self {
            Self::Blank => ("لا يمكن تركه فارغًا", "it must not be blank"),
            Self::TooLong { longest } => {
                return language
                    .choose(format!("يجب ألا يتجاوز {longest} حرفًا"), format!("it must not be longer than {longest} characters"));
            }
            Self::TooShort { shortest } => {
                return language
                    .choose(format!("يجب ألا يقل عن {shortest} أحرف"), format!("it must not be shorter than {shortest} characters"));
            }
            Self::NotAUserName => ("اسم المستخدم كلمة واحدة بلا مسافات", "a user name is one word without blanks"),
            Self::ControlCharacters => ("يجب أن يكون سطرًا واحدًا من نص عادي", "it must be one line of plain text"),
            Self::NotPlainText => ("يجب أن يكون نصًا عاديًا", "it must be plain text"),
            Self::UnknownCurrency => ("عملة غير معروفة", "it is not a currency that is billed in"),
            Self::NotAnId => ("ليس معرّفًا صحيحًا", "it is not an id"),
            Self::NotAnAccountNumber => {
                ("يجب أن يكون من 1 إلى 20 حرفًا لاتينيًا أو رقمًا أو شرطة", "it must be 1 to 20 Latin letters, digits and hyphens")
            }
            Self::NotADate => ("يجب أن يكون تاريخًا مثل 2026-01-31", "it must be a date such as 2026-01-31"),
            Self::NotAFileName => ("يجب أن يكون اسم ملف بلا مسار", "it must be a file's name, and no way to somewhere"),
            Self::NotATime => ("يجب أن يكون وقتًا مثل 09:30", "it must be a time such as 09:30"),
            Self::NotAFigure => (
                "يجب ألا يقل عن الصفر، وأن يقل عن ألف مليون، بلا أكثر من 12 منزلة عشرية",
                "it must not be below zero, must be below a thousand million, and has at most 12 decimals",
            ),
            Self::NotAQuantity => {
                ("يجب ألا تقل الكمية عن الصفر، بلا أكثر من 6 منازل عشرية", "a quantity is not below zero and has at most 6 decimals")
            }
            Self::NotADecimal => ("يجب أن يكون عددًا مثل 12.50", "it must be a number such as 12.50"),
            Self::NotACode => ("يجب أن يكون من 1 إلى 64 حرفًا بلا مسافات", "it must be 1 to 64 characters without blanks"),
            Self::NotAnAmount { decimals } => {
                return language.choose(
                    format!("يجب أن يكون مبلغًا لا تزيد منازله العشرية على {decimals}"),
                    format!("it must be an amount with at most {decimals} decimals"),
                );
            }
            Self::NotACount { least, most } => {
                return language.choose(format!("يجب أن يكون من {least} إلى {most}"), format!("it must be from {least} to {most}"));
            }
            Self::TooMany { most } => {
                return language.choose(format!("يجب ألا يزيد العدد على {most}"), format!("there must not be more than {most}"));
            }
            Self::NotACursor => ("ليس موضعًا في هذه القائمة بهذا الترتيب", "it is not a place in this list in this order"),
            Self::OrderOfNow => (
                "لا تُرتَّب القائمة كما كانت في لحظة ماضية بما تغيّر منذ ذلك الحين",
                "a list as of a moment cannot be in this order, which has changed since",
            ),
            Self::NotAPeriod { longest } => {
                return language.choose(
                    format!("يجب أن يأتي بعد اليوم الأول، وألا تزيد المدة على {longest} يومًا"),
                    format!("it must come after the first day, and the period must not be longer than {longest} days"),
                );
            }
            Self::InTheFuture => ("لا يمكن أن يكون في المستقبل", "it must not be in the future"),
            Self::Unknown => ("لا يوجد شيء كهذا", "there is no such thing"),
            Self::EndsBeforeItBegins => ("يجب أن تكون النهاية بعد البداية", "it must end after it begins"),
            Self::Unreadable { reason } => return language.choose(format!("لا يمكن قراءته: {reason}"), reason.clone()),
        };
        language.choose(arabic, english).to_owned()
    }
}

impl<R: Refusal + 'static> From<R> for Problem {
    fn from(refusal: R) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl From<auth::Refusal> for Problem {
    fn from(refusal: auth::Refusal) -> Self {
        Self::Auth(refusal)
    }
}

impl From<user::Rejection> for Problem {
    fn from(rejection: user::Rejection) -> Self {
        Self::Auth(auth::Refusal::Rule(rejection))
    }
}

/// Each audited act has a stream that nobody else writes to.
impl From<user::audit::Rejection> for Problem {
    fn from(rejection: user::audit::Rejection) -> Self {
        Self::Internal(rejection.into())
    }
}

/// What is taken has a name where it is reserved: nobody should get to hear this.
impl From<reservation::Rejection> for Problem {
    fn from(rejection: reservation::Rejection) -> Self {
        match rejection {
            reservation::Rejection::Taken { .. } => Self::Internal(rejection.into()),
        }
    }
}

impl<R: std::error::Error + Send + Sync + Into<Problem> + 'static> From<ExecuteError<R>> for Problem {
    fn from(error: ExecuteError<R>) -> Self {
        match error {
            ExecuteError::Rejected(rejection) => rejection.into(),
            ExecuteError::IdempotencyKeyReused { .. } => Self::IdempotencyKeyReused,
            ExecuteError::Append(AppendError::Store(error)) | ExecuteError::Store(error) => error.into(),
            ExecuteError::Contended { .. } => Self::Unavailable(error.into()),
            ExecuteError::Unreadable(_) | ExecuteError::Append(_) => Self::Internal(error.into()),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable { .. } | StoreError::DeadlineExceeded { .. } => Self::Unavailable(error.into()),
            StoreError::AccessDenied { .. } | StoreError::StreamDeleted { .. } | StoreError::Failed { .. } => Self::Internal(error.into()),
        }
    }
}

impl From<KeyringError> for Problem {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Forgotten { .. } => Self::Forgotten,
            KeyringError::Database(error) => error.into(),
            KeyringError::MasterKey(MasterKeyError::Unavailable { .. }) => Self::Unavailable(error.into()),
            KeyringError::NoKey { .. }
            | KeyringError::DoesNotOpen { .. }
            | KeyringError::AnotherMasterKey { .. }
            | KeyringError::MasterKey(_) => Self::Internal(error.into()),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Database(error) => error.into(),
            QueryError::Malformed { .. } => Self::Internal(error.into()),
            // A cursor that was not made here.
            QueryError::NotASpot => Self::invalid("after", Flaw::NotACursor),
            QueryError::OrderOfNow => Self::invalid("orderBy", Flaw::OrderOfNow),
        }
    }
}

impl From<SearchError> for Problem {
    fn from(error: SearchError) -> Self {
        match error {
            SearchError::Keyring(error) => error.into(),
            SearchError::Query(error) => error.into(),
        }
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Protocol(_) => {
                Self::Unavailable(error.into())
            }
            // Shutting down, starting up, or out of connections.
            sqlx::Error::Database(refusal) if refusal.code().is_some_and(|code| code.starts_with("57") || code.starts_with("53")) => {
                Self::Unavailable(error.into())
            }
            _ => Self::Internal(error.into()),
        }
    }
}
