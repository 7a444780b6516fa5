//! The file that balances are brought over in: a line that says what all others come to, then a line for each account.

use std::fmt;

use chrono::NaiveDate;
use daftar_domain::{
    Code, Currency, Money,
    account::{AccountNumber, OpeningItem},
    ids::{self, ImportBatchId},
};
use rust_decimal::Decimal;
use serde::{Deserialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

/// A file whose every line makes sense, and whose lines come to what its first line says.
#[derive(Debug)]
pub struct File {
    pub batch_id: ImportBatchId,
    pub digest: Code,
    pub as_of: NaiveDate,
    pub totals: Totals,
    pub rows: Vec<Row>,
}

/// What one account brings along.
#[derive(Debug)]
pub struct Row {
    /// In the file, from 1.
    pub line: u32,
    pub account: AccountNumber,
    pub items: Vec<OpeningItem>,
    pub credit: Money,
    pub deposit: Money,
}

/// What finance checks against the other system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Totals {
    pub accounts: usize,
    pub debit: Money,
    pub credit: Money,
    pub deposits: Money,
}

/// What is wrong, and in which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: u32,
    pub account: Option<AccountNumber>,
    pub reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Header {
    batch: Code,
    as_of: NaiveDate,
    currency: Currency,
    accounts: usize,
    debit: Amount,
    credit: Amount,
    #[serde(default)]
    deposits: Amount,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Line {
    account: AccountNumber,
    #[serde(default)]
    items: Vec<Item>,
    #[serde(default)]
    credit: Amount,
    #[serde(default)]
    deposit: Amount,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Item {
    document: Code,
    issued_on: NaiveDate,
    due_on: NaiveDate,
    amount: Amount,
}

/// In quotes: a JSON number would come as a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(try_from = "String")]
struct Amount(Decimal);

impl TryFrom<String> for Amount {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse().map(Self).map_err(|_| format!("`{text}` is not an amount such as \"100.50\""))
    }
}

impl File {
    /// Reads every line before it gives up, so that one look at the faults mends them all.
    pub fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        // A spreadsheet puts a mark before the first character.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
        let (first, number) = lines.next().ok_or_else(|| vec![Fault::new(1, "the file is empty")])?;
        let header: Header = parse(first, number).map_err(|fault| vec![fault])?;
        let (mut rows, mut faults) = (Vec::new(), Vec::new());
        for (line, number) in lines {
            match parse::<Line>(line, number).and_then(|line| Row::new(line, number, header.currency)) {
                Ok(row) => rows.push(row),
                Err(fault) => faults.push(fault),
            }
        }
        faults.extend(repeated(&rows));
        // Totals of some of the lines say nothing.
        let totals = if faults.is_empty() { header.hold_against(&rows).map_err(|reasons| faults.extend(reasons)).ok() } else { None };
        match totals {
            Some(totals) if faults.is_empty() => {
                let digest: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
                let digest = Code::new(digest).map_err(|error| vec![Fault::new(1, error)])?;
                Ok(Self { batch_id: ids::import_batch_id(header.batch.as_str()), digest, as_of: header.as_of, totals, rows })
            }
            Some(_) | None => Err(faults),
        }
    }
}

impl Header {
    fn hold_against(&self, rows: &[Row]) -> Result<Totals, Vec<Fault>> {
        let fault = |reason: String| vec![Fault::new(1, reason)];
        let sum = |amounts: &mut dyn Iterator<Item = Money>| Money::sum(self.currency, amounts).map_err(|error| fault(error.to_string()));
        let debit = sum(&mut rows.iter().flat_map(|row| &row.items).map(|item| item.amount))?;
        let credit = sum(&mut rows.iter().map(|row| row.credit))?;
        let deposits = sum(&mut rows.iter().map(|row| row.deposit))?;
        let mut faults = Vec::new();
        if self.accounts != rows.len() {
            faults.extend(fault(format!("`accounts` says {}, but there are {}", self.accounts, rows.len())));
        }
        for (name, Amount(said), found) in
            [("debit", self.debit, debit), ("credit", self.credit, credit), ("deposits", self.deposits, deposits)]
        {
            if said != found.to_decimal() {
                faults.extend(fault(format!("`{name}` says {said}, but the lines come to {}", found.to_decimal())));
            }
        }
        if faults.is_empty() { Ok(Totals { accounts: rows.len(), debit, credit, deposits }) } else { Err(faults) }
    }
}

impl Row {
    fn new(line: Line, number: u32, currency: Currency) -> Result<Self, Fault> {
        let Line { account, items, credit, deposit } = line;
        let money = |name: &str, Amount(amount): Amount| {
            Money::exact(amount, currency).map_err(|error| Fault::of(number, &account, format!("`{name}`: {error}")))
        };
        let (credit, deposit) = (money("credit", credit)?, money("deposit", deposit)?);
        let items = items.into_iter().map(|Item { document, issued_on, due_on, amount }| {
            let amount = money(document.as_str(), amount)?;
            if due_on < issued_on {
                return Err(Fault::of(number, &account, format!("`{document}` is due on {due_on}, before it was issued on {issued_on}")));
            }
            Ok(OpeningItem { document, issued_on, due_on, amount })
        });
        let items = items.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { line: number, account, items, credit, deposit })
    }
}

/// Accounts that come twice: each brings one balance.
fn repeated(rows: &[Row]) -> Vec<Fault> {
    let mut lines = std::collections::HashMap::new();
    let twice = |row: &Row| {
        let first = *lines.entry(row.account.clone()).or_insert(row.line);
        (first != row.line).then(|| Fault::of(row.line, &row.account, format!("the account is in line {first} already")))
    };
    rows.iter().filter_map(twice).collect()
}

fn parse<T: DeserializeOwned>(line: &str, number: u32) -> Result<T, Fault> {
    serde_json::from_str(line).map_err(|error| {
        // The line it names is always 1: each is read by itself.
        let said = error.to_string();
        let (reason, column) = said.rsplit_once(" at line 1 column ").unwrap_or((&said, ""));
        Fault::new(number, if column.is_empty() { reason.to_owned() } else { format!("{reason} (at character {column})") })
    })
}

impl Fault {
    pub(super) fn new(line: u32, reason: impl fmt::Display) -> Self {
        Self { line, account: None, reason: reason.to_string() }
    }

    pub(super) fn of(line: u32, account: &AccountNumber, reason: impl fmt::Display) -> Self {
        Self { line, account: Some(account.clone()), reason: reason.to_string() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.account {
            Some(account) => write!(f, "line {}, account {account}: {}", self.line, self.reason),
            None => write!(f, "line {}: {}", self.line, self.reason),
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { accounts, debit, credit, deposits } = self;
        write!(f, "accounts  {accounts}\nowed      {debit}\ncredit    {credit}\ndeposits  {deposits}")
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn read(text: &str) -> String {
        match File::parse(text) {
            Ok(file) => file.totals.to_string(),
            Err(faults) => faults.iter().map(|fault| format!("{fault}\n")).collect(),
        }
    }

    fn check(text: &str, expected: Expect) {
        expected.assert_eq(&read(text));
    }

    const HEADER: &str =
        r#"{"batch":"old-1","asOf":"2026-01-01","currency":"SAR","accounts":2,"debit":"150.75","credit":"20","deposits":"300.00"}"#;
    const LAYLA: &str = r#"{"account":"0042","items":[{"document":"F-1","issuedOn":"2025-11-01","dueOn":"2025-12-01","amount":"100.50"},{"document":"F-2","issuedOn":"2025-12-01","dueOn":"2026-01-01","amount":"50.25"}]}"#;
    const OMAR: &str = r#"{"account":"0043","credit":"20.00","deposit":"300"}"#;

    #[test]
    fn a_sound_file_says_what_it_comes_to() {
        check(
            &format!("\u{feff}{HEADER}\r\n{LAYLA}\r\n\r\n{OMAR}\r\n"),
            expect![[r#"
                accounts  2
                owed      150.75 SAR
                credit    20.00 SAR
                deposits  300.00 SAR"#]],
        );
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        check(
            "",
            expect![[r#"
            line 1: the file is empty
        "#]],
        );
        check(
            &HEADER.replace("asOf", "asof"),
            expect![[r#"
            line 1: unknown field `asof`, expected one of `batch`, `asOf`, `currency`, `accounts`, `debit`, `credit`, `deposits` (at character 23)
        "#]],
        );
        check(
            &[
                HEADER,
                r#"{"account":"00 42"}"#,
                r#"{"account":"7","credit":"1.005"}"#,
                r#"{"account":"7","credit":1.5}"#,
                r#"{"account":"7","credit":"1,5"}"#,
                r#"{"account":"8","items":[{"document":"F","issuedOn":"2026-01-02","dueOn":"2026-01-01","amount":"1"}]}"#,
                "{",
            ]
            .join("\n"),
            expect![[r#"
                line 2: `00 42` is not an account number: 1 to 20 Latin letters, digits and hyphens (at character 19)
                line 3, account 7: `credit`: 1.005 has more decimals than SAR has minor units
                line 4: invalid type: floating point `1.5`, expected a string (at character 27)
                line 5: `1,5` is not an amount such as "100.50" (at character 30)
                line 6, account 8: `F` is due on 2026-01-01, before it was issued on 2026-01-02
                line 7: EOF while parsing an object (at character 1)
            "#]],
        );
        check(
            &[HEADER, LAYLA, OMAR, LAYLA].join("\n"),
            expect![[r#"
            line 4, account 0042: the account is in line 2 already
        "#]],
        );
        check(
            &[HEADER, LAYLA].join("\n"),
            expect![[r#"
            line 1: `accounts` says 2, but there are 1
            line 1: `credit` says 20, but the lines come to 0.00
            line 1: `deposits` says 300.00, but the lines come to 0.00
        "#]],
        );
    }
}
