//! How an account's holder is reached. Customers look after their own.

use async_graphql::{ID, InputObject, SimpleObject};
use daftar_domain::{
    Sealed, SealedFor,
    account::{
        Account, AddAddress, AddContact, Address, ChangeAddress, ChangeContact, Command, Contact, ContactKind as Kind, RemoveAddress,
        RemoveContact,
    },
    ids::{AddressId, ContactId},
};

use super::{By, Record, mutations};
use crate::{
    app::Wish,
    caller::{Role, Visible},
    graphql::enums::{AddressKind, ContactKind},
    input,
    problem::Problem,
};

const HOLDER_AND_DESK: By = By::StaffAndCustomers(&[Role::Billing, Role::Cashier]);

mutations! {
    ContactMutation

    /// Adds a way to reach the account's holder.
    add_contact(AddContactInput) -> ContactPayload, by HOLDER_AND_DESK;
    /// Changes a way to reach the account's holder.
    change_contact(ChangeContactInput) -> ContactPayload, by HOLDER_AND_DESK;
    /// Removes a way to reach the account's holder.
    remove_contact(RemoveContactInput) -> ContactPayload, by HOLDER_AND_DESK;
    /// Adds one of the account's addresses.
    add_address(AddAddressInput) -> AddressPayload, by HOLDER_AND_DESK;
    /// Changes one of the account's addresses.
    change_address(ChangeAddressInput) -> AddressPayload, by HOLDER_AND_DESK;
    /// Removes one of the account's addresses.
    remove_address(RemoveAddressInput) -> AddressPayload, by HOLDER_AND_DESK;
}

/// A person or desk to reach, and by what.
#[derive(Debug, InputObject)]
struct ContactInput {
    /// By what they are reached.
    kind: ContactKind,
    /// Who it is, if not the holder: one line of at most 200 characters. Kept encrypted.
    name: Option<String>,
    /// The number or address to reach them at: one line of at most 200 characters. Kept encrypted.
    value: String,
}

/// Where something is.
#[derive(Debug, InputObject)]
struct AddressInput {
    /// What the address is for.
    kind: AddressKind,
    /// The address in one line of at most 200 characters. Kept encrypted.
    text: String,
}

/// A way to reach the holder that is to be added.
#[derive(Debug, InputObject)]
struct AddContactInput {
    /// Whose it is.
    account_id: ID,
    /// Whom, and by what.
    contact: ContactInput,
}

/// A way to reach the holder that is to be otherwise.
#[derive(Debug, InputObject)]
struct ChangeContactInput {
    /// Whose it is.
    account_id: ID,
    /// As `addContact` gave it.
    contact_id: ID,
    /// What it is to be from now on.
    contact: ContactInput,
}

/// A way to reach the holder that is to be removed.
#[derive(Debug, InputObject)]
struct RemoveContactInput {
    /// Whose it is.
    account_id: ID,
    /// As `addContact` gave it.
    contact_id: ID,
}

/// An address that is to be added.
#[derive(Debug, InputObject)]
struct AddAddressInput {
    /// Whose it is.
    account_id: ID,
    /// Which it is.
    address: AddressInput,
}

/// An address that is to be otherwise.
#[derive(Debug, InputObject)]
struct ChangeAddressInput {
    /// Whose it is.
    account_id: ID,
    /// As `addAddress` gave it.
    address_id: ID,
    /// What it is to be from now on.
    address: AddressInput,
}

/// An address that is to be removed.
#[derive(Debug, InputObject)]
struct RemoveAddressInput {
    /// Whose it is.
    account_id: ID,
    /// As `addAddress` gave it.
    address_id: ID,
}

/// The contact as it was asked for.
#[derive(Debug, SimpleObject)]
struct ContactPayload {
    /// The contact's id, for ever.
    contact_id: ID,
    #[graphql(flatten)]
    record: Record,
}

/// The address as it was asked for.
#[derive(Debug, SimpleObject)]
struct AddressPayload {
    /// The address's id, for ever.
    address_id: ID,
    #[graphql(flatten)]
    record: Record,
}

async fn add_contact(wish: &Wish<'_>, input: AddContactInput) -> Result<ContactPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let contact_id = wish.created_in(account.id(), "contact", ContactId::new);
    let contact = contact(wish, account, input.contact).await?;
    of_contact(wish, account, contact_id, Command::AddContact(AddContact { contact_id, contact })).await
}

async fn change_contact(wish: &Wish<'_>, input: ChangeContactInput) -> Result<ContactPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let contact_id = input::id("contactId", &input.contact_id, ContactId::new)?;
    let contact = contact(wish, account, input.contact).await?;
    of_contact(wish, account, contact_id, Command::ChangeContact(ChangeContact { contact_id, contact })).await
}

async fn remove_contact(wish: &Wish<'_>, input: RemoveContactInput) -> Result<ContactPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let contact_id = input::id("contactId", &input.contact_id, ContactId::new)?;
    of_contact(wish, account, contact_id, Command::RemoveContact(RemoveContact { contact_id })).await
}

async fn add_address(wish: &Wish<'_>, input: AddAddressInput) -> Result<AddressPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let address_id = wish.created_in(account.id(), "address", AddressId::new);
    let address = address(wish, account, input.address).await?;
    of_address(wish, account, address_id, Command::AddAddress(AddAddress { address_id, address })).await
}

async fn change_address(wish: &Wish<'_>, input: ChangeAddressInput) -> Result<AddressPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let address_id = input::id("addressId", &input.address_id, AddressId::new)?;
    let address = address(wish, account, input.address).await?;
    of_address(wish, account, address_id, Command::ChangeAddress(ChangeAddress { address_id, address })).await
}

async fn remove_address(wish: &Wish<'_>, input: RemoveAddressInput) -> Result<AddressPayload, Problem> {
    let account = wish.account(&input.account_id).await?;
    let address_id = input::id("addressId", &input.address_id, AddressId::new)?;
    of_address(wish, account, address_id, Command::RemoveAddress(RemoveAddress { address_id })).await
}

async fn contact(wish: &Wish<'_>, account: Visible, input: ContactInput) -> Result<Contact, Problem> {
    let name = match &input.name {
        Some(name) => Some(wish.seal_name(account.id(), &input::line("contact.name", name)?).await?),
        None => None,
    };
    let kind = input.kind.into();
    let value = match kind {
        Kind::Mobile | Kind::Phone | Kind::WhatsApp => wish.seal_phone(account.id(), &input::line("contact.value", &input.value)?).await?,
        Kind::Email => sealed(wish, account, "contact.value", &input.value).await?,
    };
    Ok(Contact { kind, name, value })
}

async fn address(wish: &Wish<'_>, account: Visible, input: AddressInput) -> Result<Address, Problem> {
    let text = sealed(wish, account, "address.text", &input.text).await?;
    Ok(Address { kind: input.kind.into(), text })
}

async fn sealed(wish: &Wish<'_>, account: Visible, field: &'static str, text: &str) -> Result<Sealed, Problem> {
    wish.seal(account.id(), SealedFor::Contact, &input::line(field, text)?).await
}

async fn of_contact(wish: &Wish<'_>, account: Visible, contact_id: ContactId, command: Command) -> Result<ContactPayload, Problem> {
    let written = wish.ask::<Account>(account.id(), command).await?;
    Ok(ContactPayload { contact_id: contact_id.to_string().into(), record: written.into() })
}

async fn of_address(wish: &Wish<'_>, account: Visible, address_id: AddressId, command: Command) -> Result<AddressPayload, Problem> {
    let written = wish.ask::<Account>(account.id(), command).await?;
    Ok(AddressPayload { address_id: address_id.to_string().into(), record: written.into() })
}
