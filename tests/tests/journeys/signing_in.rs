//! People come in, stay for a while, and go; others are kept out.

use chrono::{Duration, Utc};
use daftar_api::{auth::code_of, caller::Role};
use expect_test::expect;
use serde_json::{Value, json};

use super::{
    house::{ADMIN, House, PASSWORD, SIGN_IN, Way},
    problems,
};

const ME: &str = "{ me { userName roles accountIds hasSecondFactor } }";

fn tokens(answer: &Value, mutation: &str) -> (String, String) {
    let token = |name: &str| answer["data"][mutation][name].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
    (token("accessToken"), token("refreshToken"))
}

fn sign_in(house: &House, name: &str, password: &str) -> Value {
    house.ask("", "en", SIGN_IN, json!({ "name": name, "password": password }))
}

#[tokio::test(flavor = "multi_thread")]
async fn who_signs_in_is_known_until_they_sign_out() {
    let house = House::build(Way::Postgres).await;
    let (access, _) = tokens(&sign_in(&house, " ADMIN", PASSWORD), "signIn");
    expect![[r#"{"me":{"accountIds":[],"hasSecondFactor":false,"roles":["ADMIN"],"userName":"admin"}}"#]]
        .assert_eq(&house.ask(&access, "en", ME, json!({}))["data"].to_string());

    let sessions = house.ask(&access, "en", "{ sessions { current address agent } }", json!({}));
    expect![[r#"{"sessions":[{"address":"127.0.0.1","agent":null,"current":true},{"address":"127.0.0.1","agent":null,"current":false}]}"#]]
        .assert_eq(&sessions["data"].to_string());

    assert_eq!(house.ask(&access, "en", "mutation { signOut }", json!({}))["data"]["signOut"], true);
    expect![[r#"
        TOKEN_REFUSED -: this token is not valid or no longer so: sign in again
        TOKEN_REFUSED -: انتهت صلاحية الدخول: سجّل الدخول من جديد
        UNAUTHENTICATED -: sign in first
        UNAUTHENTICATED -: sign in first
    "#]]
    .assert_eq(
        &[
            house.ask(&access, "en", ME, json!({})),
            house.ask(&access, "ar", ME, json!({})),
            house.ask("", "en", ME, json!({})),
            house.ask("", "en", "mutation { signOut }", json!({})),
        ]
        .iter()
        .map(problems)
        .collect::<String>(),
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_good_once_and_its_copy_ends_the_session() {
    const REFRESH: &str = "mutation Refresh($token: String!) { refreshSession(refreshToken: $token) { accessToken refreshToken } }";
    let house = House::build(Way::Postgres).await;
    let refresh = |token: &str| house.ask("", "en", REFRESH, json!({ "token": token }));
    let (_, first) = tokens(&sign_in(&house, ADMIN, PASSWORD), "signIn");
    let (access, second) = tokens(&refresh(&first), "refreshSession");
    assert!(house.ask(&access, "en", ME, json!({}))["errors"].is_null());

    let answers = [refresh(&first), house.ask(&access, "en", ME, json!({})), refresh(&second), refresh("nonsense")];
    expect![[r#"
        TOKEN_REUSED -: this token was used before, so the session was ended: sign in again
        TOKEN_REFUSED -: this token is not valid or no longer so: sign in again
        TOKEN_REFUSED -: this token is not valid or no longer so: sign in again
        TOKEN_REFUSED -: this token is not valid or no longer so: sign in again
    "#]]
    .assert_eq(&answers.iter().map(problems).collect::<String>());
    assert!(house.graphql("en", ME, json!({}))["errors"].is_null(), "other sessions stay");
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_are_old_forged_or_unsigned_open_nothing() {
    let house = House::build(Way::Postgres).await;
    let now = Utc::now();
    let bearer = house.app.auth.tokens().bearer(&house.admin, now).unwrap();
    let expired = house.app.auth.tokens().access(bearer, now - Duration::minutes(16), now - Duration::minutes(1));
    let [_, claims, signature]: [&str; 3] = house.admin.split('.').collect::<Vec<_>>().try_into().unwrap();
    // {"alg":"none","typ":"JWT"}
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{claims}.");
    let forged = format!("{}x", &house.admin[..house.admin.len() - 1]);
    for (token, why) in [(&expired, "expired"), (&unsigned, "unsigned"), (&forged, "forged"), (&signature.to_owned(), "no token")] {
        let authorization = format!("Bearer {token}");
        let headers = [("Content-Type", "application/json"), ("Authorization", authorization.as_str())];
        let answer = house.post(&headers, &json!({ "query": ME }).to_string());
        assert_eq!((answer.status, answer.header("WWW-Authenticate")), (401, Some("Bearer")), "{why}");
        assert!(problems(&answer.json()).starts_with("TOKEN_REFUSED -: "), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_wrong_passwords_are_answered_without_hashing_them() {
    let house = House::build(Way::Postgres).await;
    let begun = std::time::Instant::now();
    let wrong = |name: &str| problems(&sign_in(&house, name, "wrong password"));
    let (known, unknown): (Vec<_>, Vec<_>) = (0..6).map(|_| (wrong(ADMIN), wrong("nobody.at.all"))).unzip();
    assert_eq!(known[..5], unknown[..5], "whether a name is there does not show");
    assert_eq!(known[0], "BAD_CREDENTIALS -: the user name or the password is wrong\n");
    assert!(
        known[5].starts_with("LOCKED_OUT -: too many failed tries: try again in ") && unknown[5].starts_with("LOCKED_OUT"),
        "{known:?}"
    );

    // A lock of half a minute, and each that follows is twice as long: the slower the machine, the more tries are looked at, and hardly more.
    let looked_at = (0..10_000).filter(|_| wrong(ADMIN).starts_with("BAD_CREDENTIALS")).count();
    println!("10,000 wrong passwords took {:?}", begun.elapsed());
    let locks_over = (begun.elapsed().as_secs() / 30 + 1).ilog2();
    assert!(looked_at <= usize::try_from(locks_over).unwrap(), "{looked_at} of 10,000 were looked at in {:?}", begun.elapsed());
    let refused = sign_in(&house, ADMIN, PASSWORD);
    assert!(problems(&refused).starts_with("LOCKED_OUT"), "the right one waits, too");
    let wait = &refused["errors"][0]["extensions"]["retryAfter"];
    assert!(wait.as_u64().is_some_and(|seconds| (1..=30 << locks_over).contains(&seconds)), "{wait}");

    let audited: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM daftar_log.events WHERE type = 'ActNoted' AND convert_from(data, 'utf8') LIKE '%refused%'",
    )
    .fetch_one(&house.read_models)
    .await
    .unwrap();
    assert_eq!(audited, 5, "refusals are noted, and floods of them are not");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authenticator_is_asked_for_once_it_was_shown() {
    const ENROL: &str = "mutation Enrol($password: String!) { enrolSecondFactor(password: $password) { secret uri } }";
    const CONFIRM: &str = "mutation Confirm($code: String!) { confirmSecondFactor(code: $code) }";
    let house = House::build(Way::Postgres).await;
    let enrolled = house.graphql("en", ENROL, json!({ "password": PASSWORD }));
    let secret = enrolled["data"]["enrolSecondFactor"]["secret"].as_str().unwrap_or_else(|| panic!("{enrolled}"));
    assert!(enrolled["data"]["enrolSecondFactor"]["uri"].as_str().unwrap().ends_with(&format!("?secret={secret}&issuer=Daftar")));
    assert!(sign_in(&house, ADMIN, PASSWORD)["errors"].is_null(), "it does not count yet");
    let code = |minutes: i64| code_of(secret, Utc::now() + Duration::minutes(minutes)).unwrap();
    let confirm = |code: String| house.graphql("en", CONFIRM, json!({ "code": code }));
    let with = |code: Option<String>| house.ask("", "en", SIGN_IN, json!({ "name": ADMIN, "password": PASSWORD, "code": code }));

    let refused = [house.graphql("en", ENROL, json!({ "password": "wrong password" })), confirm(code(10))];
    let this_one = code(0);
    assert_eq!(confirm(this_one.clone())["data"]["confirmSecondFactor"], true);
    let refused: String = refused.iter().chain(&[with(None), with(Some(code(10))), with(Some(this_one))]).map(problems).collect();
    expect![[r#"
        BAD_CREDENTIALS -: the user name or the password is wrong
        SECOND_FACTOR_WRONG -: the authenticator's code is wrong or was used before
        SECOND_FACTOR_NEEDED -: give the code from the authenticator, too
        SECOND_FACTOR_WRONG -: the authenticator's code is wrong or was used before
        SECOND_FACTOR_WRONG -: the authenticator's code is wrong or was used before
    "#]]
    .assert_eq(&refused);
    // The next step's code: a clock may be that much ahead.
    let next = code_of(secret, Utc::now() + Duration::seconds(30)).unwrap();
    assert!(with(Some(next))["errors"].is_null());
    assert_eq!(house.graphql("en", ME, json!({}))["data"]["me"]["hasSecondFactor"], true);
    let clear: i64 =
        sqlx::query_scalar("SELECT count(*) FROM daftar_auth.second_factor WHERE convert_from(secret, 'utf8') LIKE '%' || $1 || '%'")
            .bind(secret)
            .fetch_one(&house.read_models)
            .await
            .unwrap();
    assert_eq!(clear, 0, "the secret is sealed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_ends_the_other_sessions() {
    const CHANGE: &str = "mutation Change($old: String!, $new: String!) { changePassword(currentPassword: $old, newPassword: $new) }";
    let house = House::build(Way::Postgres).await;
    let mine = house.sign_in(ADMIN);
    let change = |old: &str, new: &str| house.ask(&mine, "en", CHANGE, json!({ "old": old, "new": new }));
    expect![[r#"
        BAD_CREDENTIALS -: the user name or the password is wrong
        INVALID_INPUT newPassword: it must not be shorter than 10 characters
    "#]]
    .assert_eq(&(problems(&change("wrong password", "another good one")) + &problems(&change(PASSWORD, "short"))));
    assert_eq!(change(PASSWORD, "another good one")["data"]["changePassword"], true);
    assert!(problems(&house.graphql("en", ME, json!({}))).starts_with("TOKEN_REFUSED"));
    assert!(house.ask(&mine, "en", ME, json!({}))["errors"].is_null());
    assert!(problems(&sign_in(&house, ADMIN, PASSWORD)).starts_with("BAD_CREDENTIALS"));
    assert!(sign_in(&house, ADMIN, "another good one")["errors"].is_null());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_looks_after_staff_and_nobody_after_themselves() {
    const REGISTER: &str = "mutation Register($name: String!, $roles: [Role!]!, $key: String!) {
        registerStaff(input: { userName: $name, roles: $roles, password: \"correct horse battery\" }, idempotencyKey: $key) }";
    const CHANGE: &str =
        "mutation Change($user: ID!, $roles: [Role!]!, $key: String!) { changeRoles(userId: $user, roles: $roles, idempotencyKey: $key) }";
    const DEACTIVATE: &str =
        "mutation Off($user: ID!, $key: String!) { deactivateUser(userId: $user, reason: \"left\", idempotencyKey: $key) }";
    let house = House::build(Way::Postgres).await;
    let register =
        |key: &str, name: &str, roles: &[&str]| house.graphql("en", REGISTER, json!({ "name": name, "roles": roles, "key": key }));
    let registered = register("k1", "Noura", &["CASHIER"]);
    let noura = registered["data"]["registerStaff"].as_str().unwrap_or_else(|| panic!("{registered}")).to_owned();
    assert_eq!(register("k1", "noura", &["CASHIER"]), registered, "a retry is answered as the first try was");
    let name_in_clear: i64 = sqlx::query_scalar("SELECT count(*) FROM daftar_log.events WHERE convert_from(data, 'utf8') ILIKE '%noura%'")
        .fetch_one(&house.read_models)
        .await
        .unwrap();
    assert_eq!(name_in_clear, 0);

    let token = house.sign_in("noura");
    let me = || house.ask(&token, "en", ME, json!({}));
    assert_eq!(me()["data"]["me"]["roles"], json!(["CASHIER"]));
    let change = |as_whom: &str, user: &str, roles: &[&str], key: &str| {
        house.ask(as_whom, "en", CHANGE, json!({ "user": user, "roles": roles, "key": key }))
    };
    let admin = house.app.auth.tokens().bearer(&house.admin, Utc::now()).unwrap().user.to_string();
    let refused = [
        register("k2", "noura", &["BILLING"]),
        register("k3", "x", &["BILLING"]),
        register("k4", "omar", &[]),
        change(&token, &noura, &["ADMIN"], "k5"),
        change("", &noura, &["ADMIN"], "k5"),
        change(&house.admin, &admin, &["CASHIER"], "k6"),
        change(&house.admin, "seven", &["CASHIER"], "k7"),
        change(&house.admin, "00000000-0000-0000-0000-000000000007", &["CASHIER"], "k8"),
        house.graphql("en", DEACTIVATE, json!({ "user": admin, "key": "k9" })),
    ];
    expect![[r#"
        USER_NAME_TAKEN -: somebody else has this user name
        INVALID_INPUT userName: it must not be shorter than 3 characters
        NO_ROLE -: a member of staff has at least one role
        FORBIDDEN -: you are not allowed to do this
        UNAUTHENTICATED -: sign in first
        NOT_ON_ONESELF -: nobody changes their own roles or deactivates themselves
        INVALID_INPUT userId: it is not an id
        NO_SUCH_USER -: there is no such user
        NOT_ON_ONESELF -: nobody changes their own roles or deactivates themselves
    "#]]
    .assert_eq(&refused.iter().map(problems).collect::<String>());

    assert_eq!(change(&house.admin, &noura, &["FINANCE", "AUDITOR"], "k10")["data"]["changeRoles"], true);
    assert_eq!(me()["data"]["me"]["roles"], json!(["FINANCE", "AUDITOR"]), "at once, in the session that was open");
    assert_eq!(house.graphql("en", DEACTIVATE, json!({ "user": noura, "key": "k11" }))["data"]["deactivateUser"], true);
    assert!(problems(&me()).starts_with("TOKEN_REFUSED"));
    assert!(problems(&sign_in(&house, "noura", PASSWORD)).starts_with("BAD_CREDENTIALS"));

    let acts = acts(&house).await;
    expect![[r#"
        changeRoles done
        changeRoles refused FORBIDDEN
        changeRoles refused NOT_ON_ONESELF
        deactivateUser done
        deactivateUser refused NOT_ON_ONESELF
        registerStaff done
        registerStaff done
        signIn done
        signIn done
        signIn refused BAD_CREDENTIALS
    "#]]
    .assert_eq(&acts);
}

/// What the audit holds, in alphabetical order.
async fn acts(house: &House) -> String {
    let noted: Vec<String> =
        sqlx::query_scalar("SELECT convert_from(data, 'utf8') FROM daftar_log.events WHERE type = 'ActNoted' ORDER BY 1")
            .fetch_all(&house.read_models)
            .await
            .unwrap();
    let mut lines: Vec<String> = noted
        .iter()
        .map(|noted| {
            let act: Value = serde_json::from_str(noted).unwrap();
            assert!(act["from"]["ciphertext"].is_string(), "{act}");
            let outcome = act["outcome"]["refused"].as_str().map_or("done".to_owned(), |code| format!("refused {code}"));
            format!("{} {outcome}\n", act["act"].as_str().unwrap())
        })
        .collect();
    lines.sort();
    lines.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_is_ended_from_another_and_a_strangers_from_nowhere() {
    const REVOKE: &str = "mutation Revoke($id: ID!) { revokeSession(sessionId: $id) }";
    let house = House::build(Way::Postgres).await;
    let cashier = house.staff("cashier", Role::Cashier).await;
    let ids = |token: &str| house.ask(token, "en", "{ sessions { id current } }", json!({}))["data"]["sessions"].clone();
    let (phone, admins) = (house.sign_in("cashier"), ids(&house.admin));
    let phones = ids(&cashier)[0]["id"].clone();
    expect![[r#"
        NOT_FOUND -: not found
        INVALID_INPUT sessionId: it is not an id
    "#]]
    .assert_eq(
        &(problems(&house.ask(&cashier, "en", REVOKE, json!({ "id": admins[0]["id"] })))
            + &problems(&house.ask(&cashier, "en", REVOKE, json!({ "id": "seven" })))),
    );
    assert_eq!(house.ask(&cashier, "en", REVOKE, json!({ "id": phones }))["data"]["revokeSession"], true);
    assert!(problems(&house.ask(&phone, "en", ME, json!({}))).starts_with("TOKEN_REFUSED"));
    assert_eq!(ids(&cashier).as_array().unwrap().len(), 1);
    assert_eq!(house.graphql("en", REVOKE, json!({ "id": ids(&cashier)[0]["id"] }))["data"]["revokeSession"], true, "an admin may");
    assert!(problems(&house.ask(&cashier, "en", ME, json!({}))).starts_with("TOKEN_REFUSED"));
}

/// Text that would be SQL, a script or another header if anybody took it for one.
#[tokio::test(flavor = "multi_thread")]
async fn hostile_text_is_only_text() {
    let house = House::build(Way::Postgres).await;
    for text in
        ["'; DROP TABLE daftar_auth.password; --", "\" OR \"\"=\"", "<script>alert(1)</script>", "a\r\nSet-Cookie: a=b", "${jndi:ldap://x}"]
    {
        for (name, password) in [(text, PASSWORD), (ADMIN, text)] {
            assert_eq!(problems(&sign_in(&house, name, password)), "BAD_CREDENTIALS -: the user name or the password is wrong\n", "{text}");
            sqlx::query("DELETE FROM daftar_auth.attempts").execute(&house.read_models).await.unwrap();
        }
    }
    let name = "<script>alert(1)</script>';--";
    let register = "mutation R($name: String!) { registerStaff(input: { userName: $name, roles: [AUDITOR], password: \"correct horse battery\" }, idempotencyKey: \"<k>'\") }";
    assert!(house.graphql("en", register, json!({ "name": name }))["errors"].is_null());
    assert_eq!(house.ask(&house.sign_in(name), "en", ME, json!({}))["data"]["me"]["userName"], name);
}
