//! The same invoices for others: plain tables with keys, PostGraphile over them, and three typed statements straight from a handler.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use axum::{Json, Router, extract::State, routing::post};
use serde::Serialize;
use sqlx::{Executor, PgPool};
use tokio::net::TcpListener;
use uuid::Uuid;

/// What the read models know of invoices, as somebody would keep it who has GraphQL made of tables.
const TABLES: &str = "
    CREATE SCHEMA peer;
    CREATE TABLE peer.account AS SELECT account_id, number FROM read_accounts.account;
    ALTER TABLE peer.account ADD PRIMARY KEY (account_id);
    CREATE TABLE peer.invoice AS SELECT invoice_id, account_id, number, status, issued_on, currency, total FROM read_invoices.invoice WHERE issued_on IS NOT NULL;
    ALTER TABLE peer.invoice ADD PRIMARY KEY (invoice_id), ADD FOREIGN KEY (account_id) REFERENCES peer.account;
    CREATE INDEX ON peer.invoice (issued_on DESC, invoice_id DESC);
    CREATE INDEX ON peer.invoice (account_id);
    -- Not `line`: PostgreSQL has a type of that name.
    CREATE TABLE peer.invoice_line AS SELECT invoice_id, lines.number::int AS number, line->>'code' AS code, coalesce(line #>> '{net,minor}', line->>'net') AS net
        FROM read_invoices.document, jsonb_array_elements(content::jsonb->'lines') WITH ORDINALITY AS lines (line, number) WHERE kind = 'invoice';
    ALTER TABLE peer.invoice_line ADD PRIMARY KEY (invoice_id, number), ADD FOREIGN KEY (invoice_id) REFERENCES peer.invoice;
    CREATE TABLE peer.payment AS SELECT payment_id, reference, amount FROM read_payments.payment;
    ALTER TABLE peer.payment ADD PRIMARY KEY (payment_id);
    CREATE TABLE peer.allocation AS SELECT invoice_id, payment_id, sum(amount)::bigint AS amount FROM read_payments.allocation
        WHERE invoice_id IN (SELECT invoice_id FROM peer.invoice) GROUP BY 1, 2;
    ALTER TABLE peer.allocation ADD PRIMARY KEY (invoice_id, payment_id), ADD FOREIGN KEY (invoice_id) REFERENCES peer.invoice,
        ADD FOREIGN KEY (payment_id) REFERENCES peer.payment;
    CREATE INDEX ON peer.allocation (payment_id);
";

/// The nested question, as PostGraphile names things.
pub const QUERY: &str =
    "{ allInvoices(first: 50, orderBy: [ISSUED_ON_DESC, INVOICE_ID_DESC]) { nodes { number status total accountByAccountId { number }
    invoiceLinesByInvoiceId { nodes { code net } } allocationsByInvoiceId { nodes { amount paymentByPaymentId { reference } } } } } }";

/// Makes the tables, and says how many rows they have.
pub async fn tables(pool: &PgPool) -> String {
    pool.execute(TABLES).await.expect("the peer's tables are made");
    pool.execute("VACUUM ANALYZE").await.expect("the tables are analysed");
    let mut said = vec![];
    for (table, count) in [
        ("invoices", "SELECT count(*) FROM peer.invoice"),
        ("lines", "SELECT count(*) FROM peer.invoice_line"),
        ("payments", "SELECT count(*) FROM peer.payment"),
        ("allocations", "SELECT count(*) FROM peer.allocation"),
    ] {
        let rows: i64 = sqlx::query_scalar(count).fetch_one(pool).await.expect("counted");
        said.push(format!("{rows} {table}"));
    }
    said.join(", ")
}

/// PostGraphile in as many processes as ports; they end with this.
pub struct PostGraphile(Vec<Child>, pub Vec<SocketAddr>);

impl PostGraphile {
    pub fn start(url: &str, processes: usize) -> Self {
        let (source, place) = installed();
        let started = (0..processes).map(|_| {
            let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port();
            let mut process = Command::new(place.join("node_modules/node/bin/node"))
                .arg(source.join("server.mjs"))
                .args([url, &port.to_string()])
                .env("GRAPHILE_ENV", "production")
                .env("NODE_ENV", "production")
                .current_dir(&place)
                .stdout(Stdio::piped())
                .spawn()
                .expect("node runs");
            let mut line = String::new();
            BufReader::new(process.stdout.take().expect("piped")).read_line(&mut line).expect("it says that it is ready");
            (process, SocketAddr::from(([127, 0, 0, 1], port)))
        });
        let (processes, addresses) = started.unzip();
        Self(processes, addresses)
    }
}

impl Drop for PostGraphile {
    fn drop(&mut self) {
        for process in &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Where its files are, and where it is installed, which is done once.
fn installed() -> (PathBuf, PathBuf) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/api/postgraphile");
    let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgraphile");
    fs::create_dir_all(&place).expect("a folder");
    if !place.join("node_modules/node/bin/node").exists() {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(source.join(file), place.join(file)).expect("room for a file");
        }
        // Node.js itself is put in place by its package's script; no other package may run one.
        for arguments in [&["ci", "--no-audit", "--no-fund", "--ignore-scripts"][..], &["rebuild", "node"]] {
            let done = Command::new("npm").args(arguments).current_dir(&place).stdout(Stdio::null()).status().expect("npm runs");
            assert!(done.success(), "npm {arguments:?}");
        }
    }
    (source, place)
}

#[derive(sqlx::FromRow)]
struct InvoiceRow {
    invoice_id: Uuid,
    number: Option<String>,
    status: String,
    total: i64,
    account: String,
}

#[derive(Serialize)]
struct Invoice {
    number: Option<String>,
    status: String,
    total: i64,
    account: String,
    lines: Vec<Line>,
    payments: Vec<Paid>,
}

#[derive(Serialize, sqlx::FromRow)]
struct Line {
    #[serde(skip)]
    invoice_id: Uuid,
    code: String,
    net: String,
}

#[derive(Serialize, sqlx::FromRow)]
struct Paid {
    #[serde(skip)]
    invoice_id: Uuid,
    amount: i64,
    reference: String,
}

/// Three statements and their rows as JSON: what there is to win at all.
pub async fn direct(pool: PgPool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().route("/graphql", post(invoices)).with_state(pool);
    tokio::spawn(async { axum::serve(listener, router).await });
    address
}

async fn invoices(State(pool): State<PgPool>, _asked: String) -> Json<Vec<Invoice>> {
    let found: Vec<InvoiceRow> = sqlx::query_as(
        "SELECT invoice_id, invoice.number, status, total, account.number AS account FROM peer.invoice JOIN peer.account USING (account_id)
         ORDER BY issued_on DESC, invoice_id DESC LIMIT 50",
    )
    .fetch_all(&pool)
    .await
    .expect("invoices");
    let ids: Vec<Uuid> = found.iter().map(|row| row.invoice_id).collect();
    let lines =
        sqlx::query_as("SELECT invoice_id, code, net FROM peer.invoice_line WHERE invoice_id = ANY($1) ORDER BY invoice_id, number")
            .bind(&ids);
    let lines: Vec<Line> = lines.fetch_all(&pool).await.expect("lines");
    let paid = "SELECT invoice_id, allocation.amount, reference FROM peer.allocation JOIN peer.payment USING (payment_id) WHERE invoice_id = ANY($1)";
    let paid: Vec<Paid> = sqlx::query_as(paid).bind(&ids).fetch_all(&pool).await.expect("payments");
    let mut all: Vec<Invoice> = found
        .into_iter()
        .map(|InvoiceRow { number, status, total, account, .. }| Invoice {
            number,
            status,
            total,
            account,
            lines: vec![],
            payments: vec![],
        })
        .collect();
    let places: std::collections::HashMap<Uuid, usize> = ids.into_iter().enumerate().map(|(place, id)| (id, place)).collect();
    lines.into_iter().for_each(|line| all[places[&line.invoice_id]].lines.push(line));
    paid.into_iter().for_each(|paid| all[places[&paid.invoice_id]].payments.push(paid));
    Json(all)
}
