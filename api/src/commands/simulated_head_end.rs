//! `daftar simulated-head-end`: a head-end whose meters are made up, and that does what it is told.

use std::time::Duration;

use anyhow::{Result, bail};
use daftar_billing::{
    gateway::Link,
    head_end::simulated::process::{self, Options},
};

use super::simulated_gateway::stop_with_input;
use crate::{cli::SimulatedHeadEnd, compose, stop::Stop};

/// How long the engine may take to hear of a switch.
const PATIENCE: Duration = Duration::from_secs(10);

pub async fn run(SimulatedHeadEnd { listen, callback, attached }: SimulatedHeadEnd) -> Result<()> {
    let stop = Stop::on_signals()?;
    let secret = compose::secret(compose::HEAD_END_SECRET)?;
    let callback = Link::new(&callback, secret.clone(), PATIENCE)?;
    if !listen.ip().is_loopback() {
        bail!("{listen} is not on loopback: whoever reaches the simulated head-end may tell it what to do");
    }
    let listener = compose::listen(listen).await?;
    println!("Simulated head-end on http://{}, where no switch is turned", listener.local_addr()?);
    if attached {
        stop_with_input(&stop);
    }
    process::serve(listener, Options { callback, secret }, stop.asked()).await?;
    Ok(())
}
