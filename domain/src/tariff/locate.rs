//! Where in a JSON text a value stands, so that a reason comes with its line.
//!
//! Serde knows the line of what it could not read but not the field's path; a check knows the path but not the line. This walk over the
//! text gives each the other's.

/// A line and a column, both from 1; columns count bytes, as serde's do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub line: usize,
    pub column: usize,
}

/// The path of the innermost value that the spot is in or just behind; empty for the whole document.
pub(super) fn path_at(text: &str, spot: Spot) -> String {
    let line_start: usize = text.split_inclusive('\n').take(spot.line.saturating_sub(1)).map(str::len).sum();
    let offset = line_start + spot.column;
    // Values are left innermost first.
    let mut found = None;
    walk(text, &mut |path, start, end| {
        if found.is_none() && start < offset && offset <= end {
            found = Some(path.to_owned());
        }
    });
    found.unwrap_or_default()
}

/// Where the value at `path` begins, or the nearest value around it that is there.
pub(super) fn spot_of(text: &str, path: &str) -> Spot {
    let mut best = (0, 0);
    walk(text, &mut |candidate, start, _| {
        let around =
            path.strip_prefix(candidate).is_some_and(|rest| rest.is_empty() || candidate.is_empty() || rest.starts_with(['.', '[']));
        if around && candidate.len() >= best.0 {
            best = (candidate.len(), start);
        }
    });
    let before = &text[..best.1];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Spot { line: before.matches('\n').count() + 1, column: before.len() - line_start + 1 }
}

/// Calls `leave` with path, start and end of every value. Where the text stops being JSON, what is open ends at the text's end.
fn walk(text: &str, leave: &mut dyn FnMut(&str, usize, usize)) {
    Walk { bytes: text.as_bytes(), text, at: 0, path: String::new(), leave }.value(0);
}

struct Walk<'a> {
    bytes: &'a [u8],
    text: &'a str,
    at: usize,
    path: String,
    leave: &'a mut dyn FnMut(&str, usize, usize),
}

impl Walk<'_> {
    /// `None` once the text stops being JSON, or nests deeper than any tariff and deep enough to exhaust the stack.
    fn value(&mut self, depth: usize) -> Option<()> {
        self.skip_space();
        let start = self.at;
        let read = match self.bytes.get(self.at)? {
            _ if depth > 64 => None,
            b'{' => self.members(b'}', depth, true),
            b'[' => self.members(b']', depth, false),
            b'"' => self.string().map(|_| ()),
            _ => {
                while self.bytes.get(self.at).is_some_and(|byte| !b",]} \t\r\n".contains(byte)) {
                    self.at += 1;
                }
                (self.at > start).then_some(())
            }
        };
        let end = if read.is_some() { self.at } else { self.text.len() };
        (self.leave)(&self.path, start, end);
        read
    }

    fn members(&mut self, close: u8, depth: usize, named: bool) -> Option<()> {
        self.at += 1;
        let outer = self.path.len();
        for index in 0.. {
            self.skip_space();
            if *self.bytes.get(self.at)? == close {
                break;
            }
            if named {
                let name = self.string()?;
                self.skip_space();
                self.expect(b':')?;
                if outer > 0 {
                    self.path.push('.');
                }
                self.path.push_str(&self.text[name]);
            } else {
                self.path.push_str(&format!("[{index}]"));
            }
            self.value(depth + 1)?;
            self.path.truncate(outer);
            self.skip_space();
            match self.bytes.get(self.at)? {
                b',' => self.at += 1,
                byte if *byte == close => {}
                _ => return None,
            }
        }
        self.expect(close)
    }

    /// The range between the quotes.
    fn string(&mut self) -> Option<std::ops::Range<usize>> {
        self.expect(b'"')?;
        let start = self.at;
        while *self.bytes.get(self.at)? != b'"' {
            self.at += if self.bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        Some(start..self.at - 1)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (*self.bytes.get(self.at)? == byte).then(|| self.at += 1)
    }

    fn skip_space(&mut self) {
        while self.bytes.get(self.at).is_some_and(|byte| b" \t\r\n".contains(byte)) {
            self.at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "{\n  \"a\": [ 1, { \"b\\\"c\": null } ],\n  \"d\": \"x\"\n}";

    #[test]
    fn a_path_has_a_spot_and_a_spot_has_a_path() {
        for (path, line, column) in [("", 1, 1), ("a", 2, 8), ("a[0]", 2, 10), ("a[1]", 2, 13), ("a[1].b\\\"c", 2, 23), ("d", 3, 8)] {
            assert_eq!(spot_of(TEXT, path), Spot { line, column }, "{path}");
            assert_eq!(path_at(TEXT, Spot { line, column }), path);
        }
    }

    #[test]
    fn what_is_not_there_is_placed_where_it_is_missing() {
        assert_eq!(spot_of(TEXT, "a[1].z.y"), Spot { line: 2, column: 13 });
        assert_eq!(spot_of(TEXT, "ab"), Spot { line: 1, column: 1 });
        assert_eq!(path_at(TEXT, Spot { line: 9, column: 9 }), "");
    }

    #[test]
    fn text_that_is_not_json_ends_the_walk_and_nothing_else() {
        for text in ["", "{", "{\"a\"", "{\"a\":", "{\"a\": \"\\", "[1", "[1 2]", "{\"a\": [}", "\u{feff}{}"] {
            spot_of(text, "a[0]");
            path_at(text, Spot { line: 1, column: 3 });
        }
        assert_eq!(path_at("{\"a\": {\"b\": x y", Spot { line: 1, column: 13 }), "a.b");
        path_at(&"[".repeat(1_000_000), Spot { line: 1, column: 200 });
    }
}
