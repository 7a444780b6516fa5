//! `daftar import`: files that are refused before anything else is looked at.

use std::fs;

use expect_test::expect;

use crate::daftar::daftar;

#[test]
fn a_file_that_makes_no_sense_is_refused_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("balances.jsonl");
    fs::write(
        &file,
        r#"{"batch":"b","asOf":"2026-01-01","currency":"SAR","accounts":2,"debit":"1","credit":"0"}
{"account":"0042","credit":1.5}
{"account":"0043","item":[]}
"#,
    )
    .unwrap();
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing";
    let said = daftar(&["import", "opening-balances", "balances.jsonl", "--database-url", nowhere]).current_dir(&folder).output().unwrap();
    assert_eq!(said.status.code(), Some(2));
    expect![[r#"
        error: balances.jsonl:
          line 2: invalid type: floating point `1.5`, expected a string (at character 30)
          line 3: unknown field `item`, expected one of `account`, `items`, `credit`, `deposit` (at character 24)
    "#]]
    .assert_eq(&String::from_utf8(said.stderr).unwrap());
}
