//! How far a node has stopped, for everything in it that would otherwise go on for ever.

use tokio::sync::watch;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Serving,
    /// Nothing new begins; what goes on for ever ends.
    Stopping,
    /// What has not ended is cut off.
    Cut,
}

#[derive(Clone, Debug)]
pub(super) struct Stop(watch::Receiver<Stage>);

pub(super) fn stages() -> (watch::Sender<Stage>, Stop) {
    let (stage, seen) = watch::channel(Stage::Serving);
    (stage, Stop(seen))
}

impl Stop {
    pub(super) async fn stopping(&self) {
        self.reached(Stage::Stopping).await;
    }

    pub(super) async fn cut(&self) {
        self.reached(Stage::Cut).await;
    }

    /// A node that is gone without a word has reached every stage.
    async fn reached(&self, stage: Stage) {
        let _ = self.0.clone().wait_for(|seen| *seen >= stage).await;
    }
}
