//! Supplying a place: who is billed for it, and by which meter it is measured.
//!
//! Account, service point and meter each have a word in it. All are asked beforehand, so that a no of one leaves the others as they are; then
//! each is told in turn, under ids of the wish's own. What a crash leaves half done is done by the same wish sent again.

use daftar_domain::{
    CommandHash, Decider, Service, StreamName,
    account::{self, Account, BeginService, EndService, NoteMeterFitted, NoteMeterTakenOff},
    agreement::{self, Agreement, AttachMeter, DetachMeter, ServicePoint, TransferAgreement},
    ids::{AccountId, MeterId, PremisesId, ReadCycleId, ServicePointId, service_point_id, tariff_series_id},
    meter::{self, InstallMeter, Meter, MeterInstalled},
    premises::Premises,
    read_cycle::ReadCycle,
    reservation::Unique,
    tariff::TariffSeries,
};
use daftar_store::ExecuteError;
use uuid::Uuid;

use super::{Wish, Written};
use crate::problem::{Flaw, Problem};

/// The streams that supply is about.
pub(super) const SUPPLY: &[&str] = &[ServicePoint::CATEGORY, Meter::CATEGORY, Account::CATEGORY];

impl Wish<'_> {
    pub async fn service_point(&self, premises_id: PremisesId, service: Service) -> Result<(ServicePointId, ServicePoint), Problem> {
        if !self.exists(&StreamName::of::<Premises>(premises_id)).await? {
            return Err(Problem::invalid("premisesId", Flaw::Unknown));
        }
        let id = service_point_id(premises_id, service);
        Ok((id, self.app.engine.look(&StreamName::of::<ServicePoint>(id)).await?))
    }

    pub async fn meter(&self, meter_id: MeterId) -> Result<Meter, Problem> {
        Ok(self.app.engine.look(&StreamName::of::<Meter>(meter_id)).await?)
    }

    pub async fn check_series(&self, series: &str) -> Result<(), Problem> {
        let stream = StreamName::of::<TariffSeries>(tariff_series_id(series));
        if self.exists(&stream).await? { Ok(()) } else { Err(Problem::invalid("tariffSeries", Flaw::Unknown)) }
    }

    pub async fn check_cycle(&self, read_cycle_id: ReadCycleId) -> Result<(), Problem> {
        let stream = StreamName::of::<ReadCycle>(read_cycle_id);
        if self.exists(&stream).await? { Ok(()) } else { Err(Problem::invalid("readCycleId", Flaw::Unknown)) }
    }

    /// An agreement starts, and its account begins to be served.
    pub async fn begin_agreement(&self, agreement: Agreement, wished: agreement::Command) -> Result<Written, Problem> {
        let point = service_point_id(agreement.premises_id, agreement.service);
        self.check::<ServicePoint>(point, &wished).await?;
        self.begin_service(&agreement).await?;
        self.ask::<ServicePoint>(point, wished).await
    }

    /// An agreement ends, and its account is no longer served under it.
    pub async fn end_agreement(&self, point: ServicePointId, of: &Agreement, wished: agreement::Command) -> Result<Written, Problem> {
        self.ask::<ServicePoint>(point, wished).await?;
        self.end_service(point, of).await
    }

    /// The supply passes from one account to another.
    pub async fn transfer_agreement(&self, of: &Agreement, wished: TransferAgreement) -> Result<Written, Problem> {
        let (to, point) = (wished.agreement.clone(), service_point_id(of.premises_id, of.service));
        let wished = agreement::Command::TransferAgreement(wished);
        self.check::<ServicePoint>(point, &wished).await?;
        self.begin_service(&to).await?;
        self.ask::<ServicePoint>(point, wished).await?;
        self.end_service(point, of).await
    }

    async fn begin_service(&self, Agreement { agreement_id, account_id, from, .. }: &Agreement) -> Result<(), Problem> {
        let begin = account::Command::BeginService(BeginService { agreement_id: *agreement_id, from: *from });
        self.ask_part::<Account>("begin service", *account_id, begin).await?;
        Ok(())
    }

    /// As of the day on which the service point says that the agreement ended.
    async fn end_service(&self, point: ServicePointId, of: &Agreement) -> Result<Written, Problem> {
        let point: ServicePoint = self.app.engine.look(&StreamName::of::<ServicePoint>(point)).await?;
        let to = point.course(of.agreement_id).and_then(|(_, to)| to).ok_or(Problem::NotFound)?;
        let end = account::Command::EndService(EndService { agreement_id: of.agreement_id, to });
        let position = self.ask_part::<Account>("end service", of.account_id, end).await?.ok_or(Problem::NotFound)?;
        self.written(SUPPLY, position).await
    }

    /// A meter enters the stock, and holds its serial before it does.
    pub async fn register_meter(&self, wished: meter::RegisterMeter) -> Result<Written, Problem> {
        let meter_id = wished.device.meter_id;
        let (maker, serial) = (wished.device.maker.clone(), wished.device.serial.clone());
        let command = meter::Command::RegisterMeter(wished);
        self.check::<Meter>(meter_id, &command).await?;
        if !self.reserve(Unique::MeterSerial { maker: &maker, serial: &serial }, meter_id).await? {
            return Err(Problem::MeterSerialTaken);
        }
        self.ask::<Meter>(meter_id, command).await
    }

    /// A meter goes up where nothing measures the service yet. `said` is the wish without what we know of the day.
    pub async fn install_meter(&self, meter_id: MeterId, install: InstallMeter, said: CommandHash) -> Result<Written, Problem> {
        let InstallMeter { premises_id, service, .. } = install;
        let point: ServicePoint = self.app.engine.look(&StreamName::of::<ServicePoint>(service_point_id(premises_id, service))).await?;
        // Once it is connected nothing is awaited any more, and this is a retry of either.
        match point.awaited() {
            Some(application_id) => self.connect_meter(application_id, &point, meter_id, install, said).await,
            None => self.attach_meter(meter_id, install, said).await,
        }
    }

    async fn attach_meter(&self, meter_id: MeterId, install: InstallMeter, said: CommandHash) -> Result<Written, Problem> {
        let InstallMeter { premises_id, service, on, account_id, .. } = install;
        let point = service_point_id(premises_id, service);
        let attach = agreement::Command::AttachMeter(AttachMeter { premises_id, service, meter_id, on });
        let fitted = account::Command::NoteMeterFitted(NoteMeterFitted { meter_id, fitted_on: on });
        let install = meter::Command::InstallMeter(install);
        self.check_as::<Meter>(meter_id, &install, said).await?;
        self.check_part::<Account>("fitted", account_id, &fitted).await?;
        self.ask_part::<ServicePoint>("attach", point, attach).await?;
        self.ask_as::<Meter>(meter_id, install, said).await?;
        self.told_account("fitted", account_id, fitted).await
    }

    /// A meter comes down, and nothing measures the service.
    pub async fn remove_meter(&self, meter_id: MeterId, remove: meter::RemoveMeter, said: CommandHash) -> Result<Written, Problem> {
        let on = remove.takedown.on;
        let place =
            self.meter(meter_id).await?.installed().map(|place| (service_point_id(place.premises_id, place.service), place.account_id));
        let remove = meter::Command::RemoveMeter(remove);
        self.check_as::<Meter>(meter_id, &remove, said).await?;
        // Once it is down it was the last to be told, and this is a retry.
        if let Some((point, account_id)) = place {
            let detach = agreement::Command::DetachMeter(DetachMeter { meter_id, on });
            let taken_off = account::Command::NoteMeterTakenOff(NoteMeterTakenOff { meter_id, taken_off_on: on });
            self.check_part::<Account>("taken off", account_id, &taken_off).await?;
            self.ask_part::<ServicePoint>("detach", point, detach).await?;
            self.ask_part::<Account>("taken off", account_id, taken_off).await?;
        }
        self.ask_as::<Meter>(meter_id, remove, said).await
    }

    /// A meter takes the place of another, on one day.
    pub async fn exchange_meter(
        &self,
        old: MeterId,
        exchange: meter::ExchangeMeter,
        install: InstallMeter,
        said: CommandHash,
    ) -> Result<Written, Problem> {
        let (new, on) = (exchange.successor, install.on);
        let (point, account_id) = (service_point_id(install.premises_id, install.service), install.account_id);
        let exchange = meter::Command::ExchangeMeter(exchange);
        let install = meter::Command::InstallMeter(install);
        self.check_as::<Meter>(old, &exchange, said).await?;
        self.check_as::<Meter>(new, &install, said).await?;
        let swap = agreement::Command::ExchangeMeter(agreement::ExchangeMeter { old, new, on });
        let taken_off = account::Command::NoteMeterTakenOff(NoteMeterTakenOff { meter_id: old, taken_off_on: on });
        let fitted = account::Command::NoteMeterFitted(NoteMeterFitted { meter_id: new, fitted_on: on });
        self.check_part::<Account>("fitted", account_id, &fitted).await?;
        self.ask_part::<ServicePoint>("exchange", point, swap).await?;
        self.ask_part::<Account>("taken off", account_id, taken_off).await?;
        self.ask_part::<Account>("fitted", account_id, fitted).await?;
        self.ask_as::<Meter>(new, install, said).await?;
        // The last to be told: until it is, a retry finds where it stood.
        self.ask_as::<Meter>(old, exchange, said).await
    }

    /// Where a meter is whose place another takes; once it is down, where the other is.
    pub async fn place_of(&self, old: MeterId, new: MeterId) -> Result<MeterInstalled, Problem> {
        let meter = self.meter(old).await?;
        if let Some(place) = meter.installed() {
            return Ok(place.clone());
        }
        let status = meter.status()?;
        let taken = self.meter(new).await?.installed().filter(|place| place.replaces == Some(old)).cloned();
        taken.ok_or_else(|| meter::Rejection::NotWhile(status).into())
    }

    pub(super) async fn told_account(&self, part: &str, account_id: AccountId, command: account::Command) -> Result<Written, Problem> {
        let position = self.ask_part::<Account>(part, account_id, command).await?.ok_or(Problem::NotFound)?;
        self.written(SUPPLY, position).await
    }

    async fn check<D: Decider>(&self, id: impl Into<Uuid>, command: &D::Command) -> Result<(), Problem>
    where
        Problem: From<ExecuteError<D::Rejection>>,
    {
        self.check_as::<D>(id, command, CommandHash::of(command)).await
    }

    pub(super) async fn check_as<D: Decider>(&self, id: impl Into<Uuid>, command: &D::Command, said: CommandHash) -> Result<(), Problem>
    where
        Problem: From<ExecuteError<D::Rejection>>,
    {
        Ok(self.app.engine.check::<D>(&StreamName::of::<D>(id), &self.context, command.clone(), said).await?)
    }

    pub(super) async fn check_part<D: Decider>(&self, part: &str, id: impl Into<Uuid>, command: &D::Command) -> Result<(), Problem>
    where
        Problem: From<ExecuteError<D::Rejection>>,
    {
        Ok(self.app.engine.check::<D>(&StreamName::of::<D>(id), &self.part(part), command.clone(), CommandHash::of(command)).await?)
    }
}
