//! Erasure of a person (GDPR, article 17). Everything that identifies the person is removed. Data for statistics
//! remains, and a row proves the erasure.
use crate::db::table::{self, RESTORE_DAYS};
use crate::db::{event::Event, idempotency, queue, related, tx::Tx, visibility::visibility_filter};
use crate::intake::imports::forget;
use crate::kernel::access::grants::Action;
use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use crate::kernel::access::{hide::NothingHidden, permission::can, record::Record};
use crate::kernel::answers::{page::Page, reply::Answer, reply::Reply};
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::custom::CustomValues;
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::seek::signatures;
use crate::kernel::values::{address, hex::hex, tags::Tags, time::DateTime, typed::Values};
use crate::people::contacts::emails;
use crate::people::contacts::model::{Consents, Contact, FirstTouch};
use crate::people::contacts::reach::{Accounts, Emails, Phones, QuietHours};
use crate::privacy::person::Person;
use crate::sales::leads::model::{Lead, LeadPerson};
use crate::schema::{self as s, erasures};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id};
use crate::web::headers::IdempotencyKey;
use crate::{jsonb, list_params, table_row, theirs};
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

/// The text that replaces names and other texts.
const ERASED: &str = "Erased";

/// The number of erased records.
#[derive(Clone, Debug, Default, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct ErasedCounts {
    pub leads: i64,
    /// Deals that belong to the person only: without a company and without another contact.
    #[serde(default)]
    pub deals: i64,
    pub activities: i64,
    pub tasks: i64,
    pub files: i64,
    /// Audit log entries whose old and new values were removed.
    pub events: i64,
}
jsonb!(ErasedCounts);

/// The proof that a person was erased.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = erasures)]
pub struct Erasure {
    pub id: Uuid,
    pub contact_id: Option<Uuid>,
    /// The lead of a person who was not a contact.
    pub lead_id: Option<Uuid>,
    /// The reason, such as "Requested by e-mail on 3 May".
    pub reason: String,
    pub erased: ErasedCounts,
    /// The user who erased the person.
    pub erased_by: Option<Uuid>,
    /// The retention rule that erased the person.
    pub rule_id: Option<Uuid>,
    pub created_at: DateTime,
}
impl NothingHidden for Erasure {}
impl Record for Erasure {
    const KIND: Kind = Kind::ERASURE;
    fn id(&self) -> Uuid {
        self.id
    }
    fn version(&self) -> i64 {
        1
    }
}

impl Kind {
    pub const ERASURE: Kind = Kind::new("erasure", "erasures");
}

impl Resource for Erasure {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::ERASURE, "Erasure of people, with proofs.").shared(
        Builtin::Admin,
        Builtin::Admin,
        Builtin::Owner,
    );
}
pub type ErasurePage = Page<Erasure>;

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ErasureCreate {
    /// The contact to erase, with its leads and the deals that belong to it only.
    pub contact_id: Option<Uuid>,
    /// The lead of a person who is not a contact. Must be absent if `contact_id` is given.
    pub lead_id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 1000, example = "Requested by e-mail")]
    pub reason: String,
}
impl Rules for ErasureCreate {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        match (self.contact_id, self.lead_id) {
            (None, None) => {
                bad.push(FieldError::member("/contact_id", FieldCode::Required, "is required unless lead_id is given"))
            }
            (Some(_), Some(_)) => bad.push(FieldError::member(
                "/lead_id",
                FieldCode::StatedTwice,
                "must be absent if contact_id is given",
            )),
            _ => {}
        }
    }
}

/// The contact or lead to erase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    Contact(Uuid),
    Lead(Uuid),
}

#[derive(Debug, Deserialize, ToSchema)]
pub struct ErasureLookup {
    #[schema(format = "email", max_length = 254)]
    pub email: String,
}
impl Rules for ErasureLookup {}

#[derive(Debug, Serialize, ToSchema)]
pub struct ErasureLookupResult {
    /// Null if no person with this address was erased.
    pub erasure: Option<Erasure>,
}
impl NothingHidden for ErasureLookupResult {}

static ERASURE: Fields<erasures::table> = Fields {
    kind: Kind::ERASURE,
    all: &[
        field("contact_id", &erasures::contact_id),
        field("lead_id", &erasures::lead_id),
        field("erased_by", &erasures::erased_by),
        field("rule_id", &erasures::rule_id),
        field("created_at", &erasures::created_at),
    ],
    default_sort: "-created_at",
    id: field("id", &erasures::id),
    search: None,
    derived: &[],
    links: &[],
    table: PhantomData,
};
list_params!(ErasureList, ERASURE.parameters());

table_row!(erasures, Erasure);

#[diesel::dsl::auto_type(no_type_alias)]
fn in_workspace(workspace: Uuid) -> _ {
    erasures::table.filter(erasures::workspace_id.eq(workspace))
}

fn visible_to(_: &Tx<'_>) -> crate::kernel::query::on::On<erasures::table, Cond> {
    ERASURE.on(Cond::All(Vec::new()))
}

/// Returns the hashes of a normalized address, with which a proof can be found without containing the address. The
/// first hash uses the current secret, the others use previous secrets.
fn hashes(address: &str) -> Vec<String> {
    signatures(format!("erased:{address}").as_bytes()).iter().map(|hash| hex(hash)).collect()
}

diesel::define_sql_function! { fn redact_events(workspace: SqlUuid, records: Array<SqlUuid>) -> BigInt; }

/// Erases people whom the caller may delete and returns a proof for each. `rule` is the retention rule that requested
/// it.
pub fn erase_many(tx: &mut Tx<'_>, subjects: &[Subject], reason: &str, rule: Option<Uuid>) -> Result<Vec<Erasure>> {
    let (mut proofs, mut records) = (Vec::new(), Vec::new());
    for subject in subjects {
        proofs.push(erase(tx, *subject, reason, rule, &mut records)?);
    }
    // The next tasks of the companies must not come from erased people.
    let employers = employers(tx, subjects)?;
    related::refresh(tx, Kind::COMPANY, employers)?;
    if !proofs.is_empty() {
        records.extend(forget::all(tx)?);
        idempotency::forget(tx, records)?;
        // Last, because it blocks other erasures and the vocabulary job.
        forget_words(tx)?;
    }
    Ok(proofs)
}

fn employers(tx: &mut Tx<'_>, subjects: &[Subject]) -> Result<Vec<Uuid>> {
    use s::contacts as c;
    let people = subjects.iter().filter_map(|subject| subject.contact()).collect::<Vec<_>>();
    if people.is_empty() {
        return Ok(people);
    }
    let employed = c::table.filter(c::workspace_id.eq(tx.workspace())).filter(c::id.eq_any(people));
    let employed = employed.filter(c::company_id.is_not_null());
    Ok(employed.select(c::company_id.assume_not_null()).distinct().load(tx.conn)?)
}

/// Restricts a condition to records that a retention rule can erase. Erased contacts are soft-deleted and do not
/// match anyway; leads remain, so erased ones are excluded.
pub fn erasable(tx: &Tx<'_>, resource: &str, cond: Cond) -> Cond {
    if resource != Kind::LEAD.path() {
        return cond;
    }
    let erased = "select e.lead_id from erasures e where e.lead_id = leads.id and e.workspace_id = ";
    let erased = Cond::Within((&LEAD_ID).into(), erased, Values::Uuid(vec![tx.workspace()]));
    Cond::All(vec![cond, Cond::Empty((&LEAD_CONTACT).into()), !erased])
}

static LEAD_ID: Field = field("id", &s::leads::id);
static LEAD_CONTACT: Field = field("contact_id", &s::leads::contact_id);

/// Locks a row, even a deleted one, that the caller may see and delete.
macro_rules! lock {
    ($tx:ident, $table:ident, $row:ident, $id:ident, $pointer:literal) => {{
        let seen = visibility_filter::<s::$table::table>($tx.actor, $row::KIND, Action::Read);
        let own = s::$table::table.find(($tx.workspace(), $id));
        let row = own.filter(&seen).select($row::as_select()).for_update().first($tx.conn).optional()?;
        let row = row.ok_or_else(|| Error::reference($pointer))?;
        let may = visibility_filter::<s::$table::table>($tx.actor, $row::KIND, Action::Delete);
        let may: Option<Uuid> = own.filter(&may).select(s::$table::id).first($tx.conn).optional()?;
        may.ok_or_else(|| $tx.actor.forbidden($row::KIND.path(), Action::Delete))?;
        row
    }};
}

impl Subject {
    /// A record of leads or contacts.
    pub fn new(kind: Kind, id: Uuid) -> Subject {
        if kind == Kind::LEAD { Subject::Lead(id) } else { Subject::Contact(id) }
    }

    fn contact(self) -> Option<Uuid> {
        match self {
            Subject::Contact(id) => Some(id),
            Subject::Lead(_) => None,
        }
    }

    fn lead(self) -> Option<Uuid> {
        match self {
            Subject::Lead(id) => Some(id),
            Subject::Contact(_) => None,
        }
    }

    fn event(self) -> Event {
        match self {
            Subject::Contact(id) => Event::of(Kind::CONTACT, id, "erased"),
            Subject::Lead(id) => Event::of(Kind::LEAD, id, "erased"),
        }
    }

    /// Returns the proof of an earlier erasure.
    fn proof(self, tx: &mut Tx<'_>) -> Result<Option<Erasure>> {
        let own_erasures = in_workspace(tx.workspace()).select(Erasure::as_select());
        Ok(match self {
            Subject::Contact(id) => own_erasures.filter(erasures::contact_id.eq(id)).first(tx.conn).optional()?,
            Subject::Lead(id) => own_erasures.filter(erasures::lead_id.eq(id)).first(tx.conn).optional()?,
        })
    }

    /// Locks the record and returns its e-mail addresses.
    fn lock(self, tx: &mut Tx<'_>) -> Result<Vec<String>> {
        match self {
            Subject::Contact(id) => {
                let before: Contact = lock!(tx, contacts, Contact, id, "/contact_id");
                Ok(before.emails.0.into_iter().map(|email| email.email).collect())
            }
            Subject::Lead(id) => {
                let before: Lead = lock!(tx, leads, Lead, id, "/lead_id");
                if before.contact_id.is_some() {
                    return Err(Error::member(
                        "/lead_id",
                        FieldCode::Invalid,
                        "must not be a lead of a contact; erase the contact instead",
                    ));
                }
                Ok(before.person.and_then(|person| person.email).into_iter().collect())
            }
        }
    }
}

/// Erases a person. If the person was erased before, removes data that was added since and returns the first proof.
fn erase(
    tx: &mut Tx<'_>,
    subject: Subject,
    reason: &str,
    rule: Option<Uuid>,
    erased: &mut Vec<Uuid>,
) -> Result<Erasure> {
    let addresses = subject.lock(tx)?;
    let person = Person::find(tx, subject.contact(), subject.lead(), &addresses)?;
    let (mut counts, records, files) = clear_records(tx, &person)?;
    if let Some(contact) = person.contact {
        clear_contact(tx, contact)?;
    }
    counts.events = diesel::select(redact_events(tx.workspace(), &records)).get_result(tx.conn)?;
    erased.extend(records);
    if !files.is_empty() {
        let args = serde_json::to_value(&files).map_err(Error::internal)?;
        queue::enqueue_in(queue::Lane::Short, tx, queue::JobKind::PurgeFiles, &args, Some(counts.files))?;
    }
    if let Some(proof) = subject.proof(tx)? {
        return Ok(proof);
    }
    let hashes: Vec<String> =
        person.addresses.iter().filter_map(|address| hashes(address).into_iter().next()).collect();
    let row: Erasure = diesel::insert_into(erasures::table)
        .values((
            (erasures::workspace_id.eq(tx.workspace()), erasures::id.eq(Uuid::now_v7())),
            (erasures::contact_id.eq(subject.contact()), erasures::lead_id.eq(subject.lead())),
            (erasures::reason.eq(reason), erasures::rule_id.eq(rule)),
            (erasures::address_hashes.eq(hashes), erasures::erased.eq(counts)),
            (erasures::erased_by.eq(tx.actor.user), erasures::created_at.eq(tx.now)),
        ))
        .returning(Erasure::as_returning())
        .get_result(tx.conn)?;
    tx.record(subject.event());
    Ok(row)
}

/// Removes texts and addresses from the records of the person. Returns the counts, the ids of all records, and the
/// ids of the files.
fn clear_records(tx: &mut Tx<'_>, person: &Person) -> Result<(ErasedCounts, Vec<Uuid>, Vec<Uuid>)> {
    let now = tx.now;
    // A deletion time in the past that no longer allows a restore.
    let deleted = now.plus(-chrono::Duration::days(RESTORE_DAYS));
    let leads = s::leads::table.filter(s::leads::workspace_id.eq(tx.workspace()));
    let leads: Vec<Uuid> = diesel::update(leads.filter(s::leads::id.eq_any(&person.leads)))
        .set((
            (s::leads::title.eq(ERASED), s::leads::description.eq(None::<String>)),
            (s::leads::person.eq(None::<LeadPerson>), s::leads::custom.eq(CustomValues::default())),
            (s::leads::external_id.eq(None::<String>), s::leads::phone_keys.eq(serde_json::json!([]))),
            (s::leads::version.eq(s::leads::version + 1), s::leads::updated_at.eq(now)),
        ))
        .returning(s::leads::id)
        .get_results(tx.conn)?;
    let deals = s::deals::table.filter(s::deals::workspace_id.eq(tx.workspace()));
    let deals: Vec<Uuid> = diesel::update(deals.filter(s::deals::id.eq_any(&person.deals)))
        .set((
            (s::deals::title.eq(ERASED), s::deals::loss_note.eq(None::<String>)),
            (s::deals::next_step.eq(None::<String>), s::deals::custom.eq(CustomValues::default())),
            (s::deals::external_id.eq(None::<String>), s::deals::competitor.eq(None::<String>)),
            (s::deals::version.eq(s::deals::version + 1), s::deals::updated_at.eq(now)),
        ))
        .returning(s::deals::id)
        .get_results(tx.conn)?;
    let activities: Vec<Uuid> = diesel::update(theirs!(tx, activities, person))
        .set((
            (s::activities::text.eq(None::<String>), s::activities::outcome.eq(None::<String>)),
            (s::activities::recording_url.eq(None::<String>), s::activities::place.eq(None::<String>)),
            (s::activities::version.eq(s::activities::version + 1), s::activities::updated_at.eq(now)),
        ))
        .returning(s::activities::id)
        .get_results(tx.conn)?;
    let tasks: Vec<Uuid> = diesel::update(theirs!(tx, tasks, person))
        .set((
            (s::tasks::title.eq(ERASED), s::tasks::notes.eq(None::<String>), s::tasks::result.eq(None::<String>)),
            (s::tasks::version.eq(s::tasks::version + 1), s::tasks::updated_at.eq(now)),
        ))
        .returning(s::tasks::id)
        .get_results(tx.conn)?;
    let files = theirs!(tx, files, person, or s::files::activity_id.eq_any(activities.clone()));
    let files: Vec<Uuid> = diesel::update(files)
        .set((s::files::name.eq(ERASED), s::files::deleted_at.eq(deleted), s::files::version.eq(s::files::version + 1)))
        .returning(s::files::id)
        .get_results(tx.conn)?;
    let number = |ids: &[Uuid]| i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let counts = ErasedCounts {
        leads: number(&leads),
        deals: number(&deals),
        activities: number(&activities),
        tasks: number(&tasks),
        files: number(&files),
        events: 0,
    };
    let contact: Vec<Uuid> = person.contact.into_iter().collect();
    let all = [&contact, &leads, &deals, &activities, &tasks, &files].into_iter().flatten().copied().collect();
    Ok((counts, all, files))
}

/// Removes all personal data from the contact. The row remains for statistics.
fn clear_contact(tx: &mut Tx<'_>, contact: Uuid) -> Result<()> {
    use s::contacts as c;
    let none = None::<String>;
    emails::release(tx, [contact].into_iter())?;
    diesel::update(c::table.find((tx.workspace(), contact)))
        .set((
            (c::first_name.eq(&none), c::last_name.eq(&none), c::email.eq(&none), c::phone.eq(&none)),
            (c::emails.eq(Emails::default()), c::phones.eq(Phones::default()), c::phone_keys.eq(serde_json::json!([]))),
            (c::position.eq(&none), c::address.eq(&none), c::birthday.eq(None::<chrono::NaiveDate>)),
            (c::locale.eq(&none), c::time_zone.eq(&none), c::external_id.eq(&none)),
            (c::consents.eq(Consents::default()), c::first_touch.eq(None::<FirstTouch>)),
            (c::tags.eq(Tags::default()), c::custom.eq(CustomValues::default()), c::do_not_contact.eq(true)),
            (c::accounts.eq(Accounts::default()), c::quiet_hours.eq(None::<QuietHours>)),
            (c::deleted_at.eq(tx.now), c::updated_at.eq(tx.now), c::version.eq(c::version + 1)),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Deletes the collected search words of the workspace, because the words of one person cannot be told apart; they
/// are collected again. The position is reset first, which waits for a running collection.
fn forget_words(tx: &mut Tx<'_>) -> Result<()> {
    let workspace = tx.workspace();
    let reset = (s::vocabularies::xid.eq(0), s::vocabularies::seq.eq(0));
    diesel::insert_into(s::vocabularies::table)
        .values((s::vocabularies::workspace_id.eq(workspace), reset))
        .on_conflict(s::vocabularies::workspace_id)
        .do_update()
        .set(reset)
        .execute(tx.conn)?;
    diesel::delete(s::words::table.filter(s::words::workspace_id.eq(workspace))).execute(tx.conn)?;
    Ok(())
}

/// Erase a person irrevocably: the contact or lead; the texts of its leads, tasks and activities, and of deals that
/// belong to it only; its files; the old and new values in the audit log; responses saved for retries; and the files
/// of imports. Statistics remain. A repeated request erases data that was added since, and returns the first proof.
#[utoipa::path(operation_id = "create_erasure", request_body = ErasureCreate, responses((status = 201, description = "The proof", body = Erasure)))]
#[post("/erasures")]
async fn create(ctx: Ctx<can::Create<Erasure>>, key: IdempotencyKey, asked: Valid<ErasureCreate>) -> Result<Reply> {
    let subject = match (asked.contact_id, asked.lead_id) {
        (Some(contact), _) => {
            ctx.actor.require::<can::Delete<Contact>>()?;
            Subject::Contact(contact)
        }
        (None, lead) => {
            ctx.actor.require::<can::Delete<Lead>>()?;
            Subject::Lead(lead.unwrap_or_default())
        }
    };
    ctx.once(key, move |tx| {
        let proofs = erase_many(tx, &[subject], &asked.reason, None)?;
        proofs.into_iter().next().map(Answer::created).ok_or_else(Error::not_found)
    })
    .await
}

/// List the proofs of erasure, the latest first.
#[utoipa::path(operation_id = "list_erasures", params(ErasureList), responses((status = 200, description = "A page of proofs", body = ErasurePage)))]
#[get("/erasures")]
async fn list(ctx: Ctx<can::Read<Erasure>>) -> Result<Reply> {
    let (plan, link) = (ERASURE.plan(ctx.query(), &ctx.actor)?, ctx.next_link());
    ctx.read(move |tx| {
        let seen = visible_to(tx);
        table::page_of::<Erasure>(tx, &plan, &seen).map(|page| link.answer(page))
    })
    .await
}

/// Get a proof of erasure.
#[utoipa::path(operation_id = "get_erasure", params(("erasure_id" = Uuid, Path, description = "Id of the erasure")),
    responses((status = 200, description = "The proof", body = Erasure)))]
#[get("/erasures/{erasure_id}")]
async fn read(ctx: Ctx<can::Read<Erasure>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| {
        let own = in_workspace(tx.workspace()).filter(erasures::id.eq(id.0)).select(Erasure::as_select());
        own.first::<Erasure>(tx.conn).optional()?.map(Answer::record).ok_or_else(Error::not_found)
    })
    .await
}

/// Check whether a person with this e-mail address was erased, for example before an import. Proofs do not contain
/// the address itself.
#[utoipa::path(operation_id = "search_erasures", request_body = ErasureLookup,
    responses((status = 200, description = "The proof, or null", body = ErasureLookupResult)))]
#[post("/erasures/search")]
async fn lookup(ctx: Ctx<can::Read<Erasure>>, asked: Valid<ErasureLookup>) -> Result<Reply> {
    ctx.read(move |tx| {
        // Earlier proofs contain hashes of other forms of the address.
        let forms = address::email_forms(&asked.email);
        let hashes: Vec<Option<String>> = forms.iter().flat_map(|form| hashes(form)).map(Some).collect();
        let own = in_workspace(tx.workspace()).filter(erasures::address_hashes.overlaps_with(hashes));
        let erasure = own.order(erasures::created_at.desc()).select(Erasure::as_select()).first(tx.conn).optional()?;
        Ok(Answer::ok(ErasureLookupResult { erasure }))
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(create).service(list).service(lookup).service(read);
}
