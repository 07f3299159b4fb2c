//! Finds the records of a person for erasures and exports.
use crate::db::sql::lower;
use crate::db::tx::Tx;
use crate::kernel::error::Result;
use crate::kernel::values::address;
use crate::sales::leads::model::LeadPerson;
use crate::schema::{deal_contacts, deals, erasures, leads};
use diesel::prelude::*;
use uuid::Uuid;

/// A person who is a contact, or who is known only from leads.
#[derive(Debug, Default)]
pub struct Person {
    pub contact: Option<Uuid>,
    /// Leads of the contact, and leads without a contact that have one of the addresses.
    pub leads: Vec<Uuid>,
    /// Deals without a company and without another contact that is not erased.
    pub deals: Vec<Uuid>,
    /// E-mail addresses in normal form.
    pub addresses: Vec<String>,
}

impl Person {
    /// Finds and locks the records of a person, from the contact or the first lead and its addresses.
    pub fn find(tx: &mut Tx<'_>, contact: Option<Uuid>, lead: Option<Uuid>, addresses: &[String]) -> Result<Person> {
        let mut person = Person { contact, ..Person::default() };
        person.addresses = addresses.iter().map(|text| address::email(text)).collect();
        let converted = person.add_leads(tx, lead)?;
        person.add_deals(tx, converted)?;
        Ok(person)
    }

    /// Adds the leads and returns the deals that they were converted into.
    fn add_leads(&mut self, tx: &mut Tx<'_>, lead: Option<Uuid>) -> Result<Vec<Uuid>> {
        let forms: Vec<String> = self.addresses.iter().flat_map(|text| address::email_forms(text)).collect();
        let address = lower(leads::person.retrieve_as_text("email")).eq_any(forms);
        let unlinked = leads::contact_id.is_null().and(leads::person.is_not_null()).and(address);
        let theirs = leads::contact_id.eq(self.contact).or(leads::id.nullable().eq(lead)).or(unlinked);
        let rows: Vec<(Uuid, Option<LeadPerson>, Option<Uuid>)> = leads::table
            .filter(leads::workspace_id.eq(tx.workspace()))
            .filter(theirs)
            .order(leads::id)
            .select((leads::id, leads::person, leads::converted_deal_id))
            .for_update()
            .load(tx.conn)?;
        let mut converted = Vec::new();
        for (id, person, deal) in rows {
            self.leads.push(id);
            converted.extend(deal);
            let address = person.and_then(|person| person.email).map(|email| address::email(&email));
            self.addresses.extend(address.filter(|address| !self.addresses.contains(address)));
        }
        Ok(converted)
    }

    fn add_deals(&mut self, tx: &mut Tx<'_>, converted: Vec<Uuid>) -> Result<()> {
        let links = deal_contacts::table.filter(deal_contacts::workspace_id.eq(tx.workspace()));
        let linked = links.filter(deal_contacts::contact_id.nullable().eq(self.contact)).select(deal_contacts::deal_id);
        let found: Vec<Uuid> = deals::table
            .filter(deals::workspace_id.eq(tx.workspace()))
            .filter(deals::id.eq_any(linked).or(deals::id.eq_any(converted)))
            .filter(deals::company_id.is_null())
            .order(deals::id)
            .select(deals::id)
            .for_update()
            .load(tx.conn)?;
        let erased = erasures::table.filter(erasures::workspace_id.eq(tx.workspace()));
        let erased = erased.filter(erasures::contact_id.is_not_null()).select(erasures::contact_id.assume_not_null());
        let others = deal_contacts::contact_id.nullable().is_distinct_from(self.contact);
        let shared: Vec<Uuid> = links
            .filter(deal_contacts::deal_id.eq_any(&found))
            .filter(others)
            .filter(deal_contacts::contact_id.ne_all(erased))
            .select(deal_contacts::deal_id)
            .load(tx.conn)?;
        self.deals = found.into_iter().filter(|deal| !shared.contains(deal)).collect();
        Ok(())
    }
}

/// Selects the tasks, activities or files of a person, including deleted ones. `or` adds further rows.
#[macro_export]
macro_rules! theirs {
    ($tx:expr, $table:ident, $person:expr $(, or $more:expr)?) => {{
        use $crate::schema::$table as t;
        let theirs = t::contact_id.eq($person.contact);
        let theirs = theirs.or(t::lead_id.eq_any($person.leads.clone())).or(t::deal_id.eq_any($person.deals.clone()));
        $(let theirs = theirs.or($more);)?
        t::table.filter(t::workspace_id.eq($tx.workspace())).filter(theirs)
    }};
}
