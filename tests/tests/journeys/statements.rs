//! How many SQL statements a list costs, as PostgreSQL counts them: as many for five members as for five hundred.

use expect_test::expect;
use serde_json::{Value, json};

use super::company::Company;

const NESTED: &str = "query Nested($accounts: Int!, $invoices: Int!) { accounts(first: $accounts) { totalCount nodes { number
    invoices(first: $invoices) { totalCount nodes {
        number total { amount } account { number holderName }
        lines { code net { amount } }
        payments { amount { amount } payment { reference } }
    } } } } }";

const FLAT: &str = "query Flat($invoices: Int!) { invoices(first: $invoices) { totalCount nodes {
        number status total { amount } account { id number holderName contacts { value } agreements { meter { serial registers { code } } } }
        documents { number vatTotals { amount { amount } } services { bill { lines { explanation { text } } } } }
        payments { amount { amount } payment { reference account { number } } }
    } } }";

const THEN: &str = "query Then($size: Int!) { accounts(first: $size) { nodes {
        invoices(first: 2, asOf: { effective: \"2026-06-30\" }) { totalCount nodes { number status leftToPay { amount } } }
        payments(first: 2, asOf: { effective: \"2026-06-30\" }) { totalCount nodes { allocated { amount } refunded { amount } } }
    } }
    invoices(first: $size, asOf: { effective: \"2026-06-30\" }) { totalCount nodes { number status leftToPay { amount } } }
    payments(first: $size, asOf: { effective: \"2026-06-30\" }) { totalCount nodes { allocated { amount } refunded { amount } } } }";

/// What the server was asked, by how it begins, and how often. Not that a connection was opened, nor by the log whether it has grown.
async fn statements(company: &Company) -> Vec<(String, i64)> {
    let asked = "SELECT left(query, 100), sum(calls)::bigint FROM pg_stat_statements
                 WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                   AND query NOT LIKE ALL (ARRAY['%pg_stat_statements%', '%daftar_log%', '%set_config%']) GROUP BY 1 ORDER BY 1";
    sqlx::query_as(asked).fetch_all(&company.house.read_models).await.unwrap()
}

/// What a question asks of the server, and its answer. The connections have prepared their statements before.
async fn asked(company: &Company, query: &str, variables: &Value) -> (Vec<(String, i64)>, Value) {
    company.house.graphql("en", query, variables.clone());
    sqlx::query("SELECT pg_stat_statements_reset(0, (SELECT oid FROM pg_database WHERE datname = current_database()), 0)")
        .execute(&company.house.read_models)
        .await
        .unwrap();
    let answer = company.house.graphql("en", query, variables.clone());
    assert!(answer["errors"].is_null(), "{answer}");
    (statements(company).await, answer)
}

async fn counting() -> Company {
    let mut company = Company::large().await;
    sqlx::query("CREATE EXTENSION pg_stat_statements").execute(&company.house.read_models).await.unwrap();
    // Nobody asks the server anything but us.
    company.house.stop_projector().await;
    company
}

#[tokio::test(flavor = "multi_thread")]
async fn five_invoices_cost_as_many_statements_as_five_hundred() {
    let company = counting().await;
    let mut costs = vec![];
    for accounts in [1, 10, 100] {
        let (cost, answer) = asked(&company, NESTED, &json!({ "accounts": accounts, "invoices": 5 })).await;
        let listed: Vec<&Value> = answer["data"]["accounts"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|account| account["invoices"]["nodes"].as_array().unwrap())
            .collect();
        assert!(listed.len() * 10 >= accounts * 5 * 8, "{} invoices of {accounts} accounts", listed.len());
        assert!(listed.iter().all(|invoice| !invoice["lines"].as_array().unwrap().is_empty()));
        assert!(listed.iter().any(|invoice| !invoice["payments"].as_array().unwrap().is_empty()));
        costs.push((listed.len(), cost));
    }
    let (few, many) = (&costs[0].1, &costs[2].1);
    assert_eq!(costs[1].1, *few);
    assert_eq!(many, few, "{} invoices cost other statements than {}", costs[2].0, costs[0].0);
    expect!["7"].assert_eq(&few.iter().map(|(_, calls)| calls).sum::<i64>().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_five_costs_as_many_statements_as_a_page_of_a_hundred() {
    let company = counting().await;
    let mut costs = vec![];
    for invoices in [5, 50, 100] {
        let (cost, answer) = asked(&company, FLAT, &json!({ "invoices": invoices })).await;
        assert_eq!(answer["data"]["invoices"]["nodes"].as_array().unwrap().len(), invoices);
        costs.push(cost);
    }
    assert_eq!(costs[1], costs[0]);
    assert_eq!(costs[2], costs[0]);
    expect!["13"].assert_eq(&costs[0].iter().map(|(_, calls)| calls).sum::<i64>().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lists_were_at_a_moment_costs_as_many_statements_however_long_they_are() {
    let company = counting().await;
    let mut costs = vec![];
    for size in [5, 50, 100] {
        let (cost, answer) = asked(&company, THEN, &json!({ "size": size })).await;
        assert_eq!(answer["data"]["invoices"]["nodes"].as_array().unwrap().len(), size);
        assert_eq!(answer["data"]["accounts"]["nodes"].as_array().unwrap().len(), size);
        costs.push(cost);
    }
    assert_eq!(costs[1], costs[0]);
    assert_eq!(costs[2], costs[0]);
    expect!["10"].assert_eq(&costs[0].iter().map(|(_, calls)| calls).sum::<i64>().to_string());
}
