//! Erasure of a person (GDPR, article 17): what could tell who it was is taken away everywhere, what is needed for figures stays, and a row
//! proves that it was done.
use crate::db::events::Event;
use crate::db::queue;
use crate::db::sight::sight;
use crate::db::tx::Tx;
use crate::kernel::actor::{Action, can};
use crate::kernel::custom::CustomValues;
use crate::kernel::error::{Error, Result};
use crate::kernel::field::{Fields, field};
use crate::kernel::kind::Kind;
use crate::kernel::query::hex;
use crate::kernel::reply::Reply;
use crate::kernel::seek::signature;
use crate::kernel::shape::Rules;
use crate::kernel::tags::Tags;
use crate::kernel::time::DateTime;
use crate::people::contacts::model::{Consents, Contact, Emails, FirstTouch, Phones};
use crate::sales::leads::model::LeadPerson;
use crate::schema as s;
use crate::schema::erasures;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::{jsonb, list, list_params, page};
use actix_web::{get, post};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::{Array, Jsonb, Uuid as SqlUuid};
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The job that takes the bytes of erased files out of their store.
pub const PURGE: &str = "purge_files";

/// What stands where a name or a text was.
const ERASED: &str = "Erased";

/// How much was taken away.
#[derive(Clone, Debug, Default, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct ErasedCounts {
    pub leads: i64,
    pub activities: i64,
    pub tasks: i64,
    pub files: i64,
    /// Entries of the audit log whose before and after were taken out.
    pub events: i64,
}
jsonb!(ErasedCounts);

/// The proof that a person was erased.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = erasures)]
pub struct Erasure {
    pub id: Uuid,
    pub contact_id: Uuid,
    /// Why, such as "asked by letter on 3 May".
    pub reason: String,
    pub erased: ErasedCounts,
    /// Who did it.
    pub erased_by: Option<Uuid>,
    /// The retention rule that asked for it.
    pub rule_id: Option<Uuid>,
    pub created_at: DateTime,
}
impl crate::kernel::kind::Record for Erasure {
    const KIND: Kind = Kind::Erasure;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        1
    }
}
page!(ErasurePage of Erasure);

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ErasureCreate {
    pub contact_id: Uuid,
    #[schema(min_length = 1, max_length = 1000, example = "Asked by letter")]
    pub reason: String,
}
impl Rules for ErasureCreate {}

#[derive(Debug, Deserialize, ToSchema)]
pub struct ErasureLookup {
    #[schema(format = "email", max_length = 254)]
    pub email: String,
}
impl Rules for ErasureLookup {}

#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureLookupResult {
    /// Null when nobody with this address was erased.
    pub erasure: Option<Erasure>,
}

static ERASURE: Fields<erasures::table> = Fields {
    kind: Kind::Erasure,
    all: &[
        field("contact_id", &erasures::contact_id),
        field("erased_by", &erasures::erased_by),
        field("rule_id", &erasures::rule_id),
        field("created_at", &erasures::created_at),
    ],
    default_sort: "-created_at",
    id: field("id", &erasures::id),
    search: None,
    links: &[],
    table: PhantomData,
};
list_params!(ErasureList, ERASURE.parameters());

#[diesel::dsl::auto_type(no_type_alias)]
fn mine(workspace: Uuid) -> _ {
    erasures::table.filter(erasures::workspace_id.eq(workspace))
}

fn seen(_: &Tx<'_>) -> crate::kernel::on::On<erasures::table, crate::kernel::cond::Cond> {
    ERASURE.on(crate::kernel::cond::Cond::All(Vec::new()))
}

/// An address as a proof keeps it: it can be recognised, not read.
fn hash(address: &str) -> String {
    hex(&signature(format!("erased:{}", address.to_lowercase()).as_bytes()))
}

diesel::define_sql_function! { fn redact_events(workspace: SqlUuid, records: Array<SqlUuid>) -> BigInt; }

/// The records of a table that name the contact, deleted ones too.
macro_rules! naming {
    ($tx:expr, $table:ident, $contact:expr) => {{ s::$table::table.filter(s::$table::workspace_id.eq($tx.workspace())).filter(s::$table::contact_id.eq($contact)) }};
}

/// Erases contacts that the caller sees, each with its proof. `rule` is the retention rule that asked for it.
pub fn erase_many(tx: &mut Tx<'_>, contacts: &[Uuid], reason: &str, rule: Option<Uuid>) -> Result<Vec<Erasure>> {
    let proofs = contacts.iter().map(|contact| erase(tx, *contact, reason, rule)).collect::<Result<_>>()?;
    // Last, as it keeps other erasures and the gathering of words waiting.
    forget_words(tx)?;
    Ok(proofs)
}

fn erase(tx: &mut Tx<'_>, contact: Uuid, reason: &str, rule: Option<Uuid>) -> Result<Erasure> {
    let seen = sight::<s::contacts::table>(tx.actor, Kind::Contact, Action::Read);
    let own = s::contacts::table.find((tx.workspace(), contact)).filter(&seen).for_update();
    let before: Option<Contact> = own.select(Contact::as_select()).first(tx.conn).optional()?;
    let before = before.ok_or_else(|| Error::reference("/contact_id"))?;
    let done = mine(tx.workspace()).filter(erasures::contact_id.eq(contact)).select(Erasure::as_select());
    if let Some(done) = done.first(tx.conn).optional()? {
        return Ok(done);
    }
    let (erased, records, files) = empty(tx, contact)?;
    empty_contact(tx, contact)?;
    let events = diesel::select(redact_events(tx.workspace(), &records)).get_result(tx.conn)?;
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let [leads, activities, tasks] = erased.map(number);
    let counts = ErasedCounts { leads, activities, tasks, files: number(files.len()), events };
    if !files.is_empty() {
        let args = serde_json::to_value(&files).map_err(Error::internal)?;
        queue::enqueue(tx, PURGE, &args, Some(number(files.len())))?;
    }
    let addresses: Vec<String> = before.emails.0.iter().map(|email| hash(&email.email)).collect();
    let row: Erasure = diesel::insert_into(erasures::table)
        .values((
            (erasures::workspace_id.eq(tx.workspace()), erasures::id.eq(Uuid::now_v7())),
            (erasures::contact_id.eq(contact), erasures::reason.eq(reason), erasures::rule_id.eq(rule)),
            (erasures::address_hashes.eq(addresses), erasures::erased.eq(counts)),
            (erasures::erased_by.eq(tx.actor.user), erasures::created_at.eq(tx.now)),
        ))
        .returning(Erasure::as_returning())
        .get_result(tx.conn)?;
    tx.record(Event::of(Kind::Contact, contact, "erased"));
    Ok(row)
}

type Emptied = ([usize; 3], Vec<Uuid>, Vec<Uuid>);

/// Takes texts and addresses out of what was recorded with the person. Returns how much, all the records, and the files among them.
fn empty(tx: &mut Tx<'_>, contact: Uuid) -> Result<Emptied> {
    let now = tx.now;
    let leads: Vec<Uuid> = diesel::update(naming!(tx, leads, contact))
        .set((
            (s::leads::title.eq(ERASED), s::leads::description.eq(None::<String>)),
            (s::leads::person.eq(None::<LeadPerson>), s::leads::custom.eq(CustomValues::default())),
            (s::leads::version.eq(s::leads::version + 1), s::leads::updated_at.eq(now)),
        ))
        .returning(s::leads::id)
        .get_results(tx.conn)?;
    let activities: Vec<Uuid> = diesel::update(naming!(tx, activities, contact))
        .set((
            (s::activities::text.eq(None::<String>), s::activities::outcome.eq(None::<String>)),
            s::activities::recording_url.eq(None::<String>),
            (s::activities::version.eq(s::activities::version + 1), s::activities::updated_at.eq(now)),
        ))
        .returning(s::activities::id)
        .get_results(tx.conn)?;
    let tasks: Vec<Uuid> = diesel::update(naming!(tx, tasks, contact))
        .set((
            (s::tasks::title.eq(ERASED), s::tasks::notes.eq(None::<String>), s::tasks::result.eq(None::<String>)),
            (s::tasks::version.eq(s::tasks::version + 1), s::tasks::updated_at.eq(now)),
        ))
        .returning(s::tasks::id)
        .get_results(tx.conn)?;
    let files: Vec<Uuid> = diesel::update(naming!(tx, files, contact))
        .set((s::files::name.eq(ERASED), s::files::deleted_at.eq(now), s::files::version.eq(s::files::version + 1)))
        .returning(s::files::id)
        .get_results(tx.conn)?;
    let counts = [leads.len(), activities.len(), tasks.len()];
    let all = [&[contact][..], &leads, &activities, &tasks, &files].concat();
    Ok((counts, all, files))
}

/// The contact stays as a number in figures, without anything of the person.
fn empty_contact(tx: &mut Tx<'_>, contact: Uuid) -> Result<()> {
    use s::contacts as c;
    let none = None::<String>;
    diesel::update(c::table.find((tx.workspace(), contact)))
        .set((
            (c::first_name.eq(&none), c::last_name.eq(&none), c::email.eq(&none), c::phone.eq(&none)),
            (c::emails.eq(Emails::default()), c::phones.eq(Phones::default())),
            (c::position.eq(&none), c::address.eq(&none), c::birthday.eq(None::<chrono::NaiveDate>)),
            (c::locale.eq(&none), c::time_zone.eq(&none), c::external_id.eq(&none)),
            (c::consents.eq(Consents::default()), c::first_touch.eq(None::<FirstTouch>)),
            (c::tags.eq(Tags::default()), c::custom.eq(CustomValues::default()), c::do_not_contact.eq(true)),
            (c::deleted_at.eq(tx.now), c::updated_at.eq(tx.now), c::version.eq(c::version + 1)),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Nobody knows whether others say the person's words too: all are gathered anew. The position is taken first, so that whoever gathers has
/// ended.
fn forget_words(tx: &mut Tx<'_>) -> Result<()> {
    let workspace = tx.workspace();
    let anew = (s::vocabularies::xid.eq(0), s::vocabularies::seq.eq(0));
    diesel::insert_into(s::vocabularies::table)
        .values((s::vocabularies::workspace_id.eq(workspace), anew))
        .on_conflict(s::vocabularies::workspace_id)
        .do_update()
        .set(anew)
        .execute(tx.conn)?;
    diesel::delete(s::words::table.filter(s::words::workspace_id.eq(workspace))).execute(tx.conn)?;
    Ok(())
}

/// Erase a person for good: the contact, the texts of leads, tasks, notes and calls with them, their files, and the before and after in the audit
/// log. Figures stay. Asking again answers the first proof.
#[utoipa::path(operation_id = "create_erasure", request_body = ErasureCreate, responses((status = 201, description = "The proof", body = Erasure)))]
#[post("/erasures")]
async fn create(ctx: Ctx<can::erasures::Create>, asked: Valid<ErasureCreate>) -> Result<Reply> {
    ctx.actor.must::<can::contacts::Delete>()?;
    ctx.write(move |tx| {
        let proofs = erase_many(tx, &[asked.contact_id], &asked.reason, None)?;
        Reply::created(proofs.first().ok_or_else(Error::not_found)?)
    })
    .await
}

/// List the proofs of erasure, the latest first.
#[utoipa::path(operation_id = "list_erasures", params(ErasureList), responses((status = 200, description = "A page of proofs", body = ErasurePage)))]
#[get("/erasures")]
async fn list(ctx: Ctx<can::erasures::Read>) -> Result<Reply> {
    let (plan, link) = (ERASURE.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let page = list!(tx, erasures, Erasure, &plan => ErasurePage);
        link.reply(&page.page, &page)
    })
    .await
}

/// Get a proof of erasure.
#[utoipa::path(operation_id = "get_erasure", params(("erasure_id" = Uuid, Path, description = "Id of the erasure")),
    responses((status = 200, description = "The proof", body = Erasure)))]
#[get("/erasures/{erasure_id}")]
async fn read(ctx: Ctx<can::erasures::Read>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| {
        let own = mine(tx.workspace()).filter(erasures::id.eq(id.0)).select(Erasure::as_select());
        Reply::record(&own.first::<Erasure>(tx.conn).optional()?.ok_or_else(Error::not_found)?)
    })
    .await
}

/// Whether somebody with this address was erased, so that they are not taken in again. Proofs do not hold the address itself.
#[utoipa::path(operation_id = "search_erasures", request_body = ErasureLookup,
    responses((status = 200, description = "The proof, if there is one", body = ErasureLookupResult)))]
#[post("/erasures/search")]
async fn lookup(ctx: Ctx<can::erasures::Read>, asked: Valid<ErasureLookup>) -> Result<Reply> {
    ctx.read(move |tx| {
        let own = mine(tx.workspace()).filter(erasures::address_hashes.contains(vec![Some(hash(&asked.email))]));
        let erasure = own.order(erasures::created_at.desc()).select(Erasure::as_select()).first(tx.conn).optional()?;
        Reply::ok(&ErasureLookupResult { erasure })
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(create).service(list).service(lookup).service(read);
}
