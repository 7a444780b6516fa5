//! How to reach the holder, and where: several contacts and several addresses, each with an id from the caller.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Account, Event, Rejection};
use crate::{
    Sealed,
    ids::{AddressId, ContactId},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AddContact {
    pub contact_id: ContactId,
    pub contact: Contact,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeContact {
    pub contact_id: ContactId,
    pub contact: Contact,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RemoveContact {
    pub contact_id: ContactId,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AddAddress {
    pub address_id: AddressId,
    pub address: Address,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ChangeAddress {
    pub address_id: AddressId,
    pub address: Address,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RemoveAddress {
    pub address_id: AddressId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactAdded {
    pub contact_id: ContactId,
    pub contact: Contact,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactChanged {
    pub contact_id: ContactId,
    pub contact: Contact,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContactRemoved {
    pub contact_id: ContactId,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddressAdded {
    pub address_id: AddressId,
    pub address: Address,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddressChanged {
    pub address_id: AddressId,
    pub address: Address,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddressRemoved {
    pub address_id: AddressId,
}

/// A person or desk to reach, and by what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contact {
    pub kind: ContactKind,
    pub name: Option<Sealed>,
    /// The number or address to reach them at.
    pub value: Sealed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ContactKind {
    Mobile,
    Phone,
    Email,
    WhatsApp,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Address {
    pub kind: AddressKind,
    pub text: Sealed,
}

/// What an address is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AddressKind {
    Billing,
    Service,
    Mail,
}

/// The contacts and addresses as of now. A removed one keeps its id: an id is never given twice.
#[derive(Clone, Debug, Default)]
pub struct Contacts {
    contacts: BTreeMap<ContactId, Entry<Contact>>,
    addresses: BTreeMap<AddressId, Entry<Address>>,
}

/// What it was added as, so that a retry is known, and what it is now.
#[derive(Clone, Debug)]
struct Entry<T> {
    added: T,
    now: Option<T>,
}

impl<T: Clone> Entry<T> {
    fn new(added: &T) -> Self {
        Self { added: added.clone(), now: Some(added.clone()) }
    }
}

impl Contacts {
    pub fn of_kind(&self, kind: ContactKind) -> impl Iterator<Item = (ContactId, &Contact)> {
        let standing = self.contacts.iter().filter_map(|(id, entry)| entry.now.as_ref().map(|contact| (*id, contact)));
        standing.filter(move |(_, contact)| contact.kind == kind)
    }

    pub fn addresses_of_kind(&self, kind: AddressKind) -> impl Iterator<Item = (AddressId, &Address)> {
        let standing = self.addresses.iter().filter_map(|(id, entry)| entry.now.as_ref().map(|address| (*id, address)));
        standing.filter(move |(_, address)| address.kind == kind)
    }

    pub(super) fn contact_added(&mut self, fact: &ContactAdded) {
        self.contacts.insert(fact.contact_id, Entry::new(&fact.contact));
    }

    pub(super) fn contact_changed(&mut self, fact: &ContactChanged) {
        self.contacts.entry(fact.contact_id).or_insert_with(|| Entry::new(&fact.contact)).now = Some(fact.contact.clone());
    }

    pub(super) fn contact_removed(&mut self, fact: &ContactRemoved) {
        if let Some(entry) = self.contacts.get_mut(&fact.contact_id) {
            entry.now = None;
        }
    }

    pub(super) fn address_added(&mut self, fact: &AddressAdded) {
        self.addresses.insert(fact.address_id, Entry::new(&fact.address));
    }

    pub(super) fn address_changed(&mut self, fact: &AddressChanged) {
        self.addresses.entry(fact.address_id).or_insert_with(|| Entry::new(&fact.address)).now = Some(fact.address.clone());
    }

    pub(super) fn address_removed(&mut self, fact: &AddressRemoved) {
        if let Some(entry) = self.addresses.get_mut(&fact.address_id) {
            entry.now = None;
        }
    }
}

impl Account {
    pub(super) fn add_contact(&self, wish: AddContact) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let AddContact { contact_id, contact } = wish;
        match self.contacts.contacts.get(&contact_id) {
            None => Ok(vec![ContactAdded { contact_id, contact }.into()]),
            Some(entry) if entry.added == contact => Ok(vec![]),
            Some(_) => Err(Rejection::ContactIdReused(contact_id)),
        }
    }

    pub(super) fn change_contact(&self, wish: ChangeContact) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let ChangeContact { contact_id, contact } = wish;
        let now = self.contacts.contacts.get(&contact_id).and_then(|entry| entry.now.as_ref());
        match now.ok_or(Rejection::NoSuchContact(contact_id))? {
            same if *same == contact => Ok(vec![]),
            _ => Ok(vec![ContactChanged { contact_id, contact }.into()]),
        }
    }

    pub(super) fn remove_contact(&self, wish: RemoveContact) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let RemoveContact { contact_id } = wish;
        let entry = self.contacts.contacts.get(&contact_id).ok_or(Rejection::NoSuchContact(contact_id))?;
        Ok(entry.now.iter().map(|_| ContactRemoved { contact_id }.into()).collect())
    }

    pub(super) fn add_address(&self, wish: AddAddress) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let AddAddress { address_id, address } = wish;
        match self.contacts.addresses.get(&address_id) {
            None => Ok(vec![AddressAdded { address_id, address }.into()]),
            Some(entry) if entry.added == address => Ok(vec![]),
            Some(_) => Err(Rejection::AddressIdReused(address_id)),
        }
    }

    pub(super) fn change_address(&self, wish: ChangeAddress) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let ChangeAddress { address_id, address } = wish;
        let now = self.contacts.addresses.get(&address_id).and_then(|entry| entry.now.as_ref());
        match now.ok_or(Rejection::NoSuchAddress(address_id))? {
            same if *same == address => Ok(vec![]),
            _ => Ok(vec![AddressChanged { address_id, address }.into()]),
        }
    }

    pub(super) fn remove_address(&self, wish: RemoveAddress) -> Result<Vec<Event>, Rejection> {
        self.changeable()?;
        let RemoveAddress { address_id } = wish;
        let entry = self.contacts.addresses.get(&address_id).ok_or(Rejection::NoSuchAddress(address_id))?;
        Ok(entry.now.iter().map(|_| AddressRemoved { address_id }.into()).collect())
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{
        SealedFor,
        account::{Command, example},
        spec::given,
    };

    const CONTACT: ContactId = ContactId::new(Uuid::from_u128(1));
    const ADDRESS: AddressId = AddressId::new(Uuid::from_u128(2));

    fn sealed(fingerprint: u8) -> Sealed {
        Sealed::new(SealedFor::Contact, vec![fingerprint], [fingerprint; 16])
    }

    fn mobile(fingerprint: u8) -> Contact {
        Contact { kind: ContactKind::Mobile, name: None, value: sealed(fingerprint) }
    }

    fn mail(fingerprint: u8) -> Address {
        Address { kind: AddressKind::Mail, text: sealed(fingerprint) }
    }

    #[test]
    fn a_contact_is_added_changed_and_removed() {
        let add = |n| Command::AddContact(AddContact { contact_id: CONTACT, contact: mobile(n) });
        let change = |n| Command::ChangeContact(ChangeContact { contact_id: CONTACT, contact: mobile(n) });
        let remove = Command::RemoveContact(RemoveContact { contact_id: CONTACT });
        let added: Event = ContactAdded { contact_id: CONTACT, contact: mobile(1) }.into();
        let changed: Event = ContactChanged { contact_id: CONTACT, contact: mobile(2) }.into();
        let removed: Event = ContactRemoved { contact_id: CONTACT }.into();
        let after = |facts: &[&Event]| given::<Account>([example::opened()].into_iter().chain(facts.iter().map(|&fact| fact.clone())));

        after(&[]).when(add(1)).then([added.clone()]);
        after(&[]).when(change(2)).then_rejected(Rejection::NoSuchContact(CONTACT));
        after(&[]).when(remove.clone()).then_rejected(Rejection::NoSuchContact(CONTACT));
        after(&[&added]).when(add(2)).then_rejected(Rejection::ContactIdReused(CONTACT));
        after(&[&added]).when(change(1)).then_nothing();
        after(&[&added]).when(change(2)).then([changed.clone()]);
        after(&[&added, &changed]).when(add(1)).then_nothing();
        after(&[&added, &changed]).when(remove.clone()).then([removed.clone()]);
        after(&[&added, &removed]).when(remove).then_nothing();
        after(&[&added, &removed]).when(add(1)).then_nothing();
        after(&[&added, &removed]).when(change(2)).then_rejected(Rejection::NoSuchContact(CONTACT));
    }

    #[test]
    fn an_address_is_added_changed_and_removed() {
        let add = |n| Command::AddAddress(AddAddress { address_id: ADDRESS, address: mail(n) });
        let change = |n| Command::ChangeAddress(ChangeAddress { address_id: ADDRESS, address: mail(n) });
        let remove = Command::RemoveAddress(RemoveAddress { address_id: ADDRESS });
        let added: Event = AddressAdded { address_id: ADDRESS, address: mail(1) }.into();
        let changed: Event = AddressChanged { address_id: ADDRESS, address: mail(2) }.into();
        let removed: Event = AddressRemoved { address_id: ADDRESS }.into();
        let after = |facts: &[&Event]| given::<Account>([example::opened()].into_iter().chain(facts.iter().map(|&fact| fact.clone())));

        after(&[]).when(add(1)).then([added.clone()]);
        after(&[]).when(change(2)).then_rejected(Rejection::NoSuchAddress(ADDRESS));
        after(&[]).when(remove.clone()).then_rejected(Rejection::NoSuchAddress(ADDRESS));
        after(&[&added]).when(add(2)).then_rejected(Rejection::AddressIdReused(ADDRESS));
        after(&[&added]).when(change(1)).then_nothing();
        after(&[&added]).when(change(2)).then([changed.clone()]);
        after(&[&added, &changed]).when(remove.clone()).then([removed.clone()]);
        after(&[&added, &removed]).when(remove).then_nothing();
        after(&[&added, &removed]).when(change(2)).then_rejected(Rejection::NoSuchAddress(ADDRESS));
    }

    #[test]
    fn there_are_several_of_a_kind() {
        let second = ContactId::new(Uuid::from_u128(3));
        let account = example::account([
            ContactAdded { contact_id: CONTACT, contact: mobile(1) }.into(),
            ContactAdded { contact_id: second, contact: mobile(2) }.into(),
            AddressAdded { address_id: ADDRESS, address: mail(1) }.into(),
        ]);
        assert_eq!(account.contacts().of_kind(ContactKind::Mobile).map(|(id, _)| id).collect::<Vec<_>>(), [CONTACT, second]);
        assert_eq!(account.contacts().of_kind(ContactKind::Email).count(), 0);
        assert_eq!(account.contacts().addresses_of_kind(AddressKind::Mail).count(), 1);
        assert_eq!(account.contacts().addresses_of_kind(AddressKind::Billing).count(), 0);
    }
}
