use chrono::{DateTime, NaiveDate, TimeDelta};
use daftar_domain::{
    BillingEvent, Currency, Money, Position, Recorded,
    account::{self, example as accounts},
    ids::{AccountId, accounting_periods_id},
    invoice::example as invoices,
    ledger::{self as books, LedgerAccount, TrialBalance, periods::example as months},
};
use daftar_projections::{
    AsOf, Batch, Model, Place, deliver,
    ledger::{self, Ledger, Turnover},
};
use expect_test::expect;
use uuid::Uuid;

use crate::{
    histories::{SAR, history, the_end},
    spec::{database, log_of, project_all, projecting, recorded},
};

/// One of every event that moves money, and a period that closes between the account's and the invoice's.
fn everything() -> Vec<(Uuid, BillingEvent)> {
    let of = |id, event: BillingEvent| (id, event);
    let periods = |event: books::periods::Event| (accounting_periods_id().into(), BillingEvent::AccountingPeriods(event));
    let of_account = account::example::events().into_iter().map(|event| of(Uuid::from_u128(7), event.into()));
    let of_invoice = invoices::events().into_iter().map(|event| of(invoices::INVOICE.into(), event.into()));
    let opened = [1, 2].map(|n| periods(months::opened(n)));
    opened.into_iter().chain(of_account).chain([periods(months::closed(1))]).chain(of_invoice).collect()
}

#[tokio::test]
async fn each_event_that_moves_money_has_its_journal() {
    let half = everything().len() / 2;
    projecting::<Ledger>()
        .given(everything().into_iter().take(half))
        .when(everything().into_iter().skip(half))
        .then(
            "SELECT position || ' ' || event_type || ' ' || effective_on || ': ' ||
                    string_agg(account || CASE WHEN debit = 0 THEN ' Cr ' || credit ELSE ' Dr ' || debit END, ', ' ORDER BY line) AS journal
             FROM read_ledger.entry_in_decimals GROUP BY position, event_type, effective_on ORDER BY position",
            expect![[r#"
                {"journal":"27 OpeningBalanceImported 2024-01-31: 1100 Dr 125.00, 2210 Cr 5.00, 3900 Cr 120.00"}
                {"journal":"28 OpeningBalanceReversed 2024-01-01: 1100 Cr 125.00, 2210 Dr 5.00, 3900 Dr 120.00"}
                {"journal":"29 AccountCharged 2024-03-01: 1100 Dr 23.00, 1115 Cr 23.00"}
                {"journal":"32 PaymentReceived 2024-04-01: 1010 Dr 115.00, 2210 Cr 115.00"}
                {"journal":"33 PaymentReversed 2024-05-01: 1040 Cr 115.00, 2210 Dr 115.00"}
                {"journal":"34 CreditAllocated 2024-04-01: 2210 Dr 115.00, 1100 Cr 115.00"}
                {"journal":"35 AllocationFreed 2024-05-01: 1100 Dr 115.00, 2210 Cr 115.00"}
                {"journal":"36 AccountCredited 2024-04-01: 1115 Dr 23.00, 2210 Cr 23.00"}
                {"journal":"37 CompensationCredited 2024-04-01: 5400 Dr 75.00, 2210 Cr 75.00"}
                {"journal":"38 SubsidyCredited 2024-03-01: 1120 Dr 30.00, 2210 Cr 30.00"}
                {"journal":"39 SubsidyTakenBack 2024-04-01: 2210 Dr 10.00, 1120 Cr 10.00"}
                {"journal":"40 CreditRefunded 2024-05-01: 1010 Cr 3.00, 2210 Dr 3.00"}
                {"journal":"41 RefundReturned 2024-05-01: 1010 Dr 3.00, 2210 Cr 3.00"}
                {"journal":"42 DepositTaken 2024-02-01: 1030 Dr 200.00, 2200 Cr 200.00"}
                {"journal":"43 DepositReleased 2024-05-01: 2200 Dr 115.00, 2210 Cr 115.00"}
                {"journal":"44 DepositReturned 2024-10-01: 1020 Cr 85.00, 2200 Dr 85.00"}
                {"journal":"47 DebtWrittenOff 2024-05-01: 5100 Dr 115.00, 1100 Cr 115.00"}
                {"journal":"48 CreditWrittenOff 2024-05-01: 2210 Dr 0.99, 5900 Cr 0.99"}
                {"journal":"49 DebtRecovered 2024-05-01: 1100 Dr 46.00, 4900 Cr 46.00"}
                {"journal":"50 VatReliefClaimed 2025-04-01: 2100 Dr 9.00, 5100 Cr 9.00"}
                {"journal":"54 ChequeCleared 2024-05-01: 1020 Dr 115.00, 1040 Cr 115.00"}
                {"journal":"55 PlanAgreed 2024-04-01: 1105 Dr 115.00, 1100 Cr 115.00"}
                {"journal":"57 PlanBroken 2024-05-07: 1100 Dr 115.00, 1105 Cr 115.00"}
                {"journal":"58 PlanCancelled 2024-05-07: 1100 Dr 115.00, 1105 Cr 115.00"}
                {"journal":"67 InvoiceIssued 2024-07-01: 1115 Dr 149.50, 4100 Cr 100.00, 4130 Cr 30.00, 2100 Cr 19.50"}
                {"journal":"69 CreditNoteIssued 2024-07-10: 1115 Cr 57.50, 4100 Dr 50.00, 2100 Dr 7.50"}
                {"journal":"71 DebitNoteIssued 2024-07-12: 1115 Dr 57.50, 4210 Cr 50.00, 2100 Cr 7.50"}
            "#]],
        )
        .await;
}

#[tokio::test]
async fn days_and_balances_add_up_to_the_entries() {
    projecting::<Ledger>()
        .when(everything())
        .then(
            "SELECT account, currency, balance, (SELECT sum(debit) - sum(credit) FROM read_ledger.entry e WHERE e.account = b.account) AS entries
             FROM read_ledger.balance_in_decimals b ORDER BY account",
            expect![[r#"
                {"account":1010,"currency":"SAR","balance":115.00,"entries":11500}
                {"account":1020,"currency":"SAR","balance":30.00,"entries":3000}
                {"account":1030,"currency":"SAR","balance":200.00,"entries":20000}
                {"account":1040,"currency":"SAR","balance":-230.00,"entries":-23000}
                {"account":1100,"currency":"SAR","balance":69.00,"entries":6900}
                {"account":1105,"currency":"SAR","balance":-115.00,"entries":-11500}
                {"account":1115,"currency":"SAR","balance":149.50,"entries":14950}
                {"account":1120,"currency":"SAR","balance":20.00,"entries":2000}
                {"account":2100,"currency":"SAR","balance":-10.50,"entries":-1050}
                {"account":2200,"currency":"SAR","balance":0.00,"entries":0}
                {"account":2210,"currency":"SAR","balance":-232.01,"entries":-23201}
                {"account":3900,"currency":"SAR","balance":0.00,"entries":0}
                {"account":4100,"currency":"SAR","balance":-50.00,"entries":-5000}
                {"account":4130,"currency":"SAR","balance":-30.00,"entries":-3000}
                {"account":4210,"currency":"SAR","balance":-50.00,"entries":-5000}
                {"account":4900,"currency":"SAR","balance":-46.00,"entries":-4600}
                {"account":5100,"currency":"SAR","balance":106.00,"entries":10600}
                {"account":5400,"currency":"SAR","balance":75.00,"entries":7500}
                {"account":5900,"currency":"SAR","balance":-0.99,"entries":-99}
            "#]],
        )
        .await;
}

#[tokio::test]
async fn a_document_that_does_not_add_up_stops_the_model() {
    let (_database, pool) = database().await;
    let daftar_domain::invoice::Event::InvoiceIssued(mut fact) = invoices::issued() else { panic!("issued") };
    fact.document.total = Money::new(fact.document.total.minor + 1, Currency::SAR);
    let events = [(invoices::INVOICE.into(), BillingEvent::Invoice(fact.into()))];
    let events = recorded(&log_of(&events).await).await;
    let batch = Batch { after: None, events: &[&events[0]], until: events[0].position };
    let refused = deliver(&mut pool.acquire().await.unwrap(), &Model::of::<Ledger>(), Place::Live, batch).await.unwrap_err();
    assert_eq!(refused.to_string(), format!("the journal of event {} has 0.01 SAR more in debit than in credit", events[0].id));
}

#[tokio::test]
async fn the_trial_balance_is_that_of_the_journals_known_by_then() {
    for seed in 1..=6 {
        let (_database, pool) = database().await;
        let history = history(seed, 150);
        project_all::<Ledger>(&pool, history.clone()).await;
        let facts = recorded(&log_of(&history).await).await;
        for place in (0..facts.len()).step_by(facts.len() / 7) {
            for effective in [the_end(), accounts::day("2024-04-20"), accounts::day("2024-08-01")] {
                let expected = balance(&facts[..=place], effective);
                let as_of = AsOf::recorded(facts[place].position, effective);
                let found = ledger::trial_balance(&pool, as_of).await.unwrap();
                assert_eq!(found, expected, "seed {seed} at {place} on {effective}");
                assert_eq!((found.difference(SAR), found.digest()), (0, expected.digest()));
                let instant = ledger::at_instant(&pool, facts[place].metadata.recorded_at, effective).await.unwrap();
                assert_eq!(ledger::trial_balance(&pool, instant).await.unwrap(), expected);
            }
        }
        let all = balance(&facts, the_end());
        assert!(all.balances().count() > 5, "seed {seed} moved money");
        assert_eq!(ledger::trial_balance(&pool, AsOf::now_known(the_end())).await.unwrap(), all);
    }
}

/// By the domain's own journals, zeros left out as the query leaves them out.
fn balance(facts: &[Recorded<BillingEvent>], effective: NaiveDate) -> TrialBalance {
    let mut balance = TrialBalance::default();
    let journals = facts.iter().filter_map(|fact| books::post(fact).unwrap());
    journals.filter(|journal| journal.effective_on <= effective).for_each(|journal| balance.post(&journal));
    balance.balances().collect()
}

#[tokio::test]
async fn a_customers_part_of_the_books_is_his_alone() {
    let (_database, pool) = database().await;
    let history = history(3, 150);
    project_all::<Ledger>(&pool, history.clone()).await;
    let of = async |n| ledger::of_customer(&pool, AccountId::new(Uuid::from_u128(n)), AsOf::now_known(the_end())).await.unwrap();
    let all = ledger::trial_balance(&pool, AsOf::now_known(the_end())).await.unwrap();
    let parts = [of(1).await, of(2).await, of(3).await];
    for account in [LedgerAccount::Receivable, LedgerAccount::Unapplied, LedgerAccount::Deposits, LedgerAccount::EnergyRevenue] {
        assert_eq!(parts.iter().map(|part| part.balance(account, SAR)).sum::<i128>(), all.balance(account, SAR), "{account:?}");
    }
    assert_ne!(parts[0], parts[1]);
}

#[tokio::test]
async fn an_account_is_read_page_by_page() {
    let (_database, pool) = database().await;
    let history = history(5, 200);
    project_all::<Ledger>(&pool, history.clone()).await;
    let facts = recorded(&log_of(&history).await).await;
    let mut db = pool.acquire().await.unwrap();
    let asked = (LedgerAccount::Receivable, SAR);
    let from = accounts::day("2024-04-10");
    for as_of in [AsOf::now_known(the_end()), AsOf::recorded(facts[facts.len() * 4 / 5].position, accounts::day("2024-08-01"))] {
        let whole = ledger::general_ledger(&mut db, asked, from, None, as_of, 10_000).await.unwrap();
        let before = ledger::trial_balance(&pool, as_of.on(from.pred_opt().unwrap())).await.unwrap();
        assert_eq!(whole.opening, before.balance(LedgerAccount::Receivable, SAR));
        let mut stands_at = whole.opening;
        let (mut after, mut seen) = (None, vec![]);
        loop {
            let page = ledger::general_ledger(&mut db, asked, from, after, as_of, 3).await.unwrap();
            assert_eq!(page.opening, stands_at);
            let Some(last) = page.lines.last() else { break };
            stands_at += page.lines.iter().map(|line| line.entry.signed()).sum::<i128>();
            after = Some(last.at);
            seen.extend(page.lines);
        }
        assert_eq!(seen, whole.lines);
        assert!(seen.len() > 3 && seen.is_sorted_by_key(|line| line.at));
        assert_eq!(stands_at, ledger::trial_balance(&pool, as_of).await.unwrap().balance(LedgerAccount::Receivable, SAR));
        let journal = ledger::journal(&pool, seen[0].event_id).await.unwrap();
        assert!(journal.contains(&seen[0]) && journal.iter().map(|line| line.entry.signed()).sum::<i128>() == 0);
    }
    assert_eq!(ledger::journal(&pool, Uuid::nil()).await.unwrap(), []);
}

#[tokio::test]
async fn what_comes_late_is_posted_in_the_first_period_that_is_open() {
    use LedgerAccount::{CashOnHand, Unapplied};
    let periods = |event: books::periods::Event| (accounting_periods_id().into(), BillingEvent::AccountingPeriods(event));
    let paid = |day: &str, n: u32, minor| {
        let account::Event::PaymentReceived(fact) = accounts::payment_received(n, minor) else { panic!("a payment") };
        let value_on = accounts::day(day);
        (Uuid::from_u128(7), BillingEvent::Account(account::PaymentReceived { value_on, ..fact }.into()))
    };
    let books::periods::Event::PeriodClosed(closed) = months::closed(1) else { panic!("closed") };
    let closed = books::periods::PeriodClosed { position: Position::single(4), ..closed };
    let events = [
        periods(months::opened(1)),
        periods(months::opened(2)),
        paid("2023-12-30", 1, 100),
        paid("2024-01-30", 2, 1_000),
        // After the books of January were added up, though before they were closed.
        paid("2024-01-31", 3, 20),
        periods(closed.clone().into()),
        paid("2024-01-15", 4, 3),
        paid("2024-02-01", 5, 50_000),
        paid("2024-03-01", 6, 700_000),
    ];
    let (_database, pool) = database().await;
    project_all::<Ledger>(&pool, events).await;
    let mut db = pool.acquire().await.unwrap();
    let mut cash = async |n, as_of| {
        let turnover = ledger::turnover(&mut db, months::month(n), as_of).await.unwrap();
        let of = |account| turnover.iter().find(|turnover| turnover.account == account).copied();
        let debit = of(CashOnHand).map_or(0, |turnover| turnover.debit);
        let other = Turnover { account: Unapplied, currency: SAR, debit: 0, credit: debit };
        assert_eq!(of(Unapplied), (debit > 0).then_some(other));
        debit
    };
    let (now, before) = (AsOf::now_known(the_end()), AsOf::recorded(Position::single(5), the_end()));
    assert_eq!([cash(1, now).await, cash(2, now).await, cash(3, now).await], [1_100, 50_023, 0], "March has not been opened");
    assert_eq!([cash(1, before).await, cash(2, before).await], [1_120, 0]);
    let known = ledger::periods(&pool, now).await.unwrap();
    assert_eq!(known.iter().map(|known| known.period).collect::<Vec<_>>(), [1, 2].map(months::month));
    assert_eq!(known[0].closed, Some((closed.position, closed.trial_balance)));
    assert!(known[1].closed.is_none() && ledger::periods(&pool, before).await.unwrap()[0].closed.is_none());
}

/// Clocks of several machines differ: what a slow one says later was not known earlier.
#[tokio::test]
async fn an_instant_is_a_place_in_the_log() {
    let (_database, pool) = database().await;
    let history = history(2, 40);
    let mut facts = recorded(&log_of(&history).await).await;
    let start = facts[0].metadata.recorded_at;
    let seconds = [0, 1, 1, 5, 3, 4, 6];
    for (fact, second) in facts.iter_mut().zip(seconds) {
        fact.metadata.recorded_at = start + TimeDelta::milliseconds(second * 1_000 + 250);
    }
    let events: Vec<_> = facts.iter().take(seconds.len()).collect();
    let batch = Batch { after: None, events: &events, until: events[6].position };
    deliver(&mut pool.acquire().await.unwrap(), &Model::of::<Ledger>(), Place::Live, batch).await.unwrap();
    for (second, last) in [(-1, None), (0, Some(0)), (1, Some(2)), (3, Some(2)), (4, Some(2)), (5, Some(5))] {
        let instant: DateTime<_> = start + TimeDelta::seconds(second);
        let expected = last.map_or(Position::single(facts[0].position.commit - 1), |last: usize| facts[last].position);
        let found = ledger::at_instant(&pool, instant, the_end()).await.unwrap();
        assert_eq!(found, AsOf::recorded(expected, the_end()), "at {second}");
    }
    let found = ledger::at_instant(&pool, start + TimeDelta::seconds(6), the_end()).await.unwrap();
    assert_eq!(found, AsOf::now_known(the_end()));
}

#[tokio::test]
async fn decimals_are_those_of_the_currency() {
    let (_database, pool) = database().await;
    for &currency in Currency::ALL {
        let found: String = sqlx::query_scalar("SELECT daftar_projections.decimal(-1234567, $1)::text")
            .bind(currency.code())
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(found, Money::new(-1_234_567, currency).to_decimal().to_string(), "{currency}");
    }
}
