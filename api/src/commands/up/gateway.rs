//! The simulated gateway that `daftar up` starts, as a process of its own, where no other gateway is named.

use std::{net::SocketAddr, process::Stdio};

use anyhow::{Context, Result};
use daftar_billing::gateway::{Gateways, Secret, Terms};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};
use uuid::Uuid;

use crate::{cli, compose};

/// It ends when we let go of its standard input, as we do however we end.
#[derive(Debug)]
pub struct Started {
    pub url: String,
    _process: Child,
}

/// The gateways that the options name; if they name none, a simulated one that calls back where we listen.
pub async fn open(options: &cli::Gateways, engine: SocketAddr) -> Result<((Gateways, Terms), Option<Started>)> {
    let named = compose::gateways(options)?;
    if options.simulated_gateway.is_some() {
        return Ok((named, None));
    }
    // Two ids of 122 random bits each.
    let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let started = start(engine, &secret).await.context("the simulated payment gateway does not start")?;
    let gateway = compose::simulated(&started.url, Secret::new(secret)?)?;
    Ok(((Gateways::new([gateway]), named.1), Some(started)))
}

async fn start(engine: SocketAddr, secret: &str) -> Result<Started> {
    let callback = format!("http://{engine}/webhooks/payments/simulated");
    let mut process = Command::new(std::env::current_exe()?)
        .args(["simulated-gateway", "--listen", "127.0.0.1:0", "--attached", "--callback", &callback])
        .env(compose::SIMULATED_SECRET, secret)
        // Ctrl-C is for us; the gateway stops after those who use it.
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = process.stdout.take().context("it has no output")?;
    let line = BufReader::new(output).lines().next_line().await?.context("it ended at once")?;
    let url = line.split([' ', ',']).find(|word| word.starts_with("http://")).context("it does not say where it is")?;
    Ok(Started { url: url.to_owned(), _process: process })
}
