//! Who an invoice names as its buyer, and which form of invoice that makes.

use chrono::NaiveDate;

use super::{Buyer, BuyerIdentity, TaxForm};
use crate::{
    SealedFor,
    account::{Account, AddressKind},
};

/// What an identity document is called whose number is the buyer's for VAT.
const VAT: &str = "VAT";

impl Buyer {
    /// The account's holder, as far as it is sealed for tax documents.
    pub fn of(account: &Account) -> Option<Self> {
        let name = account.holder_name().filter(|name| name.key() == SealedFor::Legal)?.clone();
        let document = account.identity();
        let for_vat = document.is_some_and(|document| document.kind.as_str().eq_ignore_ascii_case(VAT));
        let mut addresses = account.contacts().addresses_of_kind(AddressKind::Billing).map(|(_, address)| &address.text);
        let address = addresses.find(|address| address.key() == SealedFor::Legal).cloned();
        let vat_number = document.filter(|_| for_vat).map(|document| document.number.clone());
        let identity = document.filter(|_| !for_vat);
        let identity = identity.map(|document| BuyerIdentity { scheme: document.kind.clone(), number: document.number.clone() });
        Some(Self { name, vat_number, identity, address })
    }

    /// With a number and an address: what a standard invoice has to say.
    pub fn is_named_in_full(&self) -> bool {
        self.address.is_some() && (self.vat_number.is_some() || self.identity.is_some())
    }
}

impl TaxForm {
    /// Standard for whoever deducts the tax: who has a number for VAT, or buys for a business, and is named in full.
    pub fn for_buyer(buyer: Option<&Buyer>, account: &Account, on: NaiveDate) -> Self {
        let business = account.class_on(on).is_some_and(|class| class.is_business());
        match buyer {
            Some(buyer) if buyer.is_named_in_full() && (business || buyer.vat_number.is_some()) => Self::Standard,
            Some(_) | None => Self::Simplified,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Code, Sealed,
        account::{
            AccountReclassified, Address, AddressAdded, CustomerClass, Event, HolderRenamed, IdentityDocument, IdentityRecorded, example,
        },
        ids::AddressId,
    };

    fn legal(n: u8) -> Sealed {
        Sealed::new(SealedFor::Legal, vec![n], [n; 16])
    }

    fn named(name: Sealed) -> Event {
        HolderRenamed { holder_name: name, effective_on: NaiveDate::MIN, reason: example::reason("as on the register") }.into()
    }

    fn identified(kind: &str) -> Event {
        let document = IdentityDocument { kind: Code::new(kind).unwrap(), number: legal(2), expires_on: None };
        IdentityRecorded { document }.into()
    }

    fn at(text: Sealed) -> Event {
        let address = Address { kind: AddressKind::Billing, text };
        AddressAdded { address_id: AddressId::new(uuid::Uuid::from_u128(1)), address }.into()
    }

    fn shop() -> Event {
        let (class, effective_on) = (CustomerClass::Commercial, example::day("2024-06-01"));
        AccountReclassified { class, effective_on, reason: example::reason("shop opened") }.into()
    }

    #[test]
    fn an_invoice_is_standard_for_a_business_or_a_vat_number_if_it_can_name_the_buyer_in_full() {
        let contact = Sealed::new(SealedFor::Contact, vec![3], [3; 16]);
        for (facts, on, form) in [
            (vec![], "2024-06-01", TaxForm::Simplified),
            (vec![named(legal(1)), identified("VAT"), at(legal(3))], "2024-06-01", TaxForm::Standard),
            (vec![named(legal(1)), identified("vat"), at(legal(3))], "2024-06-01", TaxForm::Standard),
            (vec![named(legal(1)), identified("NAT"), at(legal(3))], "2024-06-01", TaxForm::Simplified),
            (vec![named(legal(1)), identified("CRN"), at(legal(3)), shop()], "2024-06-01", TaxForm::Standard),
            (vec![named(legal(1)), identified("CRN"), at(legal(3)), shop()], "2024-05-31", TaxForm::Simplified),
            (vec![named(legal(1)), identified("CRN"), at(contact.clone()), shop()], "2024-06-01", TaxForm::Simplified),
            (vec![named(legal(1)), at(legal(3)), shop()], "2024-06-01", TaxForm::Simplified),
            (vec![named(contact), identified("VAT"), at(legal(3))], "2024-06-01", TaxForm::Simplified),
        ] {
            let account = example::account(facts.clone());
            assert_eq!(TaxForm::for_buyer(Buyer::of(&account).as_ref(), &account, example::day(on)), form, "{facts:?}");
        }
    }

    #[test]
    fn a_vat_number_is_not_an_identity() {
        let buyer = |kind| Buyer::of(&example::account([named(legal(1)), identified(kind)])).unwrap();
        assert_eq!((buyer("VAT").vat_number, buyer("VAT").identity), (Some(legal(2)), None));
        let identity = BuyerIdentity { scheme: Code::new("CRN").unwrap(), number: legal(2) };
        assert_eq!((buyer("CRN").vat_number, buyer("CRN").identity), (None, Some(identity)));
    }
}
