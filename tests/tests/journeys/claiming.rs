//! Customers show that an account is theirs, and see it and no other.

use chrono::Utc;
use daftar_domain::{
    Actor, Sealed, SealedFor, StreamName,
    account::{Account, AddContact, Command, Contact, ContactKind},
    ids::{AccountId, ContactId},
};
use daftar_store::CommandContext;
use expect_test::expect;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    house::{House, PASSWORD, Way},
    problems,
};

const OPEN: &str =
    "mutation Open($key: String!, $number: String!) { openAccount(idempotencyKey: $key, input: { holderName: \"نورة\", number: $number,
    class: RESIDENTIAL, currency: \"SAR\", language: ENGLISH, openedOn: \"2026-01-31\" }) { accountId } }";
const CLAIM: &str =
    "mutation Claim($number: String!, $phone: String!) { claimAccount(accountNumber: $number, phone: $phone) { claimId expiresAt } }";
const CONFIRM: &str = "mutation Confirm($claim: ID!, $code: String!, $new: NewCustomerInput) { confirmClaim(claimId: $claim, code: $code, newCustomer: $new) }";

/// An account that is reached at this mobile.
async fn account(house: &House, number: &str, mobile: &str) -> AccountId {
    let opened = house.graphql("en", OPEN, json!({ "key": number, "number": number }));
    let id = opened["data"]["openAccount"]["accountId"].as_str().unwrap_or_else(|| panic!("{opened}"));
    let account = AccountId::new(id.parse().unwrap());
    let value = house.app.keyring.seal(account, SealedFor::Contact, mobile).await.unwrap();
    let contact = Contact { kind: ContactKind::Mobile, name: None, value };
    let add = Command::AddContact(AddContact { contact_id: ContactId::new(Uuid::from_u128(1)), contact });
    let context = CommandContext::new(Actor::job("test"), "addContact", "k", Utc::now());
    let added = house.app.engine.execute::<Account>(&StreamName::of::<Account>(account), &context, add).await.unwrap();
    house.app.readable.reached("accounts", added.position().unwrap(), std::time::Duration::from_secs(10)).await.unwrap();
    account
}

/// Somebody who has claimed their account, and signed in.
pub struct Customer {
    pub account: Value,
    pub token: String,
}

pub async fn customer(house: &House, number: &str, mobile: &str, name: &str) -> Customer {
    let account = account(house, number, mobile).await;
    let claim = claim(house, "", number, mobile);
    let new = json!({ "userName": name, "password": PASSWORD });
    let confirmed = house.ask("", "en", CONFIRM, json!({ "claim": claim, "code": code(house, &claim).await, "new": new }));
    assert!(confirmed["data"]["confirmClaim"].is_string(), "{confirmed}");
    Customer { account: account.to_string().into(), token: house.sign_in(name) }
}

pub fn claim(house: &House, token: &str, number: &str, phone: &str) -> String {
    let claimed = house.ask(token, "en", CLAIM, json!({ "number": number, "phone": phone }));
    claimed["data"]["claimAccount"]["claimId"].as_str().unwrap_or_else(|| panic!("{claimed}")).to_owned()
}

/// What waits to be sent to whom, for a claim.
async fn message(house: &House, claim: &str) -> Option<(String, String)> {
    let find = "SELECT account_id, recipient, text FROM daftar_auth.outbox WHERE message_id = $1::uuid";
    let (account, recipient, text): (Uuid, Vec<u8>, Vec<u8>) =
        sqlx::query_as(find).bind(claim).fetch_optional(&house.read_models).await.unwrap()?;
    let open = async |sealed: Vec<u8>| {
        let sealed: Sealed = serde_json::from_slice(&sealed).unwrap();
        house.app.keyring.open(AccountId::new(account), &sealed).await.unwrap().unwrap().reveal().to_owned()
    };
    Some((open(recipient).await, open(text).await))
}

pub async fn code(house: &House, claim: &str) -> String {
    let (_, text) = message(house, claim).await.expect("a message waits");
    text.chars().filter(char::is_ascii_digit).collect()
}

fn sees(house: &House, token: &str, account: AccountId) -> Value {
    house.ask(token, "en", "query See($id: ID!) { account(id: $id) { holderName } }", json!({ "id": account.to_string() }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_claims_an_account_and_then_another_and_sees_no_third() {
    let house = House::build(Way::Postgres).await;
    let (first, second, third) = (
        account(&house, "RUH-1", "+966 50 123 4567").await,
        account(&house, "RUH-2", "0501234567").await,
        account(&house, "RUH-3", "0509999999").await,
    );

    let claimed = claim(&house, "", "ruh-1", "٠٥٠١٢٣٤٥٦٧");
    let (recipient, text) = message(&house, &claimed).await.unwrap();
    assert_eq!(recipient, "٠٥٠١٢٣٤٥٦٧");
    assert!(text.starts_with("Your code to claim your account in Daftar: "), "{text}");
    let new = json!({ "userName": "noura", "password": PASSWORD });
    let confirm = |token: &str, claim: &str, code: &str, new: &Value| {
        house.ask(token, "en", CONFIRM, json!({ "claim": claim, "code": code, "new": new }))
    };
    let right = code(&house, &claimed).await;
    let confirmed = confirm("", &claimed, &right, &new);
    assert!(confirmed["data"]["confirmClaim"].is_string(), "{confirmed}");
    assert_eq!(confirm("", &claimed, &right, &new), confirmed, "a retry is answered as the first try was");

    let noura = house.sign_in("noura");
    assert_eq!(sees(&house, &noura, first)["data"]["account"]["holderName"], "نورة");
    assert!(problems(&sees(&house, &noura, second)).starts_with("NOT_FOUND"));

    let claimed = claim(&house, &noura, "RUH-2", "0501234567");
    assert_eq!(confirm(&noura, &claimed, &code(&house, &claimed).await, &Value::Null)["data"], confirmed["data"]);
    assert_eq!(sees(&house, &noura, second)["data"]["account"]["holderName"], "نورة", "at once, in the session that was open");
    assert!(problems(&sees(&house, &noura, third)).starts_with("NOT_FOUND"));
    let open = house.ask(&noura, "ar", OPEN, json!({ "key": "k", "number": "RUH-4" }));
    assert_eq!(problems(&open), "FORBIDDEN -: ليس لديك إذن بهذا\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_claims_wrongly_learns_nothing() {
    let house = House::build(Way::Postgres).await;
    account(&house, "RUH-1", "0501234567").await;
    let new = json!({ "userName": "mallory", "password": PASSWORD });
    let confirm =
        |claim: &str, code: &str, new: &Value| problems(&house.ask("", "en", CONFIRM, json!({ "claim": claim, "code": code, "new": new })));

    // No such account; not its phone; no phone at all. All are told that a code may be on its way.
    for (number, phone) in [("RUH-9", "0501234567"), ("RUH-1", "0501234568"), ("RUH-1", "1")] {
        let claimed = claim(&house, "", number, phone);
        assert_eq!(message(&house, &claimed).await, None);
        assert_eq!(confirm(&claimed, "000000", &new), "CLAIM_REFUSED -: the code is wrong or came too late\n");
    }
    let claimed = claim(&house, "", "RUH-1", "0501234567");
    let right = code(&house, &claimed).await;
    let wrong = if right == "123456" { "654321" } else { "123456" };
    expect![[r#"
        UNAUTHENTICATED -: sign in first
        INVALID_INPUT password: it must not be shorter than 10 characters
        INVALID_INPUT claimId: it is not an id
        CLAIM_REFUSED -: the code is wrong or came too late
    "#]]
    .assert_eq(
        &(confirm(&claimed, &right, &Value::Null)
            + &confirm(&claimed, &right, &json!({ "userName": "mallory", "password": "short" }))
            + &confirm("seven", &right, &new)
            + &confirm("00000000-0000-0000-0000-000000000007", &right, &new)),
    );
    for _ in 0..5 {
        assert!(confirm(&claimed, wrong, &new).starts_with("CLAIM_REFUSED"));
    }
    assert!(confirm(&claimed, &right, &new).starts_with("CLAIM_REFUSED"), "five tries were all");

    let knocks: Vec<_> = (0..4).map(|_| house.ask("", "en", CLAIM, json!({ "number": "RUH-1", "phone": "0501234567" }))).collect();
    assert!(problems(knocks.last().unwrap()).starts_with("LOCKED_OUT"), "a phone is not to ring all day: {knocks:?}");
}
