//! How far something is: a bar where people look; elsewhere a line now and then; nothing where a machine reads.

use std::{
    io::{IsTerminal, Write, stdout},
    sync::Mutex,
    time::{Duration, Instant},
};

#[derive(Debug)]
pub struct Display {
    begun: Instant,
    terminal: bool,
    silent: bool,
    said: Mutex<Option<Instant>>,
}

const WIDTH: u64 = 30;

impl Display {
    pub fn new() -> Self {
        Self { begun: Instant::now(), terminal: stdout().is_terminal(), silent: false, said: Mutex::default() }
    }

    /// Says nothing.
    pub fn silent() -> Self {
        Self { terminal: false, silent: true, ..Self::new() }
    }

    /// Since it was begun.
    pub fn seconds(&self) -> f64 {
        self.begun.elapsed().as_secs_f64()
    }

    pub fn bar(percent: u64) -> String {
        let full = usize::try_from(percent.min(100) * WIDTH / 100).unwrap_or_default();
        format!("{}{} {percent:>3} %  ", "█".repeat(full), "·".repeat(WIDTH as usize - full))
    }

    pub fn now_and_then(&self, say: impl FnOnce() -> String) {
        let between = Duration::from_millis(if self.terminal { 100 } else { 5_000 });
        let Ok(mut said) = self.said.lock() else { return };
        if !self.silent && said.is_none_or(|said| said.elapsed() >= between) {
            *said = Some(Instant::now());
            if self.terminal {
                print!("\r\x1b[K{}", say());
                // Nobody is harmed if it does not show.
                let _ = stdout().flush();
            } else {
                println!("{}", say());
            }
        }
    }

    pub fn line(&self, line: &str) {
        self.end();
        println!("{line}");
    }

    pub fn end(&self) {
        if self.terminal {
            print!("\r\x1b[K");
        }
    }
}

impl Default for Display {
    fn default() -> Self {
        Self::new()
    }
}
