use chrono::NaiveDate;
use daftar_domain::{
    BillingEvent, Currency, Position, Reason, Sealed, SealedFor, VatCategory,
    account::{
        self, AccountNumber, AccountOpened, AccountReclassified, AddressKind, ContactKind, CurrencyChosen, CustomerClass, HolderRenamed,
        Language, LanguageChosen,
    },
    ids::AccountId,
};
use daftar_projections::{
    AsOf,
    accounts::{self, Accounts},
};
use expect_test::expect;
use uuid::Uuid;

use crate::spec::{database, project_all, projecting};

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
                {"account_id":"00000000-0000-0000-0000-000000000003","holder_name":"{\"key\":\"contact\",\"ciphertext\":\"AQID\",\"fingerprint\":\"CQkJCQkJCQkJCQkJCQkJCQ\"}","class":"agricultural","currency":"USD","language":"arabic","position":60}
            "#]],
        )
        .await;
}

/// One of every event of an account, on account 7.
fn everything() -> Vec<(Uuid, BillingEvent)> {
    account::example::events().into_iter().map(|event| happened(7, event)).collect()
}

#[tokio::test]
async fn every_event_of_an_account_leaves_its_mark() {
    projecting::<Accounts>()
        .given(everything().into_iter().take(15))
        .when(everything().into_iter().skip(15))
        .then(
            "SELECT 1, class || ' from ' || effective_on || coalesce(' as ' || reason, '') AS said, position FROM read_accounts.class
             UNION SELECT 2, encode(holder_name, 'escape') || ' from ' || effective_on, position FROM read_accounts.holder
             UNION SELECT 3, standing || ' from ' || effective_on || coalesce(' as ' || reason, ''), position FROM read_accounts.standing
             UNION SELECT 4, category || ' ' || reason || ' from ' || valid_from || ' to ' || valid_to, position FROM read_accounts.vat_status
             UNION SELECT 5, 'contacts and addresses left', (SELECT count(*) FROM read_accounts.contact) + (SELECT count(*) FROM read_accounts.address)
             UNION SELECT 6, concat_ws(' ', class, currency, language, allocation_policy, standing, identity_kind, identity_expires_on, ledger_account, closed_on,
                                       'revision', revision, 'number', number), position FROM read_accounts.account
             ORDER BY 1, 3",
            expect![[r#"
                {"?column?":1,"said":"residential from 2024-01-31","position":1}
                {"?column?":1,"said":"commercial from 2024-06-01 as shop opened","position":2}
                {"?column?":2,"said":"{\"key\":\"contact\",\"ciphertext\":\"AQID\",\"fingerprint\":\"CQkJCQkJCQkJCQkJCQkJCQ\"} from 2024-01-31","position":1}
                {"?column?":2,"said":"{\"key\":\"contact\",\"ciphertext\":\"BQUF\",\"fingerprint\":\"BQUFBQUFBQUFBQUFBQUFBQ\"} from 2024-06-01","position":3}
                {"?column?":3,"said":"active from 2024-01-31","position":1}
                {"?column?":3,"said":"suspended from 2024-07-01 as asked for","position":23}
                {"?column?":3,"said":"active from 2024-08-01 as asked for","position":24}
                {"?column?":3,"said":"closed from 2024-10-01 as moved away","position":58}
                {"?column?":4,"said":"E VATEX-SA-DIPLOMAT from 2024-02-01 to 2025-02-01","position":13}
                {"?column?":5,"said":"contacts and addresses left","position":0}
                {"?column?":6,"said":"commercial USD english proRata closed national-id 2030-01-01 1100.0007 2024-10-01 revision 57 number 1000000008","position":58}
            "#]],
        )
        .await;
}

#[tokio::test]
async fn contacts_and_addresses_are_as_last_said_until_they_are_removed() {
    let not_removed = everything().into_iter().filter(|(_, event)| {
        !matches!(event, BillingEvent::Account(account::Event::ContactRemoved(_) | account::Event::AddressRemoved(_)))
    });
    let (_database, pool) = database().await;
    project_all::<Accounts>(&pool, not_removed).await;
    let id = AccountId::new(Uuid::from_u128(7));
    let (contacts, addresses) = (accounts::contacts(&pool, id).await.unwrap(), accounts::addresses(&pool, id).await.unwrap());
    let [contact] = &contacts[..] else { panic!("{contacts:?}") };
    assert_eq!((contact.kind, contact.value.ciphertext()), (ContactKind::Mobile, &[4, 4, 4][..]));
    assert_eq!(contact.name.as_ref().map(|name| name.ciphertext().to_owned()), Some(vec![3, 3, 3]));
    let [address] = &addresses[..] else { panic!("{addresses:?}") };
    assert_eq!((address.kind, address.text.ciphertext()), (AddressKind::Billing, &[2, 2, 2][..]));
}

#[tokio::test]
async fn what_applies_and_what_was_known_are_asked_apart() {
    let (_database, pool) = database().await;
    project_all::<Accounts>(&pool, everything()).await;
    let id = AccountId::new(Uuid::from_u128(7));
    let (reclassified, exempted) = (Position::single(2), Position::single(13));
    for (as_of, class) in [
        (AsOf::now_known(day("2024-01-30")), None),
        (AsOf::now_known(day("2024-01-31")), Some(CustomerClass::Residential)),
        (AsOf::now_known(day("2024-05-31")), Some(CustomerClass::Residential)),
        (AsOf::now_known(day("2024-06-01")), Some(CustomerClass::Commercial)),
        (AsOf::recorded(reclassified, day("2024-06-01")), Some(CustomerClass::Commercial)),
        (AsOf::recorded(Position::single(1), day("2024-06-01")), Some(CustomerClass::Residential)),
    ] {
        assert_eq!(accounts::class_on(&pool, id, as_of).await.unwrap(), class, "{as_of:?}");
    }
    let exempt = Some((VatCategory::E, Some("VATEX-SA-DIPLOMAT".to_owned())));
    for (as_of, status) in [
        (AsOf::now_known(day("2024-01-31")), None),
        (AsOf::now_known(day("2024-02-01")), exempt.clone()),
        (AsOf::now_known(day("2025-01-31")), exempt.clone()),
        (AsOf::now_known(day("2025-02-01")), None),
        (AsOf::recorded(exempted, day("2024-02-01")), exempt),
        (AsOf::recorded(Position::single(12), day("2024-02-01")), None),
    ] {
        assert_eq!(accounts::vat_status_on(&pool, id, as_of).await.unwrap(), status, "{as_of:?}");
    }
}

#[tokio::test]
async fn a_subsidy_is_shown_as_far_as_it_was_not_ended_since() {
    use account::{SubsidyEnded, SubsidyGranted, example::subsidy_granted};
    let granted = |from: &str, to: Option<&str>| SubsidyGranted { from: day(from), to: to.map(day), ..subsidy_granted() };
    let ended = |on: &str| SubsidyEnded { scheme: subsidy_granted().scheme, on: day(on), reason: account::example::reason("moved") };
    let other = SubsidyGranted { scheme: account::example::code("farms"), ..granted("2024-05-01", None) };
    let (_database, pool) = database().await;
    let events = [
        account::example::opened(),
        granted("2024-02-01", None).into(),
        ended("2024-06-01").into(),
        granted("2024-08-01", Some("2024-12-01")).into(),
        // Not any more, nor what was granted for later; what comes after that is another word.
        ended("2024-10-01").into(),
        ended("2024-04-01").into(),
        granted("2025-01-01", None).into(),
        other.into(),
    ];
    project_all::<Accounts>(&pool, events.map(|event| (Uuid::from_u128(7), event.into()))).await;
    let found = accounts::subsidies_of(&pool, &[AccountId::new(Uuid::from_u128(7)), AccountId::new(Uuid::from_u128(8))]).await.unwrap();
    let said: Vec<_> =
        found.iter().map(|(_, subsidy)| format!("{} {} {:?}", subsidy.scheme, subsidy.from, subsidy.to.map(|to| to.to_string()))).collect();
    assert_eq!(said, ["homes 2025-01-01 None", "farms 2024-05-01 None", r#"homes 2024-02-01 Some("2024-04-01")"#]);
    assert_eq!((found[0].1.proof.as_str(), found[0].1.renew_by), ("decision 2024/117", Some(day("2025-02-01"))));
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}
