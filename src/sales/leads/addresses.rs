//! How to reach a person, as their lead tells it: what a conversion adds to a contact that is there already.
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::{address, phones};
use crate::people::contacts::emails;
use crate::people::contacts::model::{
    AddressKind, Contact, ContactEmail, ContactPhone, ContactPhoneInput, ContactUpdate,
};
use crate::sales::leads::convert::{Filler, OnConflict};
use crate::sales::leads::model::LeadPerson;

/// Addresses of a kind, as in the body of a contact.
pub const MAX: usize = 20;

/// The lead's e-mail becomes the first; where that is not empty it is one more, unless somebody has it.
pub fn fill_email(
    tx: &mut Tx<'_>,
    contact: &Contact,
    person: &LeadPerson,
    fill: &mut Filler<'_>,
    changes: &mut ContactUpdate,
) -> Result<()> {
    let Some(email) = person.email.as_deref().map(address::email) else { return Ok(()) };
    changes.email = fill.text("email", contact.email.as_ref(), Some(email.clone()));
    if fill.mode != OnConflict::FillEmpty || changes.email.is_some() || emails::is_taken(tx, &email)? {
        return Ok(());
    }
    let new = ContactEmail { email, kind: AddressKind::Work };
    changes.emails = fill.more("emails", || contact.emails.0.iter().cloned().chain([new]).collect());
    Ok(())
}

/// As the e-mail. A number that the contact has in another writing is nothing new.
pub fn fill_phone(
    tx: &Tx<'_>,
    contact: &Contact,
    person: &LeadPerson,
    fill: &mut Filler<'_>,
    changes: &mut ContactUpdate,
) {
    let Some(phone) = person.phone.clone() else { return };
    let asked = phones::asked(&phone, &tx.actor.settings.country);
    let keys = |own: &ContactPhone| phones::keys(&own.phone, own.e164.as_deref());
    // Whether a hidden number is the same is not told.
    let shown = !fill.hides("phone");
    if shown && contact.phones.0.iter().any(|own| keys(own).iter().any(|key| asked.contains(key))) {
        return;
    }
    changes.phone = fill.text("phone", contact.phone.as_ref(), Some(phone.clone()));
    if changes.phone.is_none() {
        let known = contact.phones.0.iter().map(|own| (own.phone.clone(), own.kind));
        let all = known.chain([(phone, AddressKind::Work)]);
        changes.phones = fill.more("phones", || all.map(|(phone, kind)| ContactPhoneInput { phone, kind }).collect());
    }
}
