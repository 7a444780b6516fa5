//! Why somebody was not let in, or was not let do something with users.

use daftar_domain::user::Rejection;

use crate::language::Language;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Name or password: which of them is nobody's business.
    BadCredentials,
    SecondFactorNeeded,
    SecondFactorWrong,
    /// Too many failures in a row.
    LockedOut {
        seconds: u64,
    },
    TooManyRequests {
        seconds: u64,
    },
    /// A token that is not ours, or is over.
    TokenRefused,
    /// A refresh token was shown twice: the session has been ended.
    TokenReused,
    UserNameTaken,
    /// No such claim, a wrong code, or one too late.
    ClaimRefused,
    Rule(Rejection),
}

impl Refusal {
    /// Stable: programs compare it.
    pub fn code(self) -> &'static str {
        match self {
            Self::BadCredentials => "BAD_CREDENTIALS",
            Self::SecondFactorNeeded => "SECOND_FACTOR_NEEDED",
            Self::SecondFactorWrong => "SECOND_FACTOR_WRONG",
            Self::LockedOut { .. } => "LOCKED_OUT",
            Self::TooManyRequests { .. } => "TOO_MANY_REQUESTS",
            Self::TokenRefused => "TOKEN_REFUSED",
            Self::TokenReused => "TOKEN_REUSED",
            Self::UserNameTaken => "USER_NAME_TAKEN",
            Self::ClaimRefused => "CLAIM_REFUSED",
            Self::Rule(Rejection::NotRegistered) => "NO_SUCH_USER",
            Self::Rule(Rejection::AlreadyRegistered) => "USER_ALREADY_REGISTERED",
            Self::Rule(Rejection::Deactivated) => "USER_DEACTIVATED",
            Self::Rule(Rejection::NotStaff) => "NOT_STAFF",
            Self::Rule(Rejection::NotACustomer) => "NOT_A_CUSTOMER",
            Self::Rule(Rejection::NoRole) => "NO_ROLE",
            Self::Rule(Rejection::Oneself) => "NOT_ON_ONESELF",
        }
    }

    /// Whether it is worth a line in the audit: somebody may be trying doors.
    pub fn is_audited(code: &str) -> bool {
        let doors = [Self::BadCredentials, Self::SecondFactorWrong, Self::LockedOut { seconds: 0 }, Self::TokenReused, Self::ClaimRefused];
        code == "FORBIDDEN" || doors.iter().any(|door| door.code() == code) || code == Self::Rule(Rejection::Oneself).code()
    }

    pub fn retry_after(self) -> Option<u64> {
        match self {
            Self::LockedOut { seconds } | Self::TooManyRequests { seconds } => Some(seconds),
            _ => None,
        }
    }

    pub fn message(self, language: Language) -> String {
        let (arabic, english) = match self {
            Self::BadCredentials => ("اسم المستخدم أو كلمة المرور غير صحيحة", "the user name or the password is wrong"),
            Self::SecondFactorNeeded => ("أدخل الرمز من تطبيق المصادقة", "give the code from the authenticator, too"),
            Self::SecondFactorWrong => ("رمز المصادقة غير صحيح أو سبق استخدامه", "the authenticator's code is wrong or was used before"),
            Self::LockedOut { seconds } => {
                return language.choose(
                    format!("محاولات خاطئة كثيرة: حاول بعد {seconds} ثانية"),
                    format!("too many failed tries: try again in {seconds} seconds"),
                );
            }
            Self::TooManyRequests { seconds } => {
                return language.choose(
                    format!("طلبات كثيرة: حاول بعد {seconds} ثانية"),
                    format!("too many requests: try again in {seconds} seconds"),
                );
            }
            Self::TokenRefused => ("انتهت صلاحية الدخول: سجّل الدخول من جديد", "this token is not valid or no longer so: sign in again"),
            Self::TokenReused => (
                "استُخدم هذا الرمز من قبل فأُنهيت الجلسة: سجّل الدخول من جديد",
                "this token was used before, so the session was ended: sign in again",
            ),
            Self::UserNameTaken => ("اسم المستخدم هذا مأخوذ", "somebody else has this user name"),
            Self::ClaimRefused => ("الرمز غير صحيح أو انتهت صلاحيته", "the code is wrong or came too late"),
            Self::Rule(rule) => return language.choose(arabic(rule).to_owned(), rule.to_string()),
        };
        language.choose(arabic, english).to_owned()
    }
}

fn arabic(rule: Rejection) -> &'static str {
    match rule {
        Rejection::NotRegistered => "لا يوجد مستخدم كهذا",
        Rejection::AlreadyRegistered => "المستخدم مسجل بالفعل ببيانات أخرى",
        Rejection::Deactivated => "أُوقف هذا المستخدم",
        Rejection::NotStaff => "الأدوار للموظفين فقط",
        Rejection::NotACustomer => "ربط الحسابات للعملاء فقط",
        Rejection::NoRole => "لكل موظف دور واحد على الأقل",
        Rejection::Oneself => "لا أحد يغيّر أدواره أو يوقف نفسه",
    }
}
