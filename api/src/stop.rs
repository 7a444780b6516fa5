//! The wish to stop, heard by everything that runs.

use std::io;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// Ctrl-C, SIGTERM, or somebody inside asking for it.
#[derive(Clone, Debug)]
pub struct Stop(watch::Sender<bool>);

impl Stop {
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// From here on the signals are ours: nothing started after this is cut off half-way.
    pub fn on_signals() -> io::Result<Self> {
        let stop = Self::new();
        let (mut interrupt, mut terminate, asked) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, stop.clone());
        tokio::spawn(async move {
            tokio::select! {
                _ = interrupt.recv() => tracing::info!("interrupted: stopping"),
                _ = terminate.recv() => tracing::info!("asked to terminate: stopping"),
            }
            asked.now();
        });
        Ok(stop)
    }

    pub fn now(&self) {
        self.0.send_replace(true);
    }

    pub fn is_asked(&self) -> bool {
        *self.0.borrow()
    }

    pub async fn asked(self) {
        // The sender is ours, so this only ends with the wish.
        let _ = self.0.subscribe().wait_for(|asked| *asked).await;
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}
