//! `daftar rate` and `daftar tariff check`: the rating rules over files, for people and scripts. Neither needs a server.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use anyhow::Result;
use daftar_domain::rating::files::{RateRequest, TariffFile, check_tariff, rate_files};

use crate::cli::{Rate, TariffCommand, UsageError};

pub fn run(options: &Rate) -> Result<()> {
    let texts = options.tariff.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let tariffs: Vec<_> = texts.iter().map(|(name, text)| TariffFile { name, text }).collect();
    let Rate { usage, from, to, dwellings, breaker_amps, .. } = options;
    let vat = options.vat_category.map(|category| (category, options.vat_reason.clone()));
    let request = RateRequest { tariffs: &tariffs, usage, from: *from, to: *to, dwellings: *dwellings, breaker_amps: *breaker_amps, vat };
    let bill = rate_files(&request).map_err(|refusal| UsageError(refusal.to_string()))?;
    let text = if options.json { bill.to_json() } else { bill.to_string().into_bytes() };
    let mut out = io::stdout().lock();
    out.write_all(text.trim_ascii_end())?;
    Ok(out.write_all(b"\n")?)
}

pub fn tariff(command: &TariffCommand) -> Result<()> {
    match command {
        TariffCommand::Check { files } => {
            for path in files {
                let (name, text) = read(path)?;
                let tariff = check_tariff(TariffFile { name: &name, text: &text }).map_err(|refusal| UsageError(refusal.to_string()))?;
                println!("{name}: {tariff}");
            }
            Ok(())
        }
    }
}

/// A file by the name it was given. One that cannot be read is as bad a file as one that makes no sense.
fn read(path: &Path) -> Result<(String, String), UsageError> {
    let name = path.display().to_string();
    match fs::read_to_string(path) {
        Ok(text) => Ok((name, text)),
        Err(error) => Err(UsageError(format!("{name}: {error}"))),
    }
}
