//! Premises: the places that are supplied.

use std::num::NonZeroU32;

use async_graphql::{ID, InputObject, SimpleObject};
use daftar_domain::{
    Decider, Sealed, SealedFor, StreamName,
    ids::{AccountId, PremisesId},
    premises::{AmendPremises, Command, CorrectAddress, Premises, PremisesFacts, RegisterPremises, Rejection},
};

use super::{
    By::{self, Staff},
    Record, mutations,
};
use crate::{
    app::Wish,
    caller::Role,
    graphql::scalars::{Date, Decimal},
    input,
    problem::Problem,
};

/// No place has as many homes, and no breaker lets as much through.
const MANY: u32 = 100_000;

const BILLING: By = Staff(&[Role::Billing]);

mutations! {
    PremisesMutation

    /// Registers a place that can be supplied.
    register_premises(RegisterPremisesInput) -> PremisesPayload, by BILLING;
    /// Says that the place is otherwise from a day on: homes were added, the breaker is larger.
    amend_premises(AmendPremisesInput) -> PremisesPayload, by BILLING;
    /// Corrects how the place's address is written.
    correct_premises_address(CorrectPremisesAddressInput) -> PremisesPayload, by BILLING;
}

/// What a tariff may ask about a place.
#[derive(Debug, InputObject)]
struct PremisesFactsInput {
    /// Homes behind the meter: slabs widen with them where the tariff says so. One or more.
    dwellings: i32,
    /// What the main breaker lets through, in amperes.
    breaker_amps: Option<i32>,
    /// The connected load, in kilovolt-amperes.
    load_kva: Option<Decimal>,
    /// The code of the district by which outages are announced and connections are priced.
    area: String,
}

/// A place that is to be registered.
#[derive(Debug, InputObject)]
struct RegisterPremisesInput {
    /// Where it is, in one line of at most 200 characters. Kept encrypted.
    address: String,
    /// What it is like.
    facts: PremisesFactsInput,
    /// The first day on which it can be supplied.
    registered_on: Date,
}

/// A place that is otherwise.
#[derive(Debug, InputObject)]
struct AmendPremisesInput {
    /// As `registerPremises` gave it.
    premises_id: ID,
    /// What it is like from that day on.
    facts: PremisesFactsInput,
    /// The first day on which it is so.
    effective_on: Date,
    /// Why, in a phrase without personal data.
    reason: String,
}

/// How a place's address is to be written.
#[derive(Debug, InputObject)]
struct CorrectPremisesAddressInput {
    /// As `registerPremises` gave it.
    premises_id: ID,
    /// Where it is, in one line of at most 200 characters. Kept encrypted.
    address: String,
}

/// The place as it was asked for.
#[derive(Debug, SimpleObject)]
struct PremisesPayload {
    /// The place's id, for ever.
    premises_id: ID,
    #[graphql(flatten)]
    record: Record,
}

async fn register_premises(wish: &Wish<'_>, input: RegisterPremisesInput) -> Result<PremisesPayload, Problem> {
    let (facts, registered_on) = (input.facts.parse()?, input.registered_on.day("registeredOn")?);
    let premises_id = wish.created(Premises::CATEGORY, PremisesId::new);
    let address = sealed(wish, premises_id, &input.address).await?;
    ask(wish, premises_id, Command::RegisterPremises(RegisterPremises { premises_id, address, facts, registered_on })).await
}

async fn amend_premises(wish: &Wish<'_>, input: AmendPremisesInput) -> Result<PremisesPayload, Problem> {
    let premises_id = input::id("premisesId", &input.premises_id, PremisesId::new)?;
    let (facts, effective_on) = (input.facts.parse()?, input.effective_on.day("effectiveOn")?);
    let reason = input::reason("reason", &input.reason)?;
    ask(wish, premises_id, Command::AmendPremises(AmendPremises { facts, effective_on, reason })).await
}

async fn correct_premises_address(wish: &Wish<'_>, input: CorrectPremisesAddressInput) -> Result<PremisesPayload, Problem> {
    let premises_id = input::id("premisesId", &input.premises_id, PremisesId::new)?;
    // No key is made for a place that is not there.
    if !wish.exists(&StreamName::of::<Premises>(premises_id)).await? {
        return Err(Rejection::NotRegistered.into());
    }
    let address = sealed(wish, premises_id, &input.address).await?;
    ask(wish, premises_id, Command::CorrectAddress(CorrectAddress { address })).await
}

impl PremisesFactsInput {
    fn parse(self) -> Result<PremisesFacts, Problem> {
        let parse = || {
            let dwellings = input::count("dwellings", self.dwellings, 1, MANY)?;
            let breaker_amps = self.breaker_amps.map(|amps| input::count("breakerAmps", amps, 1, MANY)).transpose()?;
            let load_kva = self.load_kva.map(|load| load.number("loadKva")).transpose()?;
            let area = input::code("area", &self.area)?;
            Ok(PremisesFacts { dwellings: NonZeroU32::new(dwellings).unwrap_or(NonZeroU32::MIN), breaker_amps, load_kva, area })
        };
        parse().map_err(|problem: Problem| problem.within("facts"))
    }
}

/// With a key of the premises' own, kept as if they were an account: people come and go, the place stays.
async fn sealed(wish: &Wish<'_>, premises_id: PremisesId, address: &str) -> Result<Sealed, Problem> {
    wish.seal(AccountId::new(premises_id.into()), SealedFor::Contact, &input::line("address", address)?).await
}

async fn ask(wish: &Wish<'_>, premises_id: PremisesId, command: Command) -> Result<PremisesPayload, Problem> {
    let written = wish.ask::<Premises>(premises_id, command).await?;
    Ok(PremisesPayload { premises_id: premises_id.to_string().into(), record: written.into() })
}
