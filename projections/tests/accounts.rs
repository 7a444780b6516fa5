use chrono::NaiveDate;
use daftar_domain::{
    BillingEvent, Currency, Reason, Sealed, SealedFor,
    account::AccountNumber,
    account::{self, AccountOpened, AccountReclassified, CurrencyChosen, CustomerClass, HolderRenamed, Language, LanguageChosen},
    ids::AccountId,
};
use daftar_projections::accounts::Accounts;
use expect_test::expect;
use uuid::Uuid;

use crate::spec::projecting;

pub fn opened(number: u128) -> AccountOpened {
    AccountOpened {
        account_id: AccountId::new(Uuid::from_u128(number)),
        number: AccountNumber::generated(AccountId::new(Uuid::from_u128(number)), 0),
        holder_name: Sealed::new(SealedFor::Contact, vec![1, 2, 3], [9; 16]),
        class: CustomerClass::Agricultural,
        currency: Currency::YER,
        language: Language::Arabic,
        opened_on: NaiveDate::from_ymd_opt(2024, 2, 29).unwrap(),
    }
}

fn event(number: u128) -> (Uuid, BillingEvent) {
    happened(number, opened(number))
}

fn happened(number: u128, event: impl Into<account::Event>) -> (Uuid, BillingEvent) {
    (Uuid::from_u128(number), BillingEvent::Account(event.into()))
}

#[tokio::test]
async fn an_opened_account_is_a_row_and_the_name_stays_sealed() {
    projecting::<Accounts>()
        .given([event(1)])
        .when([event(2)])
        .then(
            "SELECT account_id, convert_from(holder_name, 'utf8') AS holder_name, class, currency, language, opened_on, recorded_at, position
             FROM read_accounts.account ORDER BY account_id",
            expect![[r#"
                {"account_id":"00000000-0000-0000-0000-000000000001","holder_name":"{\"key\":\"contact\",\"ciphertext\":\"AQID\",\"fingerprint\":\"CQkJCQkJCQkJCQkJCQkJCQ\"}","class":"agricultural","currency":"YER","language":"arabic","opened_on":"2024-02-29","recorded_at":"2024-01-01T00:00:01+00:00","position":1}
                {"account_id":"00000000-0000-0000-0000-000000000002","holder_name":"{\"key\":\"contact\",\"ciphertext\":\"AQID\",\"fingerprint\":\"CQkJCQkJCQkJCQkJCQkJCQ\"}","class":"agricultural","currency":"YER","language":"arabic","opened_on":"2024-02-29","recorded_at":"2024-01-01T00:00:02+00:00","position":2}
            "#]],
        )
        .await;
}

#[tokio::test]
async fn many_accounts_in_any_batches_are_as_many_rows_and_the_checkpoint_is_at_the_last() {
    projecting::<Accounts>()
        .given((1..=20).map(event))
        .when((21..=50).map(event))
        .then(
            "SELECT (SELECT count(*) FROM read_accounts.account) AS accounts, commit_position, prepare_position
             FROM daftar_projections.checkpoint WHERE model = 'accounts'",
            expect![[r#"
                {"accounts":50,"commit_position":50,"prepare_position":50}
            "#]],
        )
        .await;
}

#[tokio::test]
async fn a_row_follows_what_changes_about_the_holder_and_nothing_else() {
    let effective_on = NaiveDate::from_ymd_opt(2024, 6, 1).unwrap();
    let reason = Reason::new("shop opened").unwrap();
    let renamed = |n| HolderRenamed {
        holder_name: Sealed::new(SealedFor::Contact, vec![n], [n; 16]),
        effective_on,
        reason: Reason::new("deed").unwrap(),
    };
    // The first six are an opening, the four changes and an identity.
    let others = account::example::events().into_iter().skip(6).map(|other| happened(3, other));
    projecting::<Accounts>()
        .given([event(1), event(2)])
        .when([happened(1, AccountReclassified { class: CustomerClass::Commercial, effective_on, reason }), happened(1, renamed(1))])
        .when([happened(1, renamed(2)), happened(2, LanguageChosen { language: Language::English })])
        .when([event(3), happened(3, CurrencyChosen { currency: Currency::USD })])
        .when(others)
        .then(
            "SELECT account_id, convert_from(holder_name, 'utf8') AS holder_name, class, currency, language, position
             FROM read_accounts.account ORDER BY account_id",
            expect![[r#"
                {"account_id":"00000000-0000-0000-0000-000000000001","holder_name":"{\"key\":\"contact\",\"ciphertext\":\"Ag\",\"fingerprint\":\"AgICAgICAgICAgICAgICAg\"}","class":"commercial","currency":"YER","language":"arabic","position":5}
                {"account_id":"00000000-0000-0000-0000-000000000002","holder_name":"{\"key\":\"contact\",\"ciphertext\":\"AQID\",\"fingerprint\":\"CQkJCQkJCQkJCQkJCQkJCQ\"}","class":"agricultural","currency":"YER","language":"english","position":6}
                {"account_id":"00000000-0000-0000-0000-000000000003","holder_name":"{\"key\":\"contact\",\"ciphertext\":\"AQID\",\"fingerprint\":\"CQkJCQkJCQkJCQkJCQkJCQ\"}","class":"agricultural","currency":"USD","language":"arabic","position":8}
            "#]],
        )
        .await;
}
