//! Data migrations that need Rust code. They run after the SQL migrations, in batches of some hundred rows. Each batch
//! is a transaction that also stores its position, so an interrupted run continues where it stopped.
mod batch;
mod custom_fields;

use crate::db::backfill::batch::{Place, from};
use crate::db::sql::{Part, Statement};
use crate::db::transaction::in_transaction;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::address;
use crate::kernel::values::phones;
use crate::kernel::values::time::DateTime;
use crate::schema::backfills;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Jsonb, Nullable, Text, Uuid as SqlUuid};
use serde_json::{Value as Json, json};
use uuid::Uuid;

type Work = fn(&mut PgConnection, Place) -> Result<Option<Place>>;

/// The data migrations, in this order. Each processes one table by workspace and id, and returns its position, or none
/// at the end.
const WORKS: [(&str, Work); 10] = [
    ("contacts", contacts),
    ("leads", leads),
    ("companies", companies),
    ("logins", logins),
    ("users", users),
    ("own_contacts", |conn, at| custom_fields::run(conn, at, Kind::CONTACT)),
    ("own_companies", |conn, at| custom_fields::run(conn, at, Kind::COMPANY)),
    ("own_leads", |conn, at| custom_fields::run(conn, at, Kind::LEAD)),
    ("own_deals", |conn, at| custom_fields::run(conn, at, Kind::DEAL)),
    ("stage_paths", stage_paths),
];

#[derive(QueryableByName)]
struct Staged {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Computes what reports need of the histories of leads and deals.
fn stage_paths(conn: &mut PgConnection, at: Place) -> Result<Option<Place>> {
    let records: Vec<Staged> = from(include_str!("stage_paths.sql"), at).load(conn)?;
    Ok(records.last().map(|last| (last.workspace_id, last.id)))
}

/// Checks whether all data migrations have finished.
pub fn is_done(conn: &mut PgConnection) -> Result<bool> {
    let left = backfills::table.filter(backfills::done_at.is_null()).count();
    Ok(left.get_result::<i64>(conn)? == 0)
}

/// Runs the unfinished data migrations.
pub fn run(conn: &mut PgConnection) -> Result<()> {
    for (name, work) in WORKS {
        while in_transaction(conn, |conn| portion(conn, name, work))? {}
    }
    Ok(())
}

/// Runs one batch; returns whether more batches follow. A concurrent run waits for the lock and finds the batch done.
fn portion(conn: &mut PgConnection, name: &str, work: Work) -> Result<bool> {
    let this = || backfills::table.find(name);
    let at = this().filter(backfills::done_at.is_null()).select((backfills::workspace_id, backfills::record_id));
    let Some((workspace, record)) = at.for_update().first::<(Option<Uuid>, Option<Uuid>)>(conn).optional()? else {
        return Ok(false);
    };
    let from = (workspace.unwrap_or(Uuid::nil()), record.unwrap_or(Uuid::nil()));
    match work(conn, from)? {
        Some((workspace, record)) => {
            let position = (backfills::workspace_id.eq(workspace), backfills::record_id.eq(record));
            diesel::update(this()).set(position).execute(conn)?;
            Ok(true)
        }
        None => {
            diesel::update(this()).set(backfills::done_at.eq(DateTime::now())).execute(conn)?;
            Ok(false)
        }
    }
}

#[derive(QueryableByName)]
struct Person {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    country: String,
    #[diesel(sql_type = Jsonb)]
    emails: Json,
    #[diesel(sql_type = Jsonb)]
    phones: Json,
    #[diesel(sql_type = Bool)]
    deleted: bool,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// Parses phone numbers again from their written form, and normalises e-mail addresses.
fn contacts(conn: &mut PgConnection, at: Place) -> Result<Option<Place>> {
    let people: Vec<Person> = from(include_str!("contacts.sql"), at).load(conn)?;
    let mut rows = Vec::with_capacity(people.len());
    for person in &people {
        let emails = emails(conn, person)?;
        let (numbers, keys) = numbers(person);
        let changed = emails != person.emails || numbers != person.phones;
        let primary = |list: &Json, member: &str| list.get(0).and_then(|first| first.get(member)).cloned();
        let phone = primary(&numbers, "e164").filter(|e164| !e164.is_null()).or_else(|| primary(&numbers, "phone"));
        rows.push(json!({
            "workspace_id": person.workspace_id, "id": person.id, "changed": changed, "keys": keys, "phone": phone,
            "email": primary(&emails, "email"), "emails": emails, "phones": numbers, "event_id": Uuid::now_v7(),
            "version": person.version + i64::from(changed), "was": { "emails": person.emails, "phones": person.phones },
        }));
    }
    if !rows.is_empty() {
        let rows = Part::Text(Json::from(rows).to_string());
        Statement::new(include_str!("contacts_written.sql")).set("rows", rows).execute(conn)?;
    }
    Ok(people.last().map(|last| (last.workspace_id, last.id)))
}

fn numbers(person: &Person) -> (Json, Vec<String>) {
    let (mut list, mut keys) = (person.phones.clone(), Vec::new());
    for number in list.as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
        let written = number.get("phone").and_then(Json::as_str).unwrap_or_default().to_owned();
        let e164 = phones::mended(&written, number.get("e164").and_then(Json::as_str), &person.country);
        keys.extend(phones::keys(&written, e164.as_deref()));
        number.insert("e164".into(), json!(e164));
    }
    (list, keys)
}

/// Returns the list with normalised addresses, or unchanged if another contact has one of them.
fn emails(conn: &mut PgConnection, person: &Person) -> Result<Json> {
    let mut list: Vec<Json> = Vec::new();
    for mut item in person.emails.as_array().cloned().unwrap_or_default() {
        let form = address::email(item.get("email").and_then(Json::as_str).unwrap_or_default());
        if list.iter().all(|other| other.get("email").and_then(Json::as_str) != Some(form.as_str())) {
            if let Some(members) = item.as_object_mut() {
                members.insert("email".into(), json!(form));
            }
            list.push(item);
        }
    }
    let list = Json::from(list);
    if list == person.emails || person.deleted {
        return Ok(list);
    }
    #[derive(QueryableByName)]
    struct Taken {
        #[diesel(sql_type = Bool)]
        taken: bool,
    }
    let mine = |text: &'static str| {
        Statement::new(text)
            .set("workspace", Part::Id(person.workspace_id))
            .set("id", Part::Id(person.id))
            .set("emails", Part::Text(list.to_string()))
    };
    let others: Taken = mine(include_str!("email_taken.sql")).get_result(conn)?;
    if others.taken {
        log::warn!("contact {}: not normalised, because another contact has one of its addresses", person.id);
        return Ok(person.emails.clone());
    }
    mine("delete from contact_emails where workspace_id = :workspace and contact_id = :id").execute(conn)?;
    mine(
        "insert into contact_emails (workspace_id, email, contact_id) \
         select :workspace, one ->> 'email', :id from jsonb_array_elements(:emails::jsonb) one",
    )
    .execute(conn)?;
    Ok(list)
}

#[derive(QueryableByName)]
struct Interest {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    country: String,
    #[diesel(sql_type = Text)]
    phone: String,
}

/// Fills in the search keys of the phone numbers of leads.
fn leads(conn: &mut PgConnection, at: Place) -> Result<Option<Place>> {
    let leads: Vec<Interest> = from(
        "select l.workspace_id, l.id, w.country, l.person ->> 'phone' as phone from leads l join workspaces w on w.id = l.workspace_id \
         where (l.workspace_id, l.id) > (:workspace, :record) and l.person ->> 'phone' is not null \
         order by l.workspace_id, l.id limit :limit for update of l",
        at,
    )
    .load(conn)?;
    let row = |lead: &Interest| {
        let keys = phones::all_keys([(lead.phone.as_str(), phones::e164(&lead.phone, &lead.country))]);
        json!({ "workspace_id": lead.workspace_id, "id": lead.id, "keys": keys })
    };
    let rows: Vec<Json> = leads.iter().map(row).collect();
    if !rows.is_empty() {
        Statement::new(
            "update leads l set phone_keys = n.keys from jsonb_to_recordset(:rows::jsonb) as n (workspace_id uuid, id uuid, keys jsonb) \
             where l.workspace_id = n.workspace_id and l.id = n.id",
        )
        .set("rows", Part::Text(Json::from(rows).to_string()))
        .execute(conn)?;
    }
    Ok(leads.last().map(|last| (last.workspace_id, last.id)))
}

#[derive(QueryableByName)]
struct Firm {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    domain: Option<String>,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// Normalises the domains of companies.
fn companies(conn: &mut PgConnection, at: Place) -> Result<Option<Place>> {
    let firms: Vec<Firm> = from(
        "select workspace_id, id, domain, version from companies where (workspace_id, id) > (:workspace, :record) and domain is not null \
         order by workspace_id, id limit :limit for update",
        at,
    )
    .load(conn)?;
    let row = |firm: &Firm| {
        let form = address::domain(firm.domain.as_deref()?);
        (firm.domain.as_ref() != Some(&form)).then(|| {
            json!({ "workspace_id": firm.workspace_id, "id": firm.id, "domain": form, "was": firm.domain,
                "version": firm.version + 1, "event_id": Uuid::now_v7() })
        })
    };
    let rows: Vec<Json> = firms.iter().filter_map(row).collect();
    if !rows.is_empty() {
        let rows = Part::Text(Json::from(rows).to_string());
        Statement::new(include_str!("companies_written.sql")).set("rows", rows).execute(conn)?;
    }
    Ok(firms.last().map(|last| (last.workspace_id, last.id)))
}

/// A login or a user whose address may not be normalised.
#[derive(QueryableByName)]
struct Addressee {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// Normalises the addresses of logins, unless another login has the normalised address.
fn logins(conn: &mut PgConnection, at: Place) -> Result<Option<Place>> {
    let logins: Vec<Addressee> = from(include_str!("logins.sql"), at).load(conn)?;
    for login in &logins {
        let set = |text| {
            let email = Part::Text(address::email(&login.email));
            Statement::new(text).set("id", Part::Id(login.id)).set("email", email)
        };
        if set(include_str!("logins_written.sql")).execute(conn)? == 0 {
            log::warn!("login {}: not normalised, because another login has its address", login.id);
        }
    }
    Ok(logins.last().map(|last| (last.workspace_id, last.id)))
}

/// Normalises the addresses of users in each workspace.
fn users(conn: &mut PgConnection, at: Place) -> Result<Option<Place>> {
    let users: Vec<Addressee> = from(include_str!("users.sql"), at).load(conn)?;
    for user in &users {
        let form = address::email(&user.email);
        if form == user.email {
            continue;
        }
        let written = Statement::new(include_str!("users_written.sql"))
            .set("workspace", Part::Id(user.workspace_id))
            .set("id", Part::Id(user.id))
            .set("email", Part::Text(form))
            .set("was", Part::Text(user.email.clone()))
            .set("version", Part::Int(user.version + 1))
            .set("event", Part::Id(Uuid::now_v7()));
        if written.execute(conn)? == 0 {
            log::warn!("user {}: not normalised, because another user has its address", user.id);
        }
    }
    Ok(users.last().map(|last| (last.workspace_id, last.id)))
}
