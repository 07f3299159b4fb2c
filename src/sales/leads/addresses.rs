//! Adds the e-mail address and phone number of a lead to an existing contact.
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::values::address;
use crate::kernel::values::phones;
use crate::people::contacts::emails;
use crate::people::contacts::model::{Contact, ContactUpdate};
use crate::people::contacts::reach::{AddressKind, ContactEmail, ContactPhone, ContactPhoneInput};
use crate::sales::leads::filling::{Filler, OnConflict};
use crate::sales::leads::model::LeadPerson;

/// Sets the e-mail of the contact, or appends it to the list if the contact has one already and no other contact has
/// this address.
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

/// Does the same for the phone number. Ignores a number that the contact already has, also in a different notation.
pub fn fill_phone(
    tx: &Tx<'_>,
    contact: &Contact,
    person: &LeadPerson,
    fill: &mut Filler<'_>,
    changes: &mut ContactUpdate,
) {
    let Some(phone) = person.phone.clone() else { return };
    let asked = phones::search_keys(&phone, &tx.actor.settings.country);
    let keys = |own: &ContactPhone| phones::keys(&own.phone, own.e164.as_deref());
    // A comparison with a hidden number would reveal whether it is the same.
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
