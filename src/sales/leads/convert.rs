//! Converts a lead into a contact, a company and a deal, new or existing ones, in one transaction.
use crate::db::event::Event;
use crate::db::refs;
use crate::db::related::{self, Related};
use crate::db::store::BatchStore;
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::db::visibility::visibility_filter;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::Hide;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::custom::CustomValue;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::names;
use crate::people::companies::model::{Company, CompanyCreate};
use crate::people::contacts::model::{Contact, ContactCreate, ContactUpdate};
use crate::people::contacts::store as contacts;
use crate::records::custom_values;
use crate::sales::deals::line_items::LineItemInput;
use crate::sales::deals::model::{Deal, DealContact, DealCreate, DealUpdate};
use crate::sales::entry::Ending;
use crate::sales::leads::filling::{Filler, Made, OnConflict};
use crate::sales::leads::model::{Lead, LeadPerson};
use crate::sales::leads::{addresses, come_back_tasks, moves};
use crate::sales::stages::{self, Category};
use crate::schema::{companies as c, leads};
use crate::web::batch_body::rules_under;
use crate::work::tasks::store as tasks;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// What the lead is converted into. Absent members are taken from the lead: its contact and company, or new ones made
/// from `person`, and a deal with the title and value of the lead. A known e-mail address or company name links the
/// existing record.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct LeadConversion {
    /// A new contact.
    pub contact: Option<ContactCreate>,
    /// An existing contact.
    pub contact_id: Option<Uuid>,
    /// A new company.
    pub company: Option<CompanyCreate>,
    /// An existing company.
    pub company_id: Option<Uuid>,
    /// A new deal.
    pub deal: Option<DealCreate>,
    /// An existing deal.
    pub deal_id: Option<Uuid>,
    /// Creates no deal.
    #[serde(default)]
    pub without_deal: bool,
    /// `fill_empty` if absent.
    pub on_conflict: Option<OnConflict>,
    /// Returns what would happen and changes nothing.
    #[serde(default)]
    pub dry_run: bool,
}

impl Rules for LeadConversion {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        let mut one_of = |new: bool, existing: bool, pointer: &str| {
            if new && existing {
                bad.push(FieldError::member(
                    pointer,
                    FieldCode::StatedTwice,
                    "must not be combined with the member that it contradicts",
                ));
            }
        };
        one_of(self.contact.is_some(), self.contact_id.is_some(), "/contact_id");
        one_of(self.company.is_some(), self.company_id.is_some(), "/company_id");
        one_of(self.deal.is_some(), self.deal_id.is_some(), "/deal_id");
        one_of(self.without_deal, self.deal.is_some() || self.deal_id.is_some(), "/without_deal");
        if let Some(contact) = &self.contact {
            rules_under("/contact", contact, bad);
        }
    }
}

impl LeadConversion {
    fn mode(&self) -> OnConflict {
        self.on_conflict.unwrap_or(OnConflict::FillEmpty)
    }
}

/// The result of a conversion.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConversionResult {
    pub lead: Lead,
    /// Null in a dry run if the role hides a field of leads and the lead's data created or filled this record; the
    /// same holds for `company` and `deal`. The contact and the deal are also null in a dry run if the contact was
    /// found by its e-mail and the role hides that.
    pub contact: Option<Contact>,
    pub company: Option<Company>,
    pub deal: Option<Deal>,
    /// The kinds of the created records: `contact`, `company`, `deal`.
    pub created: Vec<String>,
    /// The members of existing records that were filled or overwritten, such as `contact.phone`.
    pub filled: Vec<String>,
    /// Number of open tasks moved from the lead to the deal.
    pub moved_tasks: i64,
    pub dry_run: bool,
}

impl Hide for ConversionResult {
    fn hide(&mut self, actor: &Actor) {
        self.lead.hide(actor);
        self.contact.hide(actor);
        self.company.hide(actor);
        self.deal.hide(actor);
    }
}

pub fn convert(tx: &mut Tx<'_>, id: Uuid, expected: Expected, asked: &LeadConversion) -> Result<ConversionResult> {
    let lead = Lead::lock(tx, id, Expected::default())?;
    if lead.converted_at.is_some() {
        return first_result(tx, lead, asked.dry_run);
    }
    expected.check(lead.version)?;
    if lead.status == Category::Lost {
        return Err(Error::new(Code::AlreadyClosed, "the lead is disqualified; move it to an open stage first"));
    }
    let person = lead.person.clone().unwrap_or_default();
    let mut made = Made::default();
    // New records of a suspended owner go to the caller.
    let given = Lead { owner_id: refs::active_or_caller(tx, lead.owner_id)?, ..lead.clone() };
    let company = company(tx, &given, &person, asked, &mut made)?;
    let contact = contact(tx, &given, &person, company.as_ref(), asked, &mut made)?;
    let deal = deal(tx, &given, contact.as_ref(), company.as_ref(), asked, &mut made)?;
    let moved = match &deal {
        Some(deal) => tasks::move_to_deal(tx, id, deal.id, contact.as_ref().map(|contact| contact.id))?,
        None => 0,
    };
    let former = lead;
    let lead = mark_converted(tx, &former, contact.as_ref(), company.as_ref(), deal.as_ref())?;
    // The contact or company of the lead may have changed.
    let belongs =
        |lead: &Lead| Related { contact: lead.contact_id, company: lead.company_id, lead: Some(id), deal: None };
    related::refresh_all(tx, &[belongs(&former), belongs(&lead)])?;
    // Reload the records, because their next tasks may have changed.
    let contact = contact.map(|contact| Contact::find(tx, contact.id)).transpose()?;
    let company = company.map(|company| Company::find(tx, company.id)).transpose()?;
    let deal = deal.map(|deal| Deal::find(tx, deal.id)).transpose()?;
    let result = ConversionResult {
        lead,
        contact,
        company,
        deal,
        created: made.created,
        filled: made.filled,
        moved_tasks: i64::try_from(moved).unwrap_or(i64::MAX),
        dry_run: asked.dry_run,
    };
    let result = if asked.dry_run && made.found_by_hidden { result.without_found_contact() } else { result };
    let hides = tx.actor.access.hidden_members(Kind::LEAD.path()).next().is_some();
    Ok(if asked.dry_run && hides { result.without_lead_data() } else { result })
}

impl ConversionResult {
    /// Removes the contact and everything linked with it. A dry run leaves no trace, so it must not reveal which
    /// contact has an e-mail that the role hides.
    fn without_found_contact(mut self) -> ConversionResult {
        self.filled.retain(|member| !member.starts_with("contact."));
        ConversionResult { lead: Lead { contact_id: None, ..self.lead }, contact: None, deal: None, ..self }
    }

    /// Removes the records that contain data of the lead. A dry run leaves no trace, so it must not reveal members of
    /// the lead that the role hides.
    fn without_lead_data(self) -> ConversionResult {
        let has_lead_data = |kind: &str| {
            let filled = self.filled.iter().any(|member| member.split('.').next() == Some(kind));
            filled || self.created.iter().any(|made| made == kind)
        };
        let (contact, company, deal) = (has_lead_data("contact"), has_lead_data("company"), has_lead_data("deal"));
        ConversionResult {
            contact: self.contact.filter(|_| !contact),
            company: self.company.filter(|_| !company),
            deal: self.deal.filter(|_| !deal),
            ..self
        }
    }
}

/// Returns the records of the first conversion. A lead converts once; further requests return the same records.
fn first_result(tx: &mut Tx<'_>, lead: Lead, dry_run: bool) -> Result<ConversionResult> {
    let contact = if_visible(lead.contact_id.map(|id| Contact::find(tx, id)))?;
    let company = if_visible(lead.company_id.map(|id| Company::find(tx, id)))?;
    let deal = if_visible(lead.converted_deal_id.map(|id| Deal::find(tx, id)))?;
    Ok(ConversionResult {
        lead,
        contact,
        company,
        deal,
        created: Vec::new(),
        filled: Vec::new(),
        moved_tasks: 0,
        dry_run,
    })
}

/// Turns a record that the caller may not see into `None`, so that it is neither returned nor used.
fn if_visible<T>(found: Option<Result<T>>) -> Result<Option<T>> {
    match found {
        Some(Err(error)) if error.code() == Code::NotFound => Ok(None),
        Some(outcome) => outcome.map(Some),
        None => Ok(None),
    }
}

fn company(
    tx: &mut Tx<'_>,
    lead: &Lead,
    person: &LeadPerson,
    asked: &LeadConversion,
    made: &mut Made,
) -> Result<Option<Company>> {
    if let Some(id) = asked.company_id {
        return Company::find(tx, id).map(Some).map_err(|error| error.at_member("/company_id"));
    }
    if let Some(new) = &asked.company {
        made.created.push("company".into());
        return Company::insert(tx, new).map(Some).map_err(|error| error.under("/company"));
    }
    if let Some(id) = lead.company_id {
        return if_visible(Some(Company::find(tx, id)));
    }
    let Some(name) = &person.company_name else { return Ok(None) };
    let known: Option<Uuid> = c::table
        .filter(c::workspace_id.eq(tx.workspace()))
        .filter(c::deleted_at.is_null())
        .filter(lower(c::name).eq(name.to_lowercase()))
        .filter(visibility_filter::<c::table>(tx.actor, Kind::COMPANY, Action::Read))
        .order((c::created_at, c::id))
        .select(c::id)
        .first(tx.conn)
        .optional()?;
    if let Some(id) = known {
        return Company::find(tx, id).map(Some);
    }
    made.created.push("company".into());
    let body = serde_json::json!({ "name": name, "owner_id": lead.owner_id });
    let new: CompanyCreate = serde_json::from_value(body).map_err(Error::internal)?;
    Company::insert(tx, &new).map(Some)
}

diesel::define_sql_function! { fn lower(text: diesel::sql_types::Text) -> diesel::sql_types::Text; }

fn contact(
    tx: &mut Tx<'_>,
    lead: &Lead,
    person: &LeadPerson,
    company: Option<&Company>,
    asked: &LeadConversion,
    made: &mut Made,
) -> Result<Option<Contact>> {
    if let Some(new) = &asked.contact {
        made.created.push("contact".into());
        let new = ContactCreate { company_id: new.company_id.or(company.map(|c| c.id)), ..new.clone() };
        return Contact::insert(tx, &new).map(Some).map_err(|error| error.under("/contact"));
    }
    let known = match (asked.contact_id, lead.contact_id, &person.email) {
        (Some(id), ..) => Some(Contact::find(tx, id).map_err(|error| error.at_member("/contact_id"))?),
        // The lead stays linked to a contact that the caller cannot see, but the deal is not linked to it.
        (None, Some(id), _) => match if_visible(Some(Contact::find(tx, id)))? {
            Some(contact) => Some(contact),
            None => return Ok(None),
        },
        (None, None, Some(email)) => {
            let found = contacts::by_email(tx, email)?;
            made.found_by_hidden = found.is_some() && tx.actor.access.hides(Kind::CONTACT.path(), "email");
            found
        }
        (None, None, None) => None,
    };
    if let Some(contact) = known {
        return fill_contact(tx, contact, person, company, asked.mode(), made).map(Some);
    }
    if person.name.is_none() && person.email.is_none() && person.phone.is_none() {
        return Ok(None);
    }
    let (first_name, last_name) = names(person.name.as_deref());
    made.created.push("contact".into());
    let new = ContactCreate {
        first_name,
        last_name,
        email: person.email.clone(),
        phone: person.phone.clone(),
        company_id: company.map(|c| c.id),
        source_id: lead.source_id,
        owner_id: lead.owner_id,
        lifecycle: Some(crate::people::contacts::model::Lifecycle::Qualified),
        tags: lead.tags.clone(),
        custom_fields: custom_values::passed_on(tx, Kind::LEAD, &lead.custom, Kind::CONTACT),
        ..ContactCreate::default()
    };
    Contact::insert(tx, &new).map(Some)
}

/// Splits a name into first and last name. The last word is the last name; a single word is a first name. In Chinese,
/// Japanese and Korean the last name comes first.
fn names(name: Option<&str>) -> (Option<String>, Option<String>) {
    let Some(name) = name.map(str::trim).filter(|n| !n.is_empty()) else { return (None, None) };
    let parts = if names::family_first(name) {
        name.split_once(char::is_whitespace).map(|(last, first)| (first, last))
    } else {
        name.rsplit_once(char::is_whitespace)
    };
    match parts {
        Some((first, last)) => (Some(first.trim().to_owned()), Some(last.trim().to_owned())),
        None => (Some(name.to_owned()), None),
    }
}

fn fill_contact(
    tx: &mut Tx<'_>,
    contact: Contact,
    person: &LeadPerson,
    company: Option<&Company>,
    mode: OnConflict,
    made: &mut Made,
) -> Result<Contact> {
    let ((first, last), before) = (names(person.name.as_deref()), made.filled.len());
    let mut fill = Filler { mode, kind: Kind::CONTACT, access: Arc::clone(&tx.actor.access), made };
    let mut changes = ContactUpdate {
        first_name: fill.text("first_name", contact.first_name.as_ref(), first),
        last_name: fill.text("last_name", contact.last_name.as_ref(), last),
        ..ContactUpdate::default()
    };
    addresses::fill_email(tx, &contact, person, &mut fill, &mut changes)?;
    addresses::fill_phone(tx, &contact, person, &mut fill, &mut changes);
    changes.company_id = fill.text("company_id", contact.company_id.as_ref(), company.map(|c| c.id));
    if fill.made.filled.len() > before {
        return Contact::update(tx, contact.id, Expected::default(), &changes);
    }
    Ok(contact)
}

fn deal(
    tx: &mut Tx<'_>,
    lead: &Lead,
    contact: Option<&Contact>,
    company: Option<&Company>,
    asked: &LeadConversion,
    made: &mut Made,
) -> Result<Option<Deal>> {
    if asked.without_deal {
        return Ok(None);
    }
    let link = contact.map(|c| DealContact { contact_id: c.id, role: None });
    if let Some(id) = asked.deal_id {
        let deal = Deal::find(tx, id).map_err(|error| error.at_member("/deal_id"))?;
        let access = Arc::clone(&tx.actor.access);
        let fill = Filler { mode: asked.mode(), kind: Kind::DEAL, access, made };
        return fill_deal(tx, deal, lead, link, company, fill).map(Some);
    }
    made.created.push("deal".into());
    let given = asked.deal.clone().unwrap_or_default();
    let line = lead.product_id.map(|product_id| LineItemInput {
        product_id,
        quantity: None,
        price: lead.value.0.get(),
        discount_percent: None,
    });
    // A line item needs a price. Without one, only the title of the deal names the product.
    let lines = match line {
        Some(line) if given.line_items.is_empty() && line.price.is_some() => vec![line],
        _ => given.line_items.clone(),
    };
    let new = DealCreate {
        title: if given.title.is_empty() { lead.title.clone() } else { given.title.clone() },
        company_id: given.company_id.or(company.map(|c| c.id)),
        owner_id: given.owner_id.or(lead.owner_id),
        source_id: given.source_id.or(lead.source_id),
        value: given.value.clone().or_else(|| lead.value.0.get()),
        contacts: if given.contacts.is_empty() { link.into_iter().collect() } else { given.contacts.clone() },
        tags: if given.tags.0.is_empty() { lead.tags.clone() } else { given.tags.clone() },
        line_items: lines,
        custom_fields: with_passed_on(tx, lead, given.custom_fields.clone()),
        ..given
    };
    Deal::insert(tx, &new).map(Some).map_err(|error| error.under("/deal"))
}

/// Returns the given custom field values, together with those that the lead passes on to the deal.
fn with_passed_on(tx: &Tx<'_>, lead: &Lead, given: Vec<CustomValue>) -> Vec<CustomValue> {
    let mut values = custom_values::passed_on(tx, Kind::LEAD, &lead.custom, Kind::DEAL);
    values.retain(|value| !given.iter().any(|own| own.key == value.key));
    values.extend(given);
    values
}

fn fill_deal(
    tx: &mut Tx<'_>,
    deal: Deal,
    lead: &Lead,
    link: Option<DealContact>,
    company: Option<&Company>,
    mut fill: Filler<'_>,
) -> Result<Deal> {
    let mut changes = DealUpdate {
        company_id: fill.text("company_id", deal.company_id.as_ref(), company.map(|c| c.id)),
        source_id: fill.text("source_id", deal.source_id.as_ref(), lead.source_id),
        value: fill.text("value", deal.value.0.get().as_ref(), lead.value.0.get()),
        ..DealUpdate::default()
    };
    if let Some(link) = link.filter(|link| !deal.contacts.0.iter().any(|c| c.contact_id == link.contact_id)) {
        changes.contacts = Some(deal.contacts.0.iter().cloned().chain([link]).collect());
    }
    Deal::update(tx, deal.id, Expected::default(), &changes)
}

/// Marks the lead as converted: it moves to a won stage and is linked to the records it was converted into.
fn mark_converted(
    tx: &mut Tx<'_>,
    lead: &Lead,
    contact: Option<&Contact>,
    company: Option<&Company>,
    deal: Option<&Deal>,
) -> Result<Lead> {
    let qualified = match lead.status {
        Category::Won => lead.clone(),
        _ => {
            let stage = stages::first(tx, lead.pipeline_id, Category::Won)?;
            moves::enter_stage(tx, lead, &stage, Ending::default())?
        }
    };
    let converted: Lead = diesel::update(leads::table.find((tx.workspace(), lead.id)))
        .set((
            leads::converted_at.eq(tx.now),
            leads::converted_deal_id.eq(deal.map(|d| d.id)),
            leads::contact_id.eq(contact.map(|c| c.id).or(lead.contact_id)),
            leads::company_id.eq(company.map(|c| c.id).or(lead.company_id)),
            (leads::version.eq(qualified.version + 1), leads::updated_at.eq(tx.now)),
        ))
        .returning(Lead::as_returning())
        .get_result(tx.conn)?;
    tx.record(Event::changed("converted", &qualified, &converted)?);
    come_back_tasks::sync(tx, &[Some(&qualified)], vec![converted])?.pop().ok_or_else(Error::not_found)
}

#[cfg(test)]
#[path = "convert_tests.rs"]
mod tests;
