//! Connecting a place: the application, the account that pays for it and the place that is kept for it each have a word in it.
//!
//! The account's is the last that can be no: only it knows what is paid at this moment. Whatever comes after it cannot be had without it.

use chrono::NaiveDate;
use daftar_domain::{
    Actor, CommandHash, Decider, Reason, StreamName,
    account::{self, Account, ClearConnection, Clearance, NoteMeterFitted, NoteMeterTakenOff, WithdrawConnection},
    agreement::{self, Agreement, ConnectMeter, ServicePoint},
    application::{self, ActivateConnection, Application, CancelApplication, InspectSite, SiteInspected},
    ids::{self, AccountId, ApplicationId, MeterId, service_point_id},
    meter::{self, InstallMeter, Meter},
    policy,
};
use daftar_store::{CommandContext, ExecuteError, Outcome};
use uuid::Uuid;

use super::{Wish, Written, supply::SUPPLY};
use crate::problem::{Flaw, Problem};

impl Wish<'_> {
    pub async fn application(&self, id: ApplicationId) -> Result<Application, Problem> {
        Ok(self.app.engine.look(&StreamName::of::<Application>(id)).await?)
    }

    /// Whose meter it is that goes up there: the application's, if one is to be connected, or has been and is not billed yet.
    pub async fn fitted_for(&self, point: &ServicePoint, on: NaiveDate) -> Result<AccountId, Problem> {
        let billed = point.agreement_on(on).map(|agreement| agreement.account_id);
        let application_id = match billed {
            Some(_) => point.awaited(),
            None => point.awaited().or(point.connected()),
        };
        let applied = match application_id {
            Some(id) => self.application(id).await?.account_id(),
            None => None,
        };
        Ok(applied.or(billed).ok_or(agreement::Rejection::OutsideAgreement(on))?)
    }

    /// What was found at the place is recorded, and the place is kept, as the policy would ask for it a moment later.
    pub async fn inspect_site(&self, id: ApplicationId, inspect: InspectSite) -> Result<Written, Problem> {
        let service = inspect.findings.capacity.service();
        let point = service_point_id(inspect.premises_id, service);
        let keep = agreement::AwaitConnection { application_id: id, premises_id: inspect.premises_id, service };
        self.check_part::<ServicePoint>("keep", point, &agreement::Command::AwaitConnection(keep)).await?;
        let (stream, command) = (StreamName::of::<Application>(id), application::Command::InspectSite(inspect));
        let outcome = self.app.engine.execute::<Application>(&stream, &self.context, command).await?;
        let position = outcome.position().ok_or(Problem::NotFound)?;
        if let Outcome::Recorded { events, .. } = &outcome {
            for (n, event) in events.iter().enumerate() {
                if let application::Event::SiteInspected(found) = event {
                    self.keep(ids::event_id(self.context.command_id, &stream, n), found).await?;
                }
            }
        }
        self.written(&[Application::CATEGORY], position).await
    }

    async fn keep(&self, event_id: Uuid, found: &SiteInspected) -> Result<(), Problem> {
        let (command_id, keep) = policy::keep_request(event_id, found);
        let context =
            CommandContext { command_id, actor: Actor::policy(policy::KEEP_PLACE), causation_id: event_id, ..self.context.clone() };
        let stream = StreamName::of::<ServicePoint>(found.service_point_id);
        self.app.engine.execute::<ServicePoint>(&stream, &context, agreement::Command::AwaitConnection(keep)).await?;
        Ok(())
    }

    /// A meter goes up for an application. The account lets it, if the fee is paid at that moment.
    pub(super) async fn connect_meter(
        &self,
        application_id: ApplicationId,
        place: &ServicePoint,
        meter_id: MeterId,
        install: InstallMeter,
        said: CommandHash,
    ) -> Result<Written, Problem> {
        let InstallMeter { premises_id, service, on, account_id, .. } = install;
        let install = meter::Command::InstallMeter(install);
        self.check_as::<Meter>(meter_id, &install, said).await?;
        place.could_connect(meter_id, on)?;
        let clearance = self.clearance(application_id, account_id, meter_id, on).await?;
        let connect = agreement::Command::ConnectMeter(ConnectMeter { premises_id, service, clearance, on });
        if let Err(problem) = self.ask_part::<ServicePoint>("connect", service_point_id(premises_id, service), connect).await {
            // Another meter was quicker there: ours did not go up, and cleared nothing.
            if matches!(problem, Problem::Refused(_)) {
                let off = account::Command::NoteMeterTakenOff(NoteMeterTakenOff { meter_id, taken_off_on: on });
                self.ask_part::<Account>("not connected", account_id, off).await?;
            }
            return Err(problem);
        }
        self.ask_as::<Meter>(meter_id, install, said).await?;
        // It has known since it let the meter up.
        let fitted = account::Command::NoteMeterFitted(NoteMeterFitted { meter_id, fitted_on: on });
        self.told_account("fitted", account_id, fitted).await
    }

    /// The account's word that the fee is paid; the one that it has given, if a try before this one has come so far.
    async fn clearance(
        &self,
        application_id: ApplicationId,
        account_id: AccountId,
        meter_id: MeterId,
        on: NaiveDate,
    ) -> Result<Clearance, Problem> {
        let stream = StreamName::of::<Account>(account_id);
        let given = async || {
            let account: Account = self.app.engine.look(&stream).await?;
            Ok::<_, Problem>(account.clearance(application_id).filter(|clearance| clearance.meter_id() == meter_id))
        };
        if let Some(clearance) = given().await? {
            return Ok(clearance);
        }
        let application = self.application(application_id).await?;
        if application.account_id() != Some(account_id) {
            return Err(Problem::invalid("place", Flaw::Unknown));
        }
        let clear = ClearConnection { application_id, invoice_id: application.gate()?, meter_id, on };
        self.app.engine.execute::<Account>(&stream, &self.part("clear"), clear.into()).await?;
        // A meter that came down since has taken the word with it.
        Ok(given().await?.ok_or(account::Rejection::ConnectionFeeUnpaid)?)
    }

    /// The supply begins to be billed, and the application is at its end.
    pub async fn activate_connection(&self, id: ApplicationId, agreement: Agreement, on: NaiveDate) -> Result<Written, Problem> {
        let activate = application::Command::ActivateConnection(ActivateConnection { agreement_id: agreement.agreement_id, on });
        self.check_as::<Application>(id, &activate, CommandHash::of(&activate)).await?;
        let start = agreement::Command::StartAgreement(agreement::StartAgreement { agreement: agreement.clone() });
        self.begin_agreement(agreement, start).await?;
        let written = self.ask::<Application>(id, activate).await?;
        self.written(&[&[Application::CATEGORY], SUPPLY].concat(), written.position).await
    }

    /// Once a fee was asked for, the account is asked first: whoever has put a meter up by then was quicker.
    pub async fn cancel_application(&self, id: ApplicationId, reason: Reason, on: NaiveDate) -> Result<Written, Problem> {
        let application = self.application(id).await?;
        let said = CommandHash::of(&reason);
        let mut withdrawal = None;
        // What is refused for another reason than the word that is yet to be had leaves the account as it is.
        let cancel = application::Command::CancelApplication(CancelApplication { reason: reason.clone(), withdrawal, on });
        match self.app.engine.check::<Application>(&StreamName::of::<Application>(id), &self.context, cancel, said).await {
            Ok(()) | Err(ExecuteError::Rejected(application::Rejection::NotWithdrawn)) => {}
            Err(error) => return Err(error.into()),
        }
        if let (Some(_), Some(account_id)) = (application.invoice_id(), application.account_id()) {
            let withdraw = account::Command::from(WithdrawConnection { application_id: id, on });
            let stream = StreamName::of::<Account>(account_id);
            self.app.engine.execute_as::<Account>(&stream, &self.part("withdraw"), withdraw, said).await?;
            let account: Account = self.app.engine.look(&stream).await?;
            withdrawal = account.withdrawal(id);
        }
        let cancel = application::Command::CancelApplication(CancelApplication { reason, withdrawal, on });
        self.ask_as::<Application>(id, cancel, said).await
    }
}
