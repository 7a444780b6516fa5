//! A page's blocks, and what each asks of whoever tries them.

use serde_json::Value;

#[derive(Debug)]
pub struct Block {
    /// In the page, from 1.
    pub line: usize,
    pub task: Task,
    pub text: String,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Task {
    /// `sh`: commands that succeed, in the page's one shell.
    Run,
    /// `sh refused`: commands, one a line, each of which fails.
    Fail,
    /// `text`: lines that the commands before it have printed.
    Read,
    /// `graphql`: a request that is answered; `graphql refused CODE`: one that is refused so.
    Ask { refused: Option<String> },
    /// `graphql live`: a subscription that tells something at once.
    Follow,
    /// `json NAME` and the like: a file for the commands after it.
    Save { name: String },
    /// `json`: to be read by people, but JSON.
    Parse,
    /// `… not here`, for a reason that the page gives; `sh replay-tool`, which that tool's own test runs.
    Elsewhere,
}

impl Task {
    fn of(info: &str) -> Option<Self> {
        Some(match info.split_whitespace().collect::<Vec<_>>()[..] {
            ["sh"] => Self::Run,
            ["sh", "refused"] => Self::Fail,
            ["text"] => Self::Read,
            ["graphql"] => Self::Ask { refused: None },
            ["graphql", "refused", code] => Self::Ask { refused: Some(code.to_owned()) },
            ["graphql", "live"] => Self::Follow,
            ["json"] => Self::Parse,
            ["json" | "csv" | "js" | "sql", name] => Self::Save { name: name.to_owned() },
            ["sh", "replay-tool"] | [_, "not", "here"] => Self::Elsewhere,
            _ => return None,
        })
    }
}

impl Block {
    pub fn takes_a_company(&self) -> bool {
        matches!(self.task, Task::Run | Task::Fail | Task::Ask { .. } | Task::Follow)
    }
}

/// The blocks between lines of three backticks.
pub fn blocks(page: &str, text: &str) -> Vec<Block> {
    let (mut blocks, mut lines) = (vec![], text.lines().zip(1..));
    while let Some((fence, line)) = lines.next() {
        let Some(info) = fence.trim_start().strip_prefix("```") else { continue };
        assert_eq!(fence.trim_start(), fence, "{page}:{line}: a block begins at the margin");
        let task = Task::of(info).unwrap_or_else(|| panic!("{page}:{line}: nobody knows what to do with a block of {info:?}"));
        let text: String = lines.by_ref().take_while(|(line, _)| *line != "```").flat_map(|(line, _)| [line, "\n"]).collect();
        if task == Task::Parse {
            let flaw = serde_json::Deserializer::from_str(&text).into_iter::<Value>().find_map(Result::err);
            assert!(flaw.is_none(), "{page}:{line}: {flaw:?}");
        }
        blocks.push(Block { line, task, text });
    }
    blocks
}

#[test]
fn a_block_says_what_it_is() {
    let read = |info: &str| blocks("a page", &format!("Words.\n```{info}\n1\n```\nMore words.\n")).remove(0);
    assert_eq!((read("sh").task, read("sh").line, read("sh").text.as_str()), (Task::Run, 2, "1\n"));
    assert_eq!(read("graphql refused NOT_FOUND").task, Task::Ask { refused: Some("NOT_FOUND".to_owned()) });
    assert_eq!(read("sh not here").task, Task::Elsewhere);
    for unknown in ["", "shell", "sh nothere", "graphql refused"] {
        assert!(std::panic::catch_unwind(|| read(unknown)).is_err(), "{unknown}");
    }
}
