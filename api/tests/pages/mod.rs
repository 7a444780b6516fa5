//! The pages are true: whoever types what stands there gets what is said there.
//!
//! README and every page under `docs/` is gone through from its first block to its last, against a made-up company of its own, with the
//! processes of a real deployment. What a block is, its info string says; one that says nothing known fails.

mod blocks;
mod company;
mod configuration;
mod containers;
mod reader;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use self::{
    blocks::{Block, blocks},
    company::Company,
    reader::Reader,
};

/// Where the pages are.
fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

struct Page {
    name: String,
    blocks: Vec<Block>,
}

fn pages() -> Vec<Page> {
    let docs = fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = docs.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    names.push("README.md".to_owned());
    names.sort();
    let page = |name: String| Page { blocks: blocks(&name, &fs::read_to_string(root().join(&name)).unwrap()), name };
    names.into_iter().map(page).collect()
}

#[test]
fn every_block_of_every_page_does_what_the_page_says() {
    let pages = pages();
    assert!(pages.len() >= 8, "there are pages to read");
    let company = Company::new();
    containers::alerts_watch_what_is_measured(&company);
    // One page's mistake does not hide another's.
    let is_wrong = |Page { name, blocks }: &Page| {
        let read = || {
            let mut reader = Reader::new(&company);
            blocks.iter().for_each(|block| reader.tries(name, block));
        };
        blocks.iter().any(Block::takes_a_company) && catch_unwind(AssertUnwindSafe(read)).is_err()
    };
    let wrong: Vec<&str> = pages.iter().filter(|page| is_wrong(page)).map(|page| page.name.as_str()).collect();
    assert!(wrong.is_empty(), "{wrong:?} say what is not so: the reasons stand above");
}
