//! Other processes: this very program, asked through its environment to be a writer or a reader instead of a test.

use std::{
    io::{BufRead, BufReader, Lines},
    process::{Child, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use daftar_store::{
    Durability, Postgres, PostgresOptions,
    log::{Log, LogPage},
};
use futures::StreamExt;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use uuid::Uuid;

use super::workload;
use crate::support;

const PART: &str = "DAFTAR_TEST_PART";
const URL: &str = "DAFTAR_TEST_URL";
const EVENTS: &str = "DAFTAR_TEST_EVENTS";

/// Before each id that the other process says. The test harness says other things on the same pipe.
const WORD: &str = "event ";

pub struct OtherProcess {
    child: Child,
    words: Lines<BufReader<ChildStdout>>,
}

impl OtherProcess {
    /// Says the id of each event once it is acknowledged; ends after so many, or never.
    pub fn writes(url: &str, durability: Durability, events: Option<usize>) -> Self {
        let part = if durability == Durability::Required { "durable writer" } else { "writer" };
        Self::plays(part, url, events.unwrap_or(usize::MAX))
    }

    /// Says the id of each event that it sees in following the log; ends after so many.
    pub fn reads(url: &str, events: usize) -> Self {
        Self::plays("reader", url, events)
    }

    fn plays(part: &str, url: &str, events: usize) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "faults::processes::the_other_process", "--nocapture"]);
        command.env(PART, part).env(URL, url).env(EVENTS, events.to_string()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("a process starts");
        let words = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, words }
    }

    pub fn word(&mut self) -> Uuid {
        self.next_word().expect("the other process says something before it ends")
    }

    /// All that is still in the pipe, and all that comes until the process ends.
    pub fn words_to_the_end(&mut self) -> Vec<Uuid> {
        let mut words = Vec::new();
        while let Some(word) = self.next_word() {
            words.push(word);
        }
        words
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("it is ours to kill");
    }

    fn next_word(&mut self) -> Option<Uuid> {
        loop {
            let line = self.words.next()?.expect("text");
            if let Some((_, word)) = line.split_once(WORD) {
                // The last line may have been cut off by the end.
                return word.parse().ok();
            }
        }
    }
}

impl Drop for OtherProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kills a server's processes so that none of them can finish what it was at. Whoever started it has to reap the first.
pub fn kill_all_of(postmaster: u32) {
    let signal = |pid: u32, signal| {
        // One that has just ended by itself is as good.
        let _ = kill(Pid::from_raw(pid.cast_signed()), signal);
    };
    // It must neither notice the death of its children nor have more.
    signal(postmaster, Signal::SIGSTOP);
    for child in children(postmaster) {
        signal(child, Signal::SIGKILL);
    }
    signal(postmaster, Signal::SIGKILL);
}

fn children(parent: u32) -> Vec<u32> {
    let listed = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("ps lists the processes");
    let pairs = String::from_utf8(listed.stdout).expect("numbers");
    let pairs = pairs.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace().filter_map(|number| number.parse().ok());
        Some((numbers.next()?, numbers.next()?))
    });
    pairs.filter(|(_, its_parent)| *its_parent == parent).map(|(pid, _)| pid).collect()
}

/// Not a test, but what this program does when it was started as another process.
#[tokio::test(flavor = "multi_thread")]
async fn the_other_process() {
    let Ok(part) = std::env::var(PART) else { return };
    let url = std::env::var(URL).expect("the URL");
    let events: usize = std::env::var(EVENTS).expect("the number of events").parse().expect("a number");
    let durability = if part == "durable writer" { Durability::Required } else { Durability::UnsafeForTests };
    let log = Postgres::connect(&url, PostgresOptions { durability, ..support::options() }).await.expect("the log opens");
    match part.as_str() {
        "reader" => read(log, events).await,
        _ => write(log, events).await,
    }
}

async fn write(log: Log, events: usize) {
    let (promised, said) = (AtomicUsize::new(0), |ids: &[Uuid]| ids.iter().for_each(say));
    let goes_on = || promised.fetch_add(workload::EVENTS, Ordering::Relaxed) < events;
    workload::write(log, goes_on, said).await;
}

async fn read(log: Log, events: usize) {
    let (mut seen, mut pages) = (0, log.follow(0));
    while seen < events {
        if let LogPage::Events(page) = pages.next().await.expect("a log has no end").expect("the log is read") {
            page.iter().for_each(|event| say(&event.id));
            seen += page.len();
        }
    }
}

fn say(id: &Uuid) {
    println!("{WORD}{id}");
}
