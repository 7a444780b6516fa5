//! `daftar simulated-gateway`: a payment gateway that takes no money and does what it is told.

use std::{io, thread, time::Duration};

use anyhow::{Result, bail};
use daftar_billing::gateway::{
    Link,
    simulated::process::{self, Options},
};

use crate::{cli::SimulatedGateway, compose, stop::Stop};

/// How long the engine may take to hear of a payment.
const PATIENCE: Duration = Duration::from_secs(10);

pub async fn run(SimulatedGateway { listen, callback, attached }: SimulatedGateway) -> Result<()> {
    let stop = Stop::on_signals()?;
    let secret = compose::secret(compose::SIMULATED_SECRET)?;
    let callback = Link::new(&callback, secret.clone(), PATIENCE)?;
    if !listen.ip().is_loopback() {
        bail!("{listen} is not on loopback: whoever reaches the simulated gateway may tell it what to do");
    }
    let listener = compose::listen(listen).await?;
    println!("Simulated gateway on http://{}, where no money moves", listener.local_addr()?);
    if attached {
        stop_with_input(&stop);
    }
    process::serve(listener, Options { callback, secret }, stop.asked()).await?;
    Ok(())
}

/// Whoever started us holds the other end of our input, and lets go of it however it ends.
pub(super) fn stop_with_input(stop: &Stop) {
    let stop = stop.clone();
    thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        stop.now();
    });
}
