//! The demo company's life, with all that happens in it, under the eyes of an auditor: verified, rated anew, and held against its read models.

use daftar_demo::{Wish, make};

use super::{
    books::{archive_of, company::database},
    finance::{diff_of, keep_read_models},
    *,
};
use crate::{rerate::rerate, revenue::differences};

/// `DAFTAR_DEMO=1000x24x7` asks for another.
fn wish() -> Wish {
    let Ok(text) = std::env::var("DAFTAR_DEMO") else { return Wish { accounts: 40, months: 8, seed: 7 } };
    let numbers: Vec<u32> = text.split('x').map(|number| number.parse().unwrap()).collect();
    let [accounts, months, seed] = numbers[..] else { panic!("DAFTAR_DEMO is accounts, months and seed: {text}") };
    Wish { accounts, months, seed }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demos_life_is_sound_comes_out_as_it_was_billed_and_is_what_is_read() {
    let ((_scratch, scratch), (_database, pool), house) = (database().await, database().await, House::new());
    let log = make(wish(), &scratch, &|_| ()).await.unwrap().log;
    keep_read_models(&log, &pool).await;
    let diff = diff_of(&log, &pool).await;
    assert!(diff.is_empty(), "{}", diff.to_text());

    let source = Source::Archive(archive_of(&log, &house).await);
    let report = verify(&source, &Trust::default()).await.unwrap();
    assert!(report.is_good() && report.head.size > 1_000, "{}", report.to_text());

    let invoices = rerate(&source, None).await.unwrap();
    let (table, _) = differences(&invoices);
    assert!(table.is_empty() && invoices.len() > 100, "{}", table.to_text());
}
