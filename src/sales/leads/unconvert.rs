//! Takes the conversion of a lead back, while nothing later hangs on its deal. The events of the conversion say what it
//! wrote.
use crate::db::event::Event;
use crate::db::refs;
use crate::db::related::{self, Related};
use crate::db::sql::{Part, Statement};
use crate::db::store::BatchStore;
use crate::db::table::{Expected, Stored};
use crate::db::tx::Tx;
use crate::db::updates::Group;
use crate::db::visibility;
use crate::kernel::access::grants::Action;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::people::companies::model::Company;
use crate::people::contacts::model::Contact;
use crate::sales::deals::model::Deal;
use crate::sales::leads::model::Lead;
use crate::sales::rewind;
use crate::schema::leads;
use crate::work::tasks::model::{Task, TaskUpdate};
use crate::work::tasks::store as tasks;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Text)]
    record_kind: String,
    #[diesel(sql_type = SqlUuid)]
    record_id: Uuid,
    #[diesel(sql_type = Text)]
    #[diesel(column_name = "type")]
    type_: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    record_version: Option<i64>,
    #[diesel(sql_type = Jsonb)]
    changes: Json,
}

/// The events of a conversion, in their order.
struct Conversion(Vec<Written>);

impl Conversion {
    fn load(tx: &mut Tx<'_>, lead: Uuid) -> Result<Conversion> {
        let statement = Statement::new(include_str!("unconvert.sql"))
            .set("workspace", Part::Id(tx.workspace()))
            .set("lead", Part::Id(lead));
        Ok(Conversion(statement.load(tx.conn)?))
    }

    fn of(&self, kind: Kind) -> impl Iterator<Item = &Written> {
        self.0.iter().filter(move |event| event.record_kind == kind.as_str())
    }

    /// Returns the record of a kind that the conversion created, with its version after the conversion.
    fn created(&self, kind: Kind) -> Option<(Uuid, i64)> {
        let created = self.of(kind).find(|event| event.type_.ends_with(".created"))?.record_id;
        let versions =
            self.of(kind).filter(|event| event.record_id == created).filter_map(|event| event.record_version);
        Some((created, versions.max()?))
    }

    /// Returns the tasks that moved from the lead to its deal, and whether each also got the contact.
    fn moved_tasks(&self) -> Vec<(Uuid, bool)> {
        let moved = self.of(Kind::TASK).filter(|event| event.changes.get("deal_id").is_some());
        moved.map(|event| (event.record_id, event.changes.get("contact_id").is_some())).collect()
    }

    /// Returns the values of the lead before the conversion that it changed.
    fn lead_before(&self, lead: Uuid) -> Map<String, Json> {
        let mut before = Map::new();
        for event in self.of(Kind::LEAD).filter(|event| event.record_id == lead) {
            for (member, pair) in event.changes.as_object().into_iter().flatten() {
                before.entry(member.clone()).or_insert_with(|| pair.get(0).cloned().unwrap_or_default());
            }
        }
        before
    }
}

/// Takes a conversion back: the lead returns to its stage, its tasks return to it, and records that the conversion
/// created are deleted. A contact or company with anything else on it stays.
pub fn unconvert(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<Lead> {
    let lead = Lead::lock(tx, id, expected)?;
    if lead.converted_at.is_none() {
        return Err(Error::new(Code::NotConverted, "the lead is not converted"));
    }
    let conversion = Conversion::load(tx, id)?;
    if conversion.0.is_empty() {
        return Err(Error::new(Code::InUse, "the history of the conversion is no longer stored"));
    }
    let made = Created::find(tx, &lead, &conversion)?;
    let former = lead.clone();
    let before = conversion.lead_before(id);
    return_to_stage(tx, &lead, &before)?;
    let lead = mark_unconverted(tx, id, &before)?;
    return_tasks(tx, &former, &lead, &conversion)?;
    made.delete(tx)?;
    let belongs =
        |lead: &Lead| Related { contact: lead.contact_id, company: lead.company_id, lead: Some(id), deal: None };
    related::refresh_all(tx, &[belongs(&former), belongs(&lead)])?;
    let deal = Related { deal: former.converted_deal_id, ..Related::default() };
    related::refresh_all(tx, &[deal])?;
    Lead::find(tx, id)
}

/// The records that the conversion created and that go with it.
struct Created {
    deal: Option<Deal>,
    contact: Option<Contact>,
    company: Option<Company>,
}

impl Created {
    fn find(tx: &mut Tx<'_>, lead: &Lead, conversion: &Conversion) -> Result<Created> {
        let links = Links { lead: lead.id, conversion };
        let deal = match conversion.created(Kind::DEAL) {
            Some((deal, version)) => links.unused::<Deal>(tx, deal, version)?.map_err(in_use).map(Some)?,
            None => None,
        };
        let contact = match conversion.created(Kind::CONTACT) {
            Some((contact, version)) => links.unused::<Contact>(tx, contact, version)?.ok(),
            None => None,
        };
        let company = match conversion.created(Kind::COMPANY) {
            Some((company, version)) if contact.is_some() || conversion.created(Kind::CONTACT).is_none() => {
                links.unused::<Company>(tx, company, version)?.ok()
            }
            _ => None,
        };
        Ok(Created { deal, contact, company })
    }

    fn delete(&self, tx: &mut Tx<'_>) -> Result<()> {
        self.deal.as_ref().map_or(Ok(()), |deal| Deal::delete_many(tx, std::slice::from_ref(deal)))?;
        self.contact.as_ref().map_or(Ok(()), |contact| Contact::delete_many(tx, std::slice::from_ref(contact)))?;
        self.company.as_ref().map_or(Ok(()), |company| Company::delete_many(tx, std::slice::from_ref(company)))
    }
}

fn in_use(what: Vec<String>) -> Error {
    let detail = format!("the deal of the conversion has changed since: {}", what.join(", "));
    Error::new(Code::InUse, detail)
}

#[derive(QueryableByName)]
struct Hanging {
    #[diesel(sql_type = Text)]
    what: String,
}

/// What the conversion itself linked.
struct Links<'c> {
    lead: Uuid,
    conversion: &'c Conversion,
}

impl Links<'_> {
    /// Returns the record if it is as the conversion left it and nothing else refers to it, or else what does.
    fn unused<R: Stored + BatchStore>(
        &self,
        tx: &mut Tx<'_>,
        id: Uuid,
        version: i64,
    ) -> Result<std::result::Result<R, Vec<String>>> {
        let gone = || vec!["it is deleted or not visible".to_owned()];
        let Some(row) = R::lock_many(tx, &[id])?.remove(&id) else { return Ok(Err(gone())) };
        let mut what: Vec<String> = self.hanging(tx, R::KIND, id)?;
        if row.version() != version {
            what.insert(0, "its members or its stage".into());
        }
        if !may_delete::<R>(tx, id)? {
            return Err(tx.actor.forbidden(R::KIND.path(), Action::Delete));
        }
        Ok(if what.is_empty() { Ok(row) } else { Err(what) })
    }

    fn hanging(&self, tx: &mut Tx<'_>, kind: Kind, id: Uuid) -> Result<Vec<String>> {
        let moved = self.conversion.moved_tasks().into_iter().map(|(task, _)| task).collect();
        let own = |kind: Kind| Part::Ids(self.conversion.created(kind).map(|(id, _)| id).into_iter().collect());
        // For a deal, also the contacts and deals; they cannot refer to one.
        let [link, lead_link, deal_link, contact_link] = match kind {
            Kind::DEAL => ["deal_id", "converted_deal_id", "false", "false"],
            Kind::CONTACT => [
                "contact_id",
                "contact_id",
                "id in (select deal_id from deal_contacts d where d.workspace_id = :workspace and d.contact_id = :id)",
                "false",
            ],
            _ => ["company_id", "company_id", "company_id = :id", "company_id = :id"],
        };
        let nested = |text| {
            let condition = Statement::new(text).set("workspace", Part::Id(tx.workspace())).set("id", Part::Id(id));
            Part::Nested(Box::new(condition))
        };
        let statement = Statement::new(include_str!("hanging.sql"))
            .set("workspace", Part::Id(tx.workspace()))
            .set("id", Part::Id(id))
            .set("lead", Part::Id(self.lead))
            .set("moved", Part::Ids(moved))
            .set("deals", own(Kind::DEAL))
            .set("contacts", own(Kind::CONTACT))
            .set("activity_link", Part::Sql(link))
            .set("task_link", Part::Sql(link))
            .set("file_link", Part::Sql(link))
            .set("lead_link", Part::Sql(lead_link))
            .set("deal_link", nested(deal_link))
            .set("contact_link", nested(contact_link));
        let found: Vec<Hanging> = statement.load(tx.conn)?;
        Ok(found.into_iter().map(|found| found.what).collect())
    }
}

/// Checks the permission to delete a record, which the operation itself does not require.
fn may_delete<R: Stored>(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    if tx.actor.require_action(Action::Delete, R::KIND.path()).is_err() {
        return Ok(false);
    }
    let may = visibility::visibility_filter::<R::Table>(tx.actor, R::KIND, Action::Delete);
    Ok(!R::rows(tx).with_id(id).filter(&may).ids(tx.conn)?.is_empty())
}

/// Returns the lead to the stage in which it was.
fn return_to_stage(tx: &mut Tx<'_>, lead: &Lead, before: &Map<String, Json>) -> Result<()> {
    if !before.contains_key("stage_id") {
        return Ok(());
    }
    let now = serde_json::to_value(lead).map_err(Error::internal)?;
    let members =
        ["pipeline_id", "stage_id", "status", "stage_entered_at", "closed_at", "closed_by_id", "loss_reason_id"];
    let value = |member: &&str| before.get(*member).or_else(|| now.get(*member)).cloned().unwrap_or_default();
    let place: Map<String, Json> = members.iter().map(|member| ((*member).to_owned(), value(member))).collect();
    rewind::rewind::<Lead>(tx, &[(lead.id, place)])
        .map_err(|_| Error::new(Code::InUse, "the stage in which the lead was is deleted"))
}

fn mark_unconverted(tx: &mut Tx<'_>, id: Uuid, before: &Map<String, Json>) -> Result<Lead> {
    let lead = Lead::find(tx, id)?;
    // An open lead does not belong to a suspended user.
    let owner = refs::active_or_caller(tx, lead.owner_id)?;
    let former = |member: &str, now: Option<Uuid>| match before.get(member) {
        Some(value) => value.as_str().and_then(|id| id.parse().ok()),
        None => now,
    };
    let after: Lead = diesel::update(leads::table.find((tx.workspace(), id)))
        .set((
            leads::converted_at.eq(None::<crate::kernel::values::time::DateTime>),
            leads::converted_deal_id.eq(None::<Uuid>),
            leads::owner_id.eq(owner),
            leads::contact_id.eq(former("contact_id", lead.contact_id)),
            leads::company_id.eq(former("company_id", lead.company_id)),
            (leads::version.eq(lead.version + 1), leads::updated_at.eq(tx.now)),
        ))
        .returning(Lead::as_returning())
        .get_result(tx.conn)?;
    tx.record(Event::changed("unconverted", &lead, &after)?);
    Ok(after)
}

/// Returns the tasks that moved to the deal and are still there. Done ones return too, because the deal is deleted.
fn return_tasks(tx: &mut Tx<'_>, former: &Lead, lead: &Lead, conversion: &Conversion) -> Result<()> {
    let moved = conversion.moved_tasks();
    let there = tasks::lock_existing(tx, &moved.iter().map(|(id, _)| *id).collect::<Vec<_>>())?;
    let back = |contact_id| TaskUpdate {
        lead_id: Some(Some(lead.id)),
        deal_id: Some(None),
        contact_id,
        ..TaskUpdate::default()
    };
    let changes = [back(None), back(Some(None))];
    let (mut named, mut nameless): (Vec<&Task>, Vec<&Task>) = (Vec::new(), Vec::new());
    for task in there.iter().filter(|task| task.deal_id == former.converted_deal_id) {
        // The contact goes if the conversion set it and nobody has changed it since.
        let got_contact = moved.contains(&(task.id, true)) && task.contact_id == former.contact_id;
        if got_contact { nameless.push(task) } else { named.push(task) }
    }
    let groups: Vec<Group<'_, Task, TaskUpdate>> = [named, nameless].into_iter().zip(&changes).collect();
    let groups: Vec<_> = groups.into_iter().filter(|(rows, _)| !rows.is_empty()).collect();
    if groups.is_empty() { Ok(()) } else { tasks::change_each(tx, &groups).map(drop) }
}
