//! References to other records: their names for `include=`, and checks of the ids in requests.
use crate::db::sql::{Part, Statement};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::access::actor::{Actor, UserStatus};
use crate::kernel::access::grants::Action;
use crate::kernel::access::resource::{self, Display, Reach, Reference};
use crate::kernel::answers::included::{Included, IncludedLink, RecordRef};
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::fields::field::{ColumnOf, Field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::fields::IncludePath;
use crate::kernel::query::members::pick;
use crate::schema::users;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use uuid::Uuid;

/// Loads the records that the rows of a page refer to through the given fields, with one statement per kind.
pub fn include<R: Serialize>(tx: &mut Tx<'_>, fields: &[&'static Field], rows: &[R]) -> Result<Included> {
    let mut included = Included::default();
    if fields.is_empty() {
        return Ok(included);
    }
    for kind in fields.iter().filter_map(|field| field.refers) {
        tx.actor.require_read(kind.path())?;
    }
    let mut wanted: BTreeMap<&str, (Kind, Vec<Uuid>)> = BTreeMap::new();
    let members: Vec<&str> = fields.iter().map(|field| field.member()).collect();
    for row in rows {
        let row = pick(row, &members)?;
        for field in fields {
            let Some(kind) = field.refers else { continue };
            let ids = field.of(&row).map(named).unwrap_or_default();
            wanted.entry(kind.as_str()).or_insert_with(|| (kind, Vec::new())).1.extend(ids);
        }
    }
    for (kind, mut ids) in wanted.into_values() {
        ids.sort_unstable();
        ids.dedup();
        included.add(kind, names(tx, kind, &ids)?);
    }
    Ok(included)
}

const REFERRED: &str = "select id, :column as target from :records \
    where workspace_id = :workspace and id = any(:ids) and :column is not null and (:seen) order by id";

#[derive(QueryableByName)]
struct Referred {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    target: Uuid,
}

/// Loads the records that one record refers to, and those at the end of paths such as `contacts.company`. The number of
/// statements depends only on the paths.
pub fn include_paths<R: Serialize>(tx: &mut Tx<'_>, paths: &[IncludePath], row: &R) -> Result<Included> {
    let first: Vec<&'static Field> = paths.iter().map(|path| path.first).collect();
    let mut included = include(tx, &first, std::slice::from_ref(row))?;
    let json = serde_json::to_value(row).map_err(Error::internal)?;
    let further =
        paths.iter().filter_map(|path| Some((path.first, path.first.refers?, path.then?, path.then?.refers?)));
    for (first, kind, then, target) in further {
        tx.actor.require_read(target.path())?;
        let ids = first.of(&json).map(named).unwrap_or_default();
        if ids.is_empty() || tx.actor.access.hides(kind.path(), then.member()) {
            continue;
        }
        let links: Vec<Referred> = Statement::new(REFERRED)
            .set("column", Part::Fragment(Arc::new(ColumnOf(then))))
            .set("records", Part::Sql(kind.table()))
            .set("workspace", Part::Id(tx.workspace()))
            .set("ids", Part::Ids(ids))
            .set("seen", Part::Cond(visibility::cond(tx.actor, kind, Action::Read)))
            .load(tx.conn)?;
        let mut ids: Vec<Uuid> = links.iter().map(|link| link.target).collect();
        ids.sort_unstable();
        ids.dedup();
        included.add(target, names(tx, target, &ids)?);
        let link = |link: Referred| IncludedLink { from_id: link.id, field: then.name.to_owned(), to_id: link.target };
        included.link(links.into_iter().map(link).collect());
    }
    Ok(included)
}

/// Returns the ids in a member: one, or those of a list such as the contacts of a deal.
fn named(member: &Json) -> Vec<Uuid> {
    let id = |member: &Json| -> Option<Uuid> { member.as_str()?.parse().ok() };
    let of_item = |item: &Json| -> Option<Uuid> {
        item.as_object()?.iter().find(|(name, _)| name.ends_with("_id")).and_then(|(_, value)| id(value))
    };
    match member {
        Json::Array(list) => list.iter().filter_map(|item| id(item).or_else(|| of_item(item))).collect(),
        one => id(one).into_iter().collect(),
    }
}

/// Returns the SQL of the display name of a kind, without what the caller's role hides.
pub fn name_column(actor: &Actor, kind: Kind) -> Option<&'static str> {
    Some(match resource::of(kind).display? {
        Display::Column(column) => column,
        Display::ByRole(column) => column(&actor.access),
    })
}

const NAMES: &str =
    "select id, :name as name from :records where workspace_id = :workspace and id = any(:ids) and (:seen) order by id";

/// Like `names_of_existing`; none if the caller may not read records of the kind, or they have no names.
pub fn readable_names(tx: &mut Tx<'_>, kind: Kind, ids: &[Uuid]) -> Result<Vec<RecordRef>> {
    let readable = tx.actor.require_read(kind.path()).is_ok() && resource::of(kind).display.is_some();
    if readable { names_of_existing(tx, kind, ids) } else { Ok(Vec::new()) }
}

/// Like `names`, without deleted records. For kinds whose deleted records stay for a while.
pub fn names_of_existing(tx: &mut Tx<'_>, kind: Kind, ids: &[Uuid]) -> Result<Vec<RecordRef>> {
    let existing: Vec<Found> = Statement::new(EXISTING)
        .prepared()
        .set("records", Part::Sql(kind.table()))
        .set("workspace", Part::Id(tx.workspace()))
        .set("ids", Part::Ids(ids.to_vec()))
        .load(tx.conn)?;
    names(tx, kind, &existing.into_iter().map(|found| found.id).collect::<Vec<_>>())
}

const EXISTING: &str =
    "select id from :records where workspace_id = :workspace and id = any(:ids) and deleted_at is null";

/// Returns the display names of records; omits records that do not exist or that the caller cannot see.
pub fn names(tx: &mut Tx<'_>, kind: Kind, ids: &[Uuid]) -> Result<Vec<RecordRef>> {
    let Some(name) = name_column(tx.actor, kind).filter(|_| !ids.is_empty()) else { return Ok(Vec::new()) };
    let statement = Statement::new(NAMES)
        .prepared()
        .set("name", Part::Sql(name))
        .set("records", Part::Sql(kind.table()))
        .set("workspace", Part::Id(tx.workspace()))
        .set("ids", Part::Ids(ids.to_vec()))
        .set("seen", Part::Cond(visibility::cond(tx.actor, kind, Action::Read)));
    Ok(statement.load(tx.conn)?)
}

const NAMES_OF_KIND: &str = "select :kind::text as kind, id, :name as name from :records \
    where workspace_id = :workspace and id = any(:ids) and (:seen)";

/// The last name of records that are deleted for good.
const FORMER_NAMES: &str = "(select distinct on (record_id) :kind::text, record_id, changes -> 'name' ->> 1 from events \
    where workspace_id = :workspace and record_id = any(:ids) and record_kind = :kind and changes ? 'name' \
        and not exists (select 1 from :records where workspace_id = :workspace and id = events.record_id) \
    order by record_id, at desc, events.id desc)";

#[derive(QueryableByName)]
struct NameOf {
    #[diesel(sql_type = diesel::sql_types::Text)]
    kind: String,
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Text>)]
    name: Option<String>,
}

/// Returns the display names of records of any kinds, with one statement; also of deleted ones. Omits records that the
/// caller cannot see, and those without a name, such as erased people.
pub fn names_of_kinds(tx: &mut Tx<'_>, wanted: &[(Kind, Uuid)]) -> Result<HashMap<(Kind, Uuid), String>> {
    let mut ids: BTreeMap<&str, (Kind, BTreeSet<Uuid>)> = BTreeMap::new();
    for (kind, id) in wanted.iter().filter(|(kind, _)| tx.actor.require_read(kind.path()).is_ok()) {
        ids.entry(kind.as_str()).or_insert_with(|| (*kind, BTreeSet::new())).1.insert(*id);
    }
    let parts = ids.values().flat_map(|(kind, ids)| name_statements(tx.actor, *kind, ids));
    let Some(all) = parts.reduce(Statement::union_all) else { return Ok(HashMap::new()) };
    let found: Vec<NameOf> = all.load(tx.conn)?;
    let kind = |found: &NameOf| Some(ids.get(found.kind.as_str())?.0);
    let named = found.into_iter().filter_map(|found| Some(((kind(&found)?, found.id), found.name?)));
    Ok(named.filter(|(_, name)| !name.is_empty()).collect())
}

/// Returns the statements that select the names of records of one kind.
fn name_statements(actor: &Actor, kind: Kind, ids: &BTreeSet<Uuid>) -> Vec<Statement> {
    let Some(name) = name_column(actor, kind) else { return Vec::new() };
    let about = |text| {
        Statement::new(text)
            .set("kind", Part::Text(kind.as_str().into()))
            .set("records", Part::Sql(kind.table()))
            .set("workspace", Part::Id(actor.workspace))
            .set("ids", Part::Ids(ids.iter().copied().collect()))
    };
    let seen = Part::Cond(visibility::cond(actor, kind, Action::Read));
    let present = about(NAMES_OF_KIND).set("name", Part::Sql(name)).set("seen", seen);
    // Records without owners are visible to whoever may read their kind, so their last names are, too.
    let resource = resource::of(kind);
    let stays = resource.events.iter().any(|verbs| verbs.contains(&"restored"));
    let former = (matches!(resource.reach, Reach::All) && !stays).then(|| about(FORMER_NAMES));
    std::iter::once(present).chain(former).collect()
}

/// A reference to a record: its kind, its id if there is one, and its pointer.
pub type Named<'n> = (Kind, Option<Uuid>, &'n str);

/// Checks that referenced records exist, are not deleted and are visible to the caller, with one statement per kind.
pub fn require_visible(tx: &mut Tx<'_>, named: &[Named<'_>]) -> Result<()> {
    let mut wanted: BTreeMap<&str, (Kind, Vec<Uuid>)> = BTreeMap::new();
    for (kind, id, _) in named {
        wanted.entry(kind.as_str()).or_insert_with(|| (*kind, Vec::new())).1.extend(id);
    }
    for (kind, ids) in wanted.into_values().filter(|(_, ids)| !ids.is_empty()) {
        let seen = visible_ids(tx, kind, &ids)?;
        let hidden = |(of, id, _): &&Named<'_>| *of == kind && id.is_some_and(|id| !seen.contains(&id));
        if let Some((_, _, pointer)) = named.iter().find(hidden) {
            return Err(Error::reference(*pointer));
        }
    }
    Ok(())
}

/// Checks that the users who get records are active: suspended users get no new work.
pub fn require_active(tx: &mut Tx<'_>, users: impl IntoIterator<Item = Option<Uuid>>, pointer: &str) -> Result<()> {
    if suspended(tx, users)?.is_empty() { Ok(()) } else { Err(suspended_error(pointer)) }
}

pub fn suspended_error(pointer: &str) -> Error {
    Error::member(pointer, FieldCode::SuspendedUser, "is suspended and cannot be assigned new work")
}

/// Returns the user, or the caller if the user is suspended.
pub fn active_or_caller(tx: &mut Tx<'_>, user: Option<Uuid>) -> Result<Option<Uuid>> {
    Ok(if suspended(tx, [user])?.is_empty() { user } else { Some(tx.actor.user) })
}

/// Returns the suspended users among the given ones; the caller is never suspended.
pub fn suspended(tx: &mut Tx<'_>, users: impl IntoIterator<Item = Option<Uuid>>) -> Result<Vec<Uuid>> {
    let mut ids: Vec<Uuid> = users.into_iter().flatten().filter(|id| *id != tx.actor.user).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(ids);
    }
    let gone = users::table.filter(users::workspace_id.eq(tx.workspace())).filter(users::id.eq_any(ids));
    Ok(gone.filter(users::status.eq(UserStatus::Suspended)).select(users::id).load(tx.conn)?)
}

const VISIBLE: &str =
    "select id from :records where workspace_id = :workspace and id = any(:ids) and deleted_at is null and (:seen)";
const THERE: &str = "select id from :records where workspace_id = :workspace and id = any(:ids)";

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = diesel::sql_types::Uuid)]
    id: Uuid,
}

/// Checks whether an actor may read a record that is not deleted.
pub fn sees(conn: &mut PgConnection, actor: &Actor, kind: Kind, id: Uuid) -> Result<bool> {
    if actor.require_read(kind.path()).is_err() {
        return Ok(false);
    }
    let statement = Statement::new(VISIBLE)
        .prepared()
        .set("records", Part::Sql(kind.table()))
        .set("workspace", Part::Id(actor.workspace))
        .set("ids", Part::Ids(vec![id]))
        .set("seen", Part::Cond(visibility::cond(actor, kind, Action::Read)));
    let found: Vec<Found> = statement.load(conn)?;
    Ok(!found.is_empty())
}

/// Returns those of the ids that the caller may refer to.
pub fn visible_ids(tx: &mut Tx<'_>, kind: Kind, ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let statement = match resource::of(kind).reference {
        Reference::ForeignKey => return Ok(ids.to_vec()),
        Reference::Exists => Statement::new(THERE),
        Reference::Visible => {
            Statement::new(VISIBLE).set("seen", Part::Cond(visibility::cond(tx.actor, kind, Action::Read)))
        }
    };
    let statement = statement
        .prepared()
        .set("records", Part::Sql(kind.table()))
        .set("workspace", Part::Id(tx.workspace()))
        .set("ids", Part::Ids(ids.to_vec()));
    let found: Vec<Found> = statement.load(tx.conn)?;
    Ok(found.into_iter().map(|found| found.id).collect())
}
