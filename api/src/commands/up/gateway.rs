//! The simulated gateway and the simulated head-end that `daftar up` starts, as processes of their own, where no others are named.

use std::{net::SocketAddr, process::Stdio};

use anyhow::{Context, Result};
use daftar_billing::{
    gateway::{Gateways, Secret, Terms},
    head_end::HeadEnd,
};
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
    let secret = new_secret();
    let callback = format!("http://{engine}/webhooks/payments/simulated");
    let started = start("simulated-gateway", &callback, (compose::SIMULATED_SECRET, &secret)).await;
    let started = started.context("the simulated payment gateway does not start")?;
    let gateway = compose::simulated(&started.url, Secret::new(secret)?)?;
    Ok(((Gateways::new([gateway]), named.1), Some(started)))
}

/// The head-end that the options name; if they name none, a simulated one.
pub async fn open_head_end(options: &cli::Gateways, engine: SocketAddr) -> Result<(HeadEnd, Option<Started>)> {
    if options.simulated_head_end.is_some() {
        return Ok((compose::head_end(options)?, None));
    }
    let secret = new_secret();
    let callback = format!("http://{engine}/webhooks/switches");
    let started = start("simulated-head-end", &callback, (compose::HEAD_END_SECRET, &secret)).await;
    let started = started.context("the simulated head-end does not start")?;
    Ok((compose::simulated_head_end(&started.url, Secret::new(secret)?)?, Some(started)))
}

/// Two ids of 122 random bits each.
fn new_secret() -> String {
    format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

async fn start(command: &str, callback: &str, (variable, secret): (&str, &str)) -> Result<Started> {
    let mut process = Command::new(std::env::current_exe()?)
        .args([command, "--listen", "127.0.0.1:0", "--attached", "--callback", callback])
        .env(variable, secret)
        // Ctrl-C is for us; it stops after those who use it.
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
