//! What `daftar` can be told to do, one file each.

pub mod bill_run;
pub mod correct_invoice;
pub mod day_end;
pub mod demo;
pub mod import;
pub mod import_archive;
pub mod migrate;
pub mod node;
pub mod period;
pub mod projections;
pub mod projector;
pub mod rate;
pub mod scheduler;
pub mod seal;
pub mod server;
pub mod simulated_gateway;
pub mod simulated_head_end;
pub mod up;
pub mod user;

use anyhow::Result;

use crate::cli::Command;

pub async fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(options) => up::run(options).await,
        Command::Server(options) => server::run(options).await,
        Command::Projector(options) => projector::run(options).await,
        Command::Seal(command) => seal::run(&command),
        Command::BillRun(options) => bill_run::run(options).await,
        Command::CorrectInvoice(options) => correct_invoice::run(options).await,
        Command::ClosePeriod(options) => period::close(options).await,
        Command::Period(command) => period::run(command).await,
        Command::Demo(options) => demo::run(options).await,
        Command::Import(command) => import::run(command).await,
        Command::Projections(command) => projections::run(command).await,
        Command::Migrate(options) => migrate::run(options).await,
        Command::Node(options) => node::run(options).await,
        Command::User(command) => user::run(command).await,
        Command::DayEnd(options) => day_end::run(options).await,
        Command::Scheduler(options) => scheduler::run(options).await,
        Command::SimulatedGateway(options) => simulated_gateway::run(options).await,
        Command::SimulatedHeadEnd(options) => simulated_head_end::run(options).await,
        Command::Rate(options) => rate::run(&options),
        Command::Tariff(command) => rate::tariff(&command),
    }
}
