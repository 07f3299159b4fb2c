//! What a caller may see and touch: one condition per kind of record, added to every list, read, include, report and feed.
use crate::db::tx::Tx;
use crate::kernel::access::{Gives, Visibility};
use crate::kernel::actor::{Action, Actor};
use crate::kernel::cond::{Cond, Op};
use crate::kernel::custom::CustomValue;
use crate::kernel::error::{Bad, Error, FieldCode, Result};
use crate::kernel::field::{Field, Values, field};
use crate::kernel::kind::Kind;
use crate::kernel::on::On;
use crate::schema::{activities, companies, contacts, deals, files, imports, leads, tasks, views};
use uuid::Uuid;

static COMPANY: Field = field("owner_id", &companies::owner_id).hot();
static CONTACT: Field = field("owner_id", &contacts::owner_id).hot();
static LEAD: Field = field("owner_id", &leads::owner_id).hot();
static DEAL: Field = field("owner_id", &deals::owner_id).hot();
static TASK: Field = field("assignee_id", &tasks::assignee_id).hot();
static IMPORT: Field = field("created_by", &imports::created_by);
static FILE: Field = field("author_id", &files::author_id).hot();
static VIEW: Field = field("owner_id", &views::owner_id);
static SHARED: Field = field("shared", &views::shared);
static ACTIVITY: Field = field("author_id", &activities::author_id).hot();

/// A field that links a task or an activity to a record, and the owners' question asked of that record.
struct Link {
    kind: Kind,
    field: Field,
    owned_by: &'static str,
}

macro_rules! links {
    ($table:ident) => {
        [
            links!(@ $table, DEAL, deal_id, "deals"),
            links!(@ $table, LEAD, lead_id, "leads"),
            links!(@ $table, CONTACT, contact_id, "contacts"),
            links!(@ $table, COMPANY, company_id, "companies"),
        ]
    };
    (@ $table:ident, $kind:ident, $column:ident, $records:literal) => {
        Link {
            kind: Kind::$kind,
            field: field(stringify!($column), &$table::$column),
            owned_by: concat!(
                "select r.id from ", $records, " r where r.workspace_id = ", stringify!($table), ".workspace_id and r.id = ",
                stringify!($table), ".", stringify!($column), " and r.owner_id = "
            ),
        }
    };
}
static TASK_LINKS: [Link; 4] = links!(tasks);
static ACTIVITY_LINKS: [Link; 4] = links!(activities);
static FILE_LINKS: [Link; 4] = links!(files);

/// The condition under which a caller may do something with a record of a kind.
pub fn cond(actor: &Actor, kind: Kind, action: Action) -> Cond {
    match kind {
        Kind::IMPORT => return imports(actor),
        Kind::VIEW => return views(actor, action),
        _ => {}
    }
    let Some(owners) = owners(actor, kind, action) else { return Cond::All(Vec::new()) };
    match kind {
        Kind::COMPANY => owned(&COMPANY, owners),
        Kind::CONTACT => owned(&CONTACT, owners),
        Kind::LEAD => owned(&LEAD, owners),
        Kind::DEAL => owned(&DEAL, owners),
        // Work is seen with its record; to change it takes the right to the work itself.
        Kind::TASK if action == Action::Read => own_or_linked(actor, &TASK, owners, &TASK_LINKS),
        Kind::ACTIVITY if action == Action::Read => own_or_linked(actor, &ACTIVITY, owners, &ACTIVITY_LINKS),
        Kind::FILE if action == Action::Read => own_or_linked(actor, &FILE, owners, &FILE_LINKS),
        Kind::TASK => owned(&TASK, owners),
        Kind::ACTIVITY => owned(&ACTIVITY, owners),
        Kind::FILE => owned(&FILE, owners),
        // Records without owners are seen or not seen; `Ctx` has asked.
        _ => Cond::All(Vec::new()),
    }
}

/// The same, bound to the table of the kind.
pub fn visibility_filter<T>(actor: &Actor, kind: Kind, action: Action) -> On<T, Cond> {
    On::new(cond(actor, kind, action))
}

/// Whose records a right reaches; nothing when it reaches all.
pub fn owners(actor: &Actor, kind: Kind, action: Action) -> Option<Vec<Uuid>> {
    match actor.visibility(kind.path(), action) {
        Visibility::All => None,
        Visibility::Team => Some(actor.team_members.to_vec()),
        Visibility::Own => Some(vec![actor.user]),
        Visibility::None => Some(Vec::new()),
    }
}

fn owned(field: &'static Field, owners: Vec<Uuid>) -> Cond {
    Cond::Is(field.into(), Op::Eq, Values::Uuid(owners))
}

/// A file may hold anything: it is seen by who brought it, and by who answers for users.
fn imports(actor: &Actor) -> Cond {
    let all = actor.visibility("users", Action::Update) == Visibility::All;
    if all { Cond::All(Vec::new()) } else { owned(&IMPORT, vec![actor.user]) }
}

/// A view is seen by its owner, and when it is shared by everybody; it is changed by its owner, and by who answers for users.
fn views(actor: &Actor, action: Action) -> Cond {
    let own = owned(&VIEW, vec![actor.user]);
    let shared = Cond::Is((&SHARED).into(), Op::Eq, Values::Bool(vec![true]));
    let all = actor.visibility("users", Action::Update) == Visibility::All;
    if all || action == Action::Read { Cond::Any(vec![own, shared]) } else { own }
}

/// Work on a record is seen with the record, whoever has to do it.
fn own_or_linked(actor: &Actor, field: &'static Field, mine: Vec<Uuid>, links: &'static [Link]) -> Cond {
    let linked = |link: &'static Link| match owners(actor, link.kind, Action::Read) {
        None => !Cond::Empty((&link.field).into()),
        Some(owners) => Cond::Within((&link.field).into(), link.owned_by, Values::Uuid(owners)),
    };
    // A role without the right to such work sees none of it, linked or not.
    if mine.is_empty() {
        return Cond::Any(Vec::new());
    }
    Cond::Any(std::iter::once(owned(field, mine)).chain(links.iter().map(linked)).collect())
}

/// Whether the caller may make a record of this kind for this owner.
pub fn authorize_create(tx: &Tx<'_>, kind: Kind, owner: Option<Uuid>) -> Result<()> {
    match owners(tx.actor, kind, Action::Create) {
        None => Ok(()),
        Some(owners) if owner.is_some_and(|owner| owners.contains(&owner)) => Ok(()),
        Some(owners) if owners.is_empty() => Err(tx.actor.forbidden(kind.path(), Action::Create)),
        Some(_) => Err(Error::member(
            "/owner_id",
            FieldCode::InvalidChoice,
            "must be somebody for whom your role may create records",
        )),
    }
}

/// What a role hides is not overwritten blind: a change that gives it is refused.
pub fn authorize_changes<'c, C: Gives + 'c>(tx: &Tx<'_>, changes: impl IntoIterator<Item = &'c C>) -> Result<()> {
    if !tx.actor.access.hides_anything() {
        return Ok(());
    }
    changes.into_iter().try_for_each(|changes| reject_hidden(tx, C::KIND, &changes.given()))
}

/// The same for members, each with whether it is given.
pub fn authorize_members(tx: &Tx<'_>, kind: Kind, members: &[(&str, bool)]) -> Result<()> {
    let given = members.iter().filter(|(_, given)| *given);
    reject_hidden(tx, kind, &given.map(|(name, _)| (format!("/{name}"), (*name).to_owned())).collect::<Vec<_>>())
}

/// The same for values of the workspace's own fields.
pub fn authorize_custom_values(tx: &Tx<'_>, kind: Kind, given: &[CustomValue]) -> Result<()> {
    let own = given.iter().enumerate().map(|(n, value)| (format!("/custom_fields/{n}"), format!("cf.{}", value.key)));
    reject_hidden(tx, kind, &own.collect::<Vec<_>>())
}

fn reject_hidden(tx: &Tx<'_>, kind: Kind, given: &[(String, String)]) -> Result<()> {
    let hidden = given.iter().filter(|(_, name)| tx.actor.access.hides(kind.path(), name));
    let detail = "is hidden from your role, so it cannot be changed";
    let bad: Vec<Bad> = hidden.map(|(pointer, _)| Bad::member(pointer.as_str(), FieldCode::Hidden, detail)).collect();
    if bad.is_empty() { Ok(()) } else { Err(Error::members(bad)) }
}

/// Whose a new record is for which nobody is named: the caller's, where a right reaches only some owners.
pub fn owner_of_new(tx: &Tx<'_>, kind: Kind, named: Option<Uuid>) -> Option<Uuid> {
    let some_only = owners(tx.actor, kind, Action::Create).is_some();
    named.or_else(|| some_only.then_some(tx.actor.user))
}

/// What a change needs beyond seeing the record; nothing when the right to see it is enough. Work is seen with its record too, so
/// there only the right to all of it is.
pub fn change_rule<T>(tx: &Tx<'_>, kind: Kind) -> Option<(Action, On<T, Cond>)> {
    let action = tx.action_on(kind.path());
    let enough = match kind {
        Kind::TASK | Kind::ACTIVITY | Kind::FILE => Visibility::All,
        Kind::VIEW => return Some((action, visibility_filter(tx.actor, kind, action))),
        _ => tx.actor.visibility(kind.path(), Action::Read),
    };
    (tx.actor.visibility(kind.path(), action) < enough).then(|| (action, visibility_filter(tx.actor, kind, action)))
}
