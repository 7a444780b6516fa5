//! Tables whose columns stand straight whatever is written in them.

use std::{
    fmt::Write as _,
    io::{IsTerminal, stdout},
};

use unicode_width::UnicodeWidthStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    Left,
    Right,
}

/// Rows of cells under a heading.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<'a>(columns: impl IntoIterator<Item = (&'a str, Align)>) -> Self {
        Self { columns: columns.into_iter().map(|(name, align)| (name.to_owned(), align)).collect(), rows: Vec::new() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// For people, on a terminal or in a file.
    pub fn to_text(&self) -> String {
        self.text(stdout().is_terminal())
    }

    fn text(&self, terminal: bool) -> String {
        let headings: Vec<String> = self.columns.iter().map(|(name, _)| name.clone()).collect();
        let lines = || std::iter::once(&headings).chain(&self.rows);
        let width = |column: usize| lines().filter_map(|line| line.get(column)).map(|cell| cell.width()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let mut text = String::new();
        for line in lines() {
            let mut written = String::new();
            for ((cell, width), (_, align)) in line.iter().zip(&widths).zip(&self.columns) {
                let space = " ".repeat(width - cell.width());
                let cell = if terminal { isolated(cell) } else { cell.clone() };
                match align {
                    Align::Left => written += &format!("{cell}{space}  "),
                    Align::Right => written += &format!("{space}{cell}  "),
                }
            }
            let _ = writeln!(text, "{}", written.trim_end());
        }
        text
    }

    /// The headings, and the rows under them, as they were put in.
    pub fn cells(&self) -> (Vec<&str>, &[Vec<String>]) {
        (self.columns.iter().map(|(name, _)| name.as_str()).collect(), &self.rows)
    }

    /// For spreadsheets: what holds a comma, a quote or a line's end is quoted.
    pub fn to_csv(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &String>| {
            let cells = cells.map(|cell| match cell.contains([',', '"', '\n', '\r']) {
                true => format!("\"{}\"", cell.replace('"', "\"\"")),
                false => cell.clone(),
            });
            cells.collect::<Vec<_>>().join(",") + "\r\n"
        };
        let heading = line(&mut self.columns.iter().map(|(name, _)| name));
        self.rows.iter().fold(heading, |text, row| text + &line(&mut row.iter()))
    }
}

/// The text so that a terminal which orders letters by their direction leaves what stands beside it where it is.
pub fn isolated(text: &str) -> String {
    let is_rtl = |c: char| matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}');
    if text.contains(is_rtl) { format!("\u{2068}{text}\u{2069}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new([("account", Align::Left), ("SAR", Align::Right)]);
        table.row(["نورة بنت عبد الرَّحمن".to_owned(), "12.50".to_owned()]);
        table.row(["Layla, \"L\"".to_owned(), "-1,000.00".to_owned()]);
        table
    }

    /// The name has 21 letters and marks, of which the marks take no room.
    #[test]
    fn columns_stand_straight_and_a_terminal_is_told_where_an_arabic_cell_ends() {
        let plain = table().text(false);
        let widths: Vec<_> = plain.lines().map(|line| line.width()).collect();
        assert_eq!(widths, [widths[0]; 3], "{plain}");
        assert!(!plain.contains('\u{2068}'), "a file gets no marks");
        let shown = table().text(true);
        assert!(shown.contains("\u{2068}نورة بنت عبد الرَّحمن\u{2069}"), "{shown}");
        assert_eq!(shown.replace(['\u{2068}', '\u{2069}'], ""), plain, "the marks take no room");
    }

    #[test]
    fn what_would_break_a_line_of_csv_is_quoted() {
        assert_eq!(table().to_csv(), "account,SAR\r\nنورة بنت عبد الرَّحمن,12.50\r\n\"Layla, \"\"L\"\"\",\"-1,000.00\"\r\n");
    }
}
