//! Export of all data about a person in a machine-readable response (GDPR, articles 15 and 20).
use crate::db::events::Event;
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::db::visibility::visibility_filter;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::access::hide::Hide;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::people::companies::model::Company;
use crate::people::contacts::consents::{self, ConsentRecord};
use crate::people::contacts::model::Contact;
use crate::privacy::person::Person;
use crate::records::audit::AuditEvent;
use crate::records::files::model::File;
use crate::sales::deals::model::Deal;
use crate::sales::leads::model::Lead;
use crate::schema as s;
use crate::theirs;
use crate::web::ctx::{Ctx, Id};
use crate::work::activities::Activity;
use crate::work::tasks::model::Task;
use actix_web::get;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The maximum number of records of one kind.
const MOST: i64 = 10_000;

/// All data about a person that you may see.
#[derive(Debug, Serialize, ToSchema)]
pub struct ContactExport {
    pub exported_at: DateTime,
    pub contact: Contact,
    pub company: Option<Company>,
    pub consents: Vec<ConsentRecord>,
    pub leads: Vec<Lead>,
    pub deals: Vec<Deal>,
    pub tasks: Vec<Task>,
    pub activities: Vec<Activity>,
    /// The metadata of files. Get their contents from `/files/{file_id}/content`.
    pub files: Vec<File>,
    /// The changes to the contact, with time and user. The network address is included only if you may read the audit
    /// log.
    pub changes: Vec<AuditEvent>,
}

impl Hide for ContactExport {
    fn hide(&mut self, actor: &Actor) {
        self.contact.hide(actor);
        self.company.hide(actor);
        consents::hide_all(&mut self.consents, actor);
        self.leads.hide(actor);
        self.deals.hide(actor);
        self.changes.hide(actor);
    }
}

/// Loads records that are not deleted and that the caller may see.
macro_rules! visible {
    ($tx:expr, $table:ident, $row:ty, $kind:ident, $own:expr) => {{
        let rows: Vec<$row> = if $tx.actor.require_read(Kind::$kind.path()).is_err() {
            Vec::new()
        } else {
            let seen = visibility_filter::<s::$table::table>($tx.actor, Kind::$kind, Action::Read);
            let living = $own.filter(s::$table::deleted_at.is_null()).filter(&seen);
            living.order(s::$table::id).limit(MOST).select(<$row>::as_select()).load($tx.conn)?
        };
        rows
    }};
}

/// Returns all deals of the contact, including those with other contacts.
fn deals(tx: &mut Tx<'_>, contact: Uuid) -> Result<Vec<Deal>> {
    let links = s::deal_contacts::table.filter(s::deal_contacts::workspace_id.eq(tx.workspace()));
    let links = links.filter(s::deal_contacts::contact_id.eq(contact)).select(s::deal_contacts::deal_id);
    let own = s::deals::table.filter(s::deals::workspace_id.eq(tx.workspace())).filter(s::deals::id.eq_any(links));
    Ok(visible!(tx, deals, Deal, DEAL, own))
}

fn export(tx: &mut Tx<'_>, id: Uuid) -> Result<ContactExport> {
    let contact = Contact::find(tx, id)?;
    let company = match contact.company_id {
        Some(company) if tx.actor.require_read("companies").is_ok() => {
            let seen = visibility_filter::<s::companies::table>(tx.actor, Kind::COMPANY, Action::Read);
            let own = s::companies::table.find((tx.workspace(), company)).filter(&seen);
            own.select(Company::as_select()).first(tx.conn).optional()?
        }
        _ => None,
    };
    let mut changes: Vec<AuditEvent> = s::events::table
        .filter(s::events::workspace_id.eq(tx.workspace()))
        .filter(s::events::record_id.eq(id))
        .order((s::events::at, s::events::id))
        .limit(MOST)
        .select(AuditEvent::as_select())
        .load(tx.conn)?;
    // Only callers who may read the audit log see the network addresses of users.
    if tx.actor.require_read(Kind::AUDIT_EVENT.path()).is_err() {
        changes.iter_mut().for_each(AuditEvent::forget_origin);
    }
    let addresses: Vec<String> = contact.emails.0.iter().map(|email| email.email.clone()).collect();
    let person = Person::find(tx, Some(id), None, &addresses)?;
    let leads = s::leads::table.filter(s::leads::workspace_id.eq(tx.workspace()));
    let activities = visible!(tx, activities, Activity, ACTIVITY, theirs!(tx, activities, person));
    let with = activities.iter().map(|activity| activity.id).collect::<Vec<_>>();
    let files = theirs!(tx, files, person, or s::files::activity_id.eq_any(with));
    let answer = ContactExport {
        exported_at: tx.now,
        company,
        consents: consents::of(tx, id)?,
        leads: visible!(tx, leads, Lead, LEAD, leads.filter(s::leads::id.eq_any(&person.leads))),
        deals: deals(tx, id)?,
        tasks: visible!(tx, tasks, Task, TASK, theirs!(tx, tasks, person)),
        activities,
        files: visible!(tx, files, File, FILE, files),
        changes,
        contact,
    };
    tx.record(Event::changed("exported", &answer.contact, &answer.contact)?);
    Ok(answer)
}

/// Export all data about a person that you may see. The export is recorded in the audit log.
#[utoipa::path(operation_id = "export_contact", params(("contact_id" = Uuid, Path, description = "Id of the contact")),
    responses((status = 200, description = "The data about the person", body = ContactExport)))]
#[get("/contacts/{contact_id}/export")]
async fn of_contact(ctx: Ctx<can::Export<Contact>>, id: Id) -> Result<Reply> {
    ctx.write(move |tx| export(tx, id.0).map(Answer::ok)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(of_contact);
}
