//! Rows as machines send them: JSON Lines, or CSV with a line of names. Both come to names and texts, and every row knows its line.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::problem::{Flaw, Problem};

/// What one row says, by column.
#[derive(Debug)]
pub struct Row {
    /// In the body, from 1.
    pub line: usize,
    pub columns: Result<Columns, Problem>,
}

#[derive(Debug, Default)]
pub struct Columns(BTreeMap<String, String>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    JsonLines,
    Csv,
}

impl Format {
    pub fn of(content_type: &str) -> Option<Self> {
        match content_type.split(';').next().unwrap_or_default().trim() {
            "application/x-ndjson" | "application/jsonl" => Some(Self::JsonLines),
            "text/csv" => Some(Self::Csv),
            _ => None,
        }
    }

    /// Each row with what it says. Blank lines say nothing.
    pub fn rows(self, text: &str, known: &[&str]) -> Result<Vec<Row>, Problem> {
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(|(index, line)| (index + 1, line));
        match self {
            Self::JsonLines => Ok(lines.map(|(line, text)| Row { line, columns: Columns::of_json(text, known) }).collect()),
            Self::Csv => {
                let Some((_, names)) = lines.next() else { return Ok(vec![]) };
                // A mark that some spreadsheets put before the first name.
                let names = fields(names.trim_start_matches('\u{feff}'))?;
                if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
                    return Err(Problem::invalid(unknown.clone(), Flaw::Unknown));
                }
                Ok(lines.map(|(line, text)| Row { line, columns: Columns::of_csv(text, &names) }).collect())
            }
        }
    }
}

impl Columns {
    pub fn text(&self, column: &'static str) -> Result<&str, Problem> {
        self.optional(column).ok_or(Problem::invalid(column, Flaw::Blank))
    }

    pub fn optional(&self, column: &str) -> Option<&str> {
        self.0.get(column).map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    fn of_json(text: &str, known: &[&str]) -> Result<Self, Problem> {
        let object: BTreeMap<String, Value> = serde_json::from_str(text).map_err(|error| unreadable("", error.to_string()))?;
        let columns = object.into_iter().map(|(name, value)| match value {
            _ if !known.contains(&name.as_str()) => Err(Problem::invalid(name, Flaw::Unknown)),
            Value::String(text) => Ok((name, text)),
            Value::Null => Ok((name, String::new())),
            // A number of JSON may have passed through a float on its way here.
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Err(unreadable(name, "it must be in quotes".to_owned()))
            }
        });
        columns.collect::<Result<_, _>>().map(Self)
    }

    fn of_csv(text: &str, names: &[String]) -> Result<Self, Problem> {
        let values = fields(text)?;
        if values.len() != names.len() {
            return Err(unreadable("", format!("{} columns where {} are named", values.len(), names.len())));
        }
        Ok(Self(names.iter().cloned().zip(values).collect()))
    }
}

fn unreadable(column: impl Into<std::borrow::Cow<'static, str>>, reason: String) -> Problem {
    Problem::invalid(column, Flaw::Unreadable { reason })
}

/// The fields of a line, as RFC 4180 has them; none of ours has a line break in it.
fn fields(line: &str) -> Result<Vec<String>, Problem> {
    let (mut fields, mut field, mut quoted) = (vec![], String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => field.extend(characters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            _ => field.push(character),
        }
    }
    fields.push(field);
    if quoted { Err(unreadable("", "a quote is not closed".to_owned())) } else { Ok(fields) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: &[&str] = &["meterId", "value"];

    fn told(format: Format, text: &str) -> Vec<String> {
        let rows = format.rows(text, KNOWN).unwrap();
        let told = rows.into_iter().map(|Row { line, columns }| match columns {
            Ok(Columns(columns)) => format!("{line} {columns:?}"),
            Err(Problem::Invalid { field, flaw }) => format!("{line} `{field}` {flaw:?}"),
            Err(other) => panic!("{other:?}"),
        });
        told.collect()
    }

    #[test]
    fn both_formats_say_the_same() {
        let csv = "\u{feff}meterId,value\r\n7,1.5\r\n\r\n\"8\",\"a \"\"b\"\", c\"\r\n";
        let json = "\n{\"meterId\":\"7\",\"value\":\"1.5\"}\n\n{\"value\":\"a \\\"b\\\", c\",\"meterId\":\"8\"}";
        let expected = [r#"2 {"meterId": "7", "value": "1.5"}"#, r#"4 {"meterId": "8", "value": "a \"b\", c"}"#];
        assert_eq!(
            (told(Format::Csv, csv), told(Format::JsonLines, json)),
            (expected.map(str::to_owned).to_vec(), expected.map(str::to_owned).to_vec())
        );
        assert_eq!(told(Format::Csv, ""), Vec::<String>::new());
    }

    #[test]
    fn what_cannot_be_read_names_its_line_and_column() {
        let csv = told(Format::Csv, "meterId,value\n7\n\"8,9\n");
        assert!(csv[0].starts_with("2 `` Unreadable") && csv[0].contains("1 columns where 2 are named"), "{csv:?}");
        assert!(csv[1].starts_with("3 `` Unreadable") && csv[1].contains("a quote is not closed"), "{csv:?}");
        assert!(
            matches!(Format::Csv.rows("meterId,price\n", KNOWN), Err(Problem::Invalid { field, flaw: Flaw::Unknown }) if field == "price")
        );
        let json = told(Format::JsonLines, "{\"value\":1.5}\n{\"price\":\"1\"}\n[]\n{");
        assert!(json[0].starts_with("1 `value` Unreadable"), "{json:?}");
        assert_eq!(json[1], "2 `price` Unknown");
        assert!(json[2].starts_with("3 `` Unreadable") && json[3].starts_with("4 `` Unreadable"), "{json:?}");
    }
}
