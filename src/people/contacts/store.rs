//! Database access for contacts.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::event::Event;
use crate::db::events;
use crate::db::refs::{self, Named};
use crate::db::related;
use crate::db::store::{BatchStore, UpsertStore};
use crate::db::table::{self, Stored};
use crate::db::tx::Tx;
use crate::db::updates::{Group, execute_combined, newly_referenced, rows_of, split_dependent};
use crate::db::visibility;
use crate::kernel::error::{Code, Error, FieldCode, Result};
use crate::kernel::fields::custom::CustomValues;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::values::address;
use crate::kernel::values::phones;
use crate::kernel::values::tags::{Spelling, Tags};
use crate::people::contacts::accounts;
use crate::people::contacts::consents;
use crate::people::contacts::emails;
use crate::people::contacts::model::{CONTACT, Consents, Contact, ContactCreate, ContactUpdate, FirstTouch};
use crate::people::contacts::reach::{
    Accounts, AddressKind, Channel, Channels, ContactEmail, ContactPhone, ContactPhoneInput, Emails, Phones, QuietHours,
};
use crate::records::{self, custom_values};
use crate::schema::{contact_emails, contacts, erasures};
use crate::{restorable, stored};
use diesel::prelude::*;
use serde_json::Value as Json;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

stored!(soft contacts, Contact);
restorable!(contacts, Contact);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    contacts::table.filter(contacts::workspace_id.eq(workspace)).filter(contacts::deleted_at.is_null())
}

/// Updates the next tasks of the companies of these contacts.
fn refresh(tx: &mut Tx<'_>, rows: &[Contact]) -> Result<()> {
    related::refresh(tx, Kind::COMPANY, rows.iter().filter_map(|row| row.company_id))
}

impl BatchStore for Contact {
    type Create = ContactCreate;
    type Update = ContactUpdate;
    const FIELDS: &'static Fields<contacts::table> = &CONTACT;

    fn insert(tx: &mut Tx<'_>, new: &ContactCreate) -> Result<Contact> {
        insert(tx, new)
    }

    fn insert_many(tx: &mut Tx<'_>, new: &[&ContactCreate]) -> Result<Vec<Contact>> {
        insert_many(tx, new)
    }

    fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Contact, ContactUpdate>]) -> Result<Vec<Contact>> {
        change_each(tx, groups)
    }

    fn delete_many(tx: &mut Tx<'_>, rows: &[Contact]) -> Result<()> {
        table::mark_deleted(tx, rows, Some("external_id"))?;
        emails::release(tx, rows.iter().map(|row| row.id))?;
        refresh(tx, rows)
    }
}

impl UpsertStore for Contact {
    fn find_existing(tx: &mut Tx<'_>, new: &[&ContactCreate]) -> Result<Vec<Option<Uuid>>> {
        find_existing(tx, new)
    }
}

const CONSTRAINTS: ConstraintRules = &[
    ("contacts_email_key", ConstraintRule::Taken(Code::DuplicateEmail, "/email")),
    ("contact_emails_key", ConstraintRule::Taken(Code::DuplicateEmail, "/emails")),
    ("contacts_external_id_key", ConstraintRule::Taken(Code::DuplicateExternalId, "/external_id")),
    ("contacts_company_id_fkey", ConstraintRule::Missing("/company_id")),
    ("contacts_source_id_fkey", ConstraintRule::Missing("/source_id")),
    ("contacts_owner_id_fkey", ConstraintRule::Missing("/owner_id")),
];

/// A row to insert. All columns are set, so that the statement is always the same and stays prepared.
#[derive(Insertable)]
#[diesel(table_name = contacts, treat_none_as_default_value = false)]
struct NewRow<'a> {
    workspace_id: Uuid,
    id: Uuid,
    first_name: Option<&'a str>,
    last_name: Option<&'a str>,
    email: Option<String>,
    phone: Option<String>,
    emails: Emails,
    phones: Phones,
    phone_keys: Json,
    company_id: Option<Uuid>,
    position: Option<&'a str>,
    address: Option<&'a str>,
    birthday: Option<chrono::NaiveDate>,
    locale: Option<&'a str>,
    time_zone: Option<&'a str>,
    preferred_channel: Option<Channel>,
    do_not_contact: bool,
    accounts: Accounts,
    quiet_hours: Option<&'a QuietHours>,
    do_not_contact_channels: &'a Channels,
    consents: Consents,
    lifecycle: crate::people::contacts::model::Lifecycle,
    source_id: Option<Uuid>,
    first_touch: Option<FirstTouch>,
    owner_id: Option<Uuid>,
    tags: Tags,
    custom: CustomValues,
    external_id: Option<&'a str>,
    created_at: crate::kernel::values::time::DateTime,
    updated_at: crate::kernel::values::time::DateTime,
}

impl<'a> NewRow<'a> {
    fn new(tx: &mut Tx<'_>, new: &'a ContactCreate, spelling: &Spelling) -> Result<NewRow<'a>> {
        let custom = custom_values::new_values(tx, Kind::CONTACT, &new.custom_fields)?;
        let (emails, phones) = (emails_of(new), phones_of(new, &tx.actor.settings.country));
        let first_touch = new.first_touch.clone().or_else(|| {
            new.source_id.map(|source| FirstTouch {
                source_id: Some(source),
                campaign: None,
                channel: None,
                at: tx.now,
                how: None,
            })
        });
        Ok(NewRow {
            workspace_id: tx.workspace(),
            id: new.id.unwrap_or_else(Uuid::now_v7),
            first_name: text(&new.first_name),
            last_name: text(&new.last_name),
            email: primary_email(&emails),
            phone: primary_phone(&phones),
            phone_keys: keys_of(&phones),
            emails,
            phones,
            company_id: new.company_id,
            position: text(&new.position),
            address: text(&new.address),
            birthday: new.birthday,
            locale: text(&new.locale),
            time_zone: text(&new.time_zone),
            preferred_channel: new.preferred_channel,
            do_not_contact: new.do_not_contact,
            accounts: Accounts::normal(&new.accounts, &tx.actor.settings.country),
            quiet_hours: new.quiet_hours.as_ref(),
            do_not_contact_channels: &new.do_not_contact_channels,
            consents: Consents(new.consents.clone()),
            lifecycle: new.lifecycle.unwrap_or(crate::people::contacts::model::Lifecycle::Lead),
            source_id: new.source_id.or(first_touch.as_ref().and_then(|touch| touch.source_id)),
            first_touch,
            owner_id: visibility::owner_of_new(tx, Kind::CONTACT, new.owner_id),
            tags: spelling.of(&new.tags),
            custom,
            external_id: text(&new.external_id),
            created_at: tx.now,
            updated_at: tx.now,
        })
    }
}

/// Treats an empty text as absent.
fn text(value: &Option<String>) -> Option<&str> {
    value.as_deref().filter(|t| !t.is_empty())
}

/// Returns the normalised e-mails of a new contact without duplicates.
pub fn emails_of(new: &ContactCreate) -> Emails {
    let alone = || text(&new.email).map(|email| ContactEmail { email: email.to_owned(), kind: AddressKind::Work });
    normal_emails(new.emails.clone().unwrap_or_else(|| alone().into_iter().collect()))
}

fn normal_emails(list: Vec<ContactEmail>) -> Emails {
    let mut emails: Vec<ContactEmail> = Vec::with_capacity(list.len());
    for ContactEmail { email, kind } in list {
        let email = address::email(&email);
        if !emails.iter().any(|known| known.email == email) {
            emails.push(ContactEmail { email, kind });
        }
    }
    Emails(emails)
}

fn phones_of(new: &ContactCreate, country: &str) -> Phones {
    let alone = || text(&new.phone).map(|phone| ContactPhoneInput { phone: phone.to_owned(), kind: AddressKind::Work });
    normal_phones(new.phones.clone().unwrap_or_else(|| alone().into_iter().collect()), &Phones::default(), country)
}

/// Parses phone numbers with a default country and removes duplicates. A number that the contact already has keeps its
/// parsed form, because the default country may have changed since.
fn normal_phones(list: Vec<ContactPhoneInput>, before: &Phones, country: &str) -> Phones {
    let read = |ContactPhoneInput { phone, kind }: ContactPhoneInput| {
        let known = before.0.iter().find(|known| known.phone == phone).map(|known| known.e164.clone());
        ContactPhone { e164: known.unwrap_or_else(|| phones::e164(&phone, country)), phone, kind }
    };
    once(list.into_iter().map(read))
}

fn once(list: impl Iterator<Item = ContactPhone>) -> Phones {
    list.fold(Phones::default(), |mut all, phone| {
        if !all.0.iter().any(|known| is_one(known, &phone)) {
            all.0.push(phone);
        }
        all
    })
}

fn is_one(one: &ContactPhone, other: &ContactPhone) -> bool {
    phones::same((&one.phone, one.e164.as_deref()), (&other.phone, other.e164.as_deref()))
}

fn primary_email(emails: &Emails) -> Option<String> {
    emails.0.first().map(|e| e.email.clone())
}

fn keys_of(phones: &Phones) -> Json {
    phones::all_keys(phones.0.iter().map(|phone| (phone.phone.as_str(), phone.e164.clone())))
}

fn primary_phone(phones: &Phones) -> Option<String> {
    phones.0.first().map(|p| p.e164.clone().unwrap_or_else(|| p.phone.clone()))
}

fn insert(tx: &mut Tx<'_>, new: &ContactCreate) -> Result<Contact> {
    visibility::authorize_create(tx, Kind::CONTACT, visibility::owner_of_new(tx, Kind::CONTACT, new.owner_id))?;
    refs::require_visible(tx, &[(Kind::COMPANY, new.company_id, "/company_id")])?;
    refs::require_active(tx, [new.owner_id], "/owner_id")?;
    check_touches(tx, &[new])?;
    let spelling = records::tags::spelling(tx, [&new.tags])?;
    let row = NewRow::new(tx, new, &spelling)?;
    custom_values::require_visible(tx, Kind::CONTACT, [new.custom_fields.as_slice()])?;
    let row: Contact = diesel::insert_into(contacts::table)
        .values(row)
        .returning(Contact::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    emails::claim(tx, [&row]).map_constraint(CONSTRAINTS)?;
    records::tags::note(tx, [&row.tags])?;
    consents::note(tx, &[(row.id, &[], &row.consents.0)])?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

/// Inserts many contacts with one statement. If the database refuses one row, all fail: retry them one by one.
pub fn insert_many(tx: &mut Tx<'_>, list: &[&ContactCreate]) -> Result<Vec<Contact>> {
    list.iter().try_for_each(|new| {
        visibility::authorize_create(tx, Kind::CONTACT, visibility::owner_of_new(tx, Kind::CONTACT, new.owner_id))
    })?;
    let companies: Vec<Named<'_>> = list.iter().map(|new| (Kind::COMPANY, new.company_id, "/company_id")).collect();
    refs::require_visible(tx, &companies)?;
    refs::require_active(tx, list.iter().map(|new| new.owner_id), "/owner_id")?;
    check_touches(tx, list)?;
    let spelling = records::tags::spelling(tx, list.iter().map(|new| &new.tags))?;
    let rows: Vec<NewRow<'_>> = list.iter().map(|new| NewRow::new(tx, new, &spelling)).collect::<Result<_>>()?;
    custom_values::require_visible(tx, Kind::CONTACT, list.iter().map(|new| new.custom_fields.as_slice()))?;
    let rows: Vec<Contact> = diesel::insert_into(contacts::table)
        .values(rows)
        .returning(Contact::as_returning())
        .get_results(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    emails::claim(tx, &rows).map_constraint(CONSTRAINTS)?;
    records::tags::note(tx, rows.iter().map(|row| &row.tags))?;
    let given: Vec<consents::Changed<'_>> =
        rows.iter().map(|row| (row.id, [].as_slice(), row.consents.0.as_slice())).collect();
    consents::note(tx, &given)?;
    for row in &rows {
        tx.record(Event::created(row)?);
    }
    Ok(rows)
}

/// Checks that the sources of the first touches exist. They are not foreign keys, because they are inside JSON.
fn check_touches(tx: &mut Tx<'_>, list: &[&ContactCreate]) -> Result<()> {
    use crate::schema::sources;
    let named = list.iter().filter_map(|new| new.first_touch.as_ref()?.source_id);
    let named: HashSet<Uuid> = named.collect();
    if named.is_empty() {
        return Ok(());
    }
    let known = sources::table.filter(sources::workspace_id.eq(tx.workspace())).filter(sources::id.eq_any(&named));
    let known: i64 = known.count().get_result(tx.conn)?;
    if i64::try_from(named.len()) == Ok(known) { Ok(()) } else { Err(Error::reference("/first_touch/source_id")) }
}

/// Changes locked contacts, each group in its own way.
pub fn change_each(tx: &mut Tx<'_>, groups: &[Group<'_, Contact, ContactUpdate>]) -> Result<Vec<Contact>> {
    visibility::authorize_changes(tx, groups.iter().map(|(_, changes)| *changes))?;
    let addresses = |changes: &ContactUpdate| {
        changes.emails.is_some() || changes.email.is_some() || changes.phones.is_some() || changes.phone.is_some()
    };
    let depends = |changes: &ContactUpdate| changes.custom_fields.is_some() || changes.tag_change().depends();
    let groups = split_dependent(groups, |changes| addresses(changes) || depends(changes));
    let spelling = records::tags::spelling_of(tx, groups.iter().map(|(_, changes)| changes.tag_change()))?;
    // A company that all these contacts already have may stay even if it is not visible.
    let companies = groups.iter().filter_map(|(rows, changes)| {
        let company = changes.company_id.flatten().filter(|id| !rows.iter().all(|row| row.company_id == Some(*id)))?;
        Some((Kind::COMPANY, Some(company), "/company_id"))
    });
    refs::require_visible(tx, &companies.collect::<Vec<_>>())?;
    let owners = newly_referenced(&groups, |changes| changes.owner_id.flatten(), |row| row.owner_id);
    refs::require_active(tx, owners, "/owner_id")?;
    let mut updates = Vec::with_capacity(groups.len());
    for (rows, changes) in &groups {
        let before = rows.first();
        let emails = before.and_then(|before| changed_emails(before, changes));
        let emails = emails.map(|emails| (contacts::email.eq(primary_email(&emails)), contacts::emails.eq(emails)));
        let phones = before.and_then(|before| changed_phones(before, changes, &tx.actor.settings.country));
        let phones = phones.map(|phones| {
            let keys = contacts::phone_keys.eq(keys_of(&phones));
            (contacts::phone.eq(primary_phone(&phones)), keys, contacts::phones.eq(phones))
        });
        let accounts = changes.accounts.as_ref().map(|list| Accounts::normal(list, &tx.actor.settings.country));
        let accounts = accounts.map(|accounts| contacts::accounts.eq(accounts));
        let given = changes.custom_fields.as_deref().unwrap_or_default();
        let custom = custom_values::changed(tx, Kind::CONTACT, before.map(|row| &row.custom), given)?;
        let custom = custom.map(|custom| contacts::custom.eq(custom));
        let tags = before.and_then(|before| changes.tag_change().of(&before.tags, &spelling));
        let tags = crate::set_tags!(contacts, records::tags::few_enough(tags)?);
        let consents = changes.consents.clone().map(|list| contacts::consents.eq(Consents(list)));
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let these = contacts::table.filter(contacts::workspace_id.eq(tx.workspace())).filter(contacts::id.eq_any(ids));
        let update = diesel::update(these).set((
            (*changes, emails, phones, accounts, consents, custom, tags),
            contacts::version.eq(contacts::version + 1),
            contacts::updated_at.eq(tx.now),
        ));
        updates.push(update.returning(Contact::as_returning()));
    }
    let given = groups
        .iter()
        .filter_map(|(rows, changes)| Some((rows.first().map(|row| &row.custom), changes.custom_fields.as_deref()?)));
    custom_values::require_visible_anew(tx, Kind::CONTACT, given)?;
    let changed: Vec<Contact> = execute_combined(tx.conn, updates).map_constraint(CONSTRAINTS)?;
    let nameless =
        |row: &Contact| [&row.first_name, &row.last_name, &row.email, &row.phone].iter().all(|t| t.is_none());
    if changed.iter().any(nameless) {
        return Err(Error::member(
            "/last_name",
            FieldCode::Required,
            "a contact must have a name, an e-mail or a phone",
        ));
    }
    records::tags::note(tx, changed.iter().map(|row| &row.tags))?;
    let rows = rows_of(&groups);
    let changed = events::record_changes(tx, &rows, changed)?;
    let changed_addresses = rows.iter().zip(&changed).filter(|(before, after)| before.emails != after.emails);
    emails::claim_anew(tx, changed_addresses.map(|(_, after)| after)).map_constraint(CONSTRAINTS)?;
    let changes = rows
        .iter()
        .zip(&changed)
        .map(|(before, after)| (after.id, before.consents.0.as_slice(), after.consents.0.as_slice()));
    consents::note(tx, &changes.collect::<Vec<_>>())?;
    let moved = rows.iter().zip(&changed).filter(|(before, after)| before.company_id != after.company_id);
    let companies = moved.flat_map(|(before, after)| [before.company_id, after.company_id]).flatten();
    related::refresh(tx, Kind::COMPANY, companies.collect::<Vec<_>>())?;
    Ok(changed)
}

/// Returns the changed e-mails. `email` replaces the first one; if the list already contains it, it becomes the first.
fn changed_emails(before: &Contact, changes: &ContactUpdate) -> Option<Emails> {
    if let Some(all) = &changes.emails {
        return Some(normal_emails(all.clone()));
    }
    let primary = changes.email.as_ref()?;
    let own = |email: &String| before.emails.0.iter().find(|own| own.email == address::email(email));
    if let Some(own) = primary.as_ref().and_then(own) {
        return Some(normal_emails([own].into_iter().chain(&before.emails.0).cloned().collect()));
    }
    let kind = before.emails.0.first().map_or(AddressKind::Work, |e| e.kind);
    let first = primary.iter().map(|email| ContactEmail { email: email.clone(), kind });
    Some(normal_emails(first.chain(before.emails.0.iter().skip(1).cloned()).collect()))
}

/// Like `changed_emails`. A number of the list stays as written if it is sent in its written or its E.164 form.
fn changed_phones(before: &Contact, changes: &ContactUpdate, country: &str) -> Option<Phones> {
    let known = &before.phones;
    if let Some(all) = &changes.phones {
        return Some(normal_phones(all.clone(), known, country));
    }
    let Some(phone) = changes.phone.as_ref()? else {
        return Some(Phones(known.0.iter().skip(1).cloned().collect()));
    };
    let answered = |own: &&ContactPhone| own.phone == *phone || own.e164.as_ref() == Some(phone);
    if let Some(own) = known.0.iter().find(answered) {
        return Some(once([own].into_iter().chain(&known.0).cloned()));
    }
    let kind = known.0.first().map_or(AddressKind::Work, |p| p.kind);
    let mut first = ContactPhone { e164: phones::e164(phone, country), phone: phone.clone(), kind };
    if let Some(own) = known.0.iter().find(|own| is_one(own, &first)) {
        first.kind = own.kind;
        return Some(once([first].into_iter().chain(known.0.iter().cloned())));
    }
    Some(once([first].into_iter().chain(known.0.iter().skip(1).cloned())))
}

/// Finds the visible contact that matches each item by external id, otherwise by the first of its e-mails that a
/// contact has, otherwise by the first such account.
fn find_existing(tx: &mut Tx<'_>, list: &[&ContactCreate]) -> Result<Vec<Option<Uuid>>> {
    let hidden = tx.actor.access.hides("contacts", "email");
    let addresses = |new: &&ContactCreate| if hidden { Emails::default() } else { emails_of(new) };
    let addresses: Vec<Emails> = list.iter().map(addresses).collect();
    let accounts: Vec<Accounts> = list.iter().map(|new| accounts::of_item(tx, new)).collect();
    let unmatched = |((new, emails), accounts): ((&&ContactCreate, &Emails), &Accounts)| {
        text(&new.external_id).is_none() && emails.0.is_empty() && accounts.0.is_empty()
    };
    if list.iter().zip(&addresses).zip(&accounts).any(unmatched) {
        return Err(Error::member(
            "/external_id",
            FieldCode::Required,
            "external_id, an e-mail or an account is required to match records in an upsert",
        ));
    }
    let external: Vec<&str> = list.iter().filter_map(|new| text(&new.external_id)).collect();
    let rows =
        in_workspace(tx.workspace()).filter(contacts::external_id.eq_any(external)).filter(Contact::visible_to(tx));
    let by_id: HashMap<Option<String>, Uuid> = rows
        .select((contacts::external_id, contacts::id))
        .load::<(Option<String>, Uuid)>(tx.conn)?
        .into_iter()
        .collect();
    let by_email = holders(tx, &addresses.iter().flat_map(|emails| &emails.0).map(|e| &e.email).collect::<Vec<_>>())?;
    let by_account = accounts::holders(tx, &accounts)?;
    let one = |((new, emails), accounts): ((&&ContactCreate, &Emails), &Accounts)| {
        let known = by_id.get(&text(&new.external_id).map(str::to_owned)).copied();
        let known = known.or_else(|| emails.0.iter().find_map(|email| by_email.get(&email.email).copied()));
        known.or_else(|| accounts.0.iter().find_map(|account| by_account.get(&account.key).copied()))
    };
    Ok(list.iter().zip(&addresses).zip(&accounts).map(one).collect())
}

/// Returns the visible contacts that have these e-mails.
pub fn holders(tx: &mut Tx<'_>, emails: &[impl AsRef<str>]) -> Result<HashMap<String, Uuid>> {
    let emails: Vec<&str> = emails.iter().map(AsRef::as_ref).collect();
    if emails.is_empty() {
        return Ok(HashMap::new());
    }
    let rows =
        contacts::table.inner_join(contact_emails::table.on(
            contact_emails::workspace_id.eq(contacts::workspace_id).and(contact_emails::contact_id.eq(contacts::id)),
        ));
    let rows =
        rows.filter(contact_emails::workspace_id.eq(tx.workspace())).filter(contact_emails::email.eq_any(emails));
    let rows = rows.filter(contacts::workspace_id.eq(tx.workspace())).filter(contacts::deleted_at.is_null());
    let rows = rows.filter(Contact::visible_to(tx)).select((contact_emails::email, contacts::id));
    Ok(rows.load::<(String, Uuid)>(tx.conn)?.into_iter().collect())
}

/// Returns the visible contact that has the first of these e-mails that is in use.
pub fn holder(tx: &mut Tx<'_>, emails: &Emails) -> Result<Option<Uuid>> {
    let known = holders(tx, &emails.0.iter().map(|email| &email.email).collect::<Vec<_>>())?;
    Ok(emails.0.iter().find_map(|email| known.get(&email.email).copied()))
}

/// Restores a deleted contact. An erased contact cannot be restored.
pub fn restore(tx: &mut Tx<'_>, id: Uuid) -> Result<Contact> {
    let erased = erasures::table.filter(erasures::workspace_id.eq(tx.workspace())).filter(erasures::contact_id.eq(id));
    if diesel::select(diesel::dsl::exists(erased)).get_result(tx.conn)? {
        return Err(Error::not_found());
    }
    let back: Contact = table::restore(tx, id)?;
    emails::claim(tx, [&back]).map_constraint(CONSTRAINTS)?;
    refresh(tx, std::slice::from_ref(&back))?;
    Ok(back)
}

/// Returns the visible contact with this e-mail.
pub fn by_email(tx: &mut Tx<'_>, email: &str) -> Result<Option<Contact>> {
    let found = holders(tx, &[address::email(email)])?.into_values().next();
    found.map(|id| Contact::find(tx, id)).transpose()
}
