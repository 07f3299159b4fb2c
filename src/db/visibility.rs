//! Visibility: one condition per kind of record, used in every list, read, include, report and feed.
use crate::db::tx::Tx;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::{Action, Visibility};
use crate::kernel::access::hide::HideableChanges;
use crate::kernel::access::resource::{self, OwnerLink, Reach};
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::fields::cond::{Cond, Op};
use crate::kernel::fields::custom::CustomValue;
use crate::kernel::fields::field::Field;
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::on::On;
use crate::kernel::values::typed::Values;
use uuid::Uuid;

/// Returns the condition under which a caller may perform an action on a record of a kind.
pub fn cond(actor: &Actor, kind: Kind, action: Action) -> Cond {
    let reach = resource::of(kind).reach;
    if let Reach::Rule(rule) = reach {
        return rule(actor, action);
    }
    let Some(owners) = owners(actor, kind, action) else { return Cond::All(Vec::new()) };
    match reach {
        Reach::Owner(field) => owned(field, owners),
        // Linked records are seen together; to change one takes the permission to the record itself.
        Reach::OwnerOrLinked(field, links) if action == Action::Read => own_or_linked(actor, field, owners, links),
        Reach::OwnerOrLinked(field, _) => owned(field, owners),
        // Records without owners are seen or not seen; `Ctx` has checked the permission.
        Reach::All | Reach::Rule(_) => Cond::All(Vec::new()),
    }
}

/// Returns the condition on records of a kind that the caller may read. Nothing is visible without the permission to read them.
pub fn readable(actor: &Actor, kind: Kind) -> Cond {
    let readable = actor.require_read(kind.path()).is_ok();
    if readable { cond(actor, kind, Action::Read) } else { Cond::Any(Vec::new()) }
}

/// Returns the condition of `cond`, bound to the table of the kind.
pub fn visibility_filter<T>(actor: &Actor, kind: Kind, action: Action) -> On<T, Cond> {
    On::new(cond(actor, kind, action))
}

/// Returns the owners whose records a permission reaches; none if it reaches all records.
pub fn owners(actor: &Actor, kind: Kind, action: Action) -> Option<Vec<Uuid>> {
    match actor.visibility(kind.path(), action) {
        Visibility::All => None,
        Visibility::Team => Some(actor.team_members.to_vec()),
        Visibility::Own => Some(vec![actor.user]),
        Visibility::None => Some(Vec::new()),
    }
}

/// Records whose owner is one of these users.
pub fn owned(field: &'static Field, owners: Vec<Uuid>) -> Cond {
    Cond::Is(field.into(), Op::Eq, Values::Uuid(owners))
}

/// Returns the condition for records that are visible with the records that they are linked to.
fn own_or_linked(actor: &Actor, field: &'static Field, mine: Vec<Uuid>, links: &'static [OwnerLink]) -> Cond {
    let linked = |link: &'static OwnerLink| match owners(actor, link.kind, Action::Read) {
        None => !Cond::Empty((&link.field).into()),
        Some(owners) => Cond::Within((&link.field).into(), link.owned_by, Values::Uuid(owners)),
    };
    // Without the permission to read tasks, linked ones are not visible either.
    if mine.is_empty() {
        return Cond::Any(Vec::new());
    }
    Cond::Any(std::iter::once(owned(field, mine)).chain(links.iter().map(linked)).collect())
}

/// Checks whether the caller may create a record of this kind for this owner.
pub fn authorize_create(tx: &Tx<'_>, kind: Kind, owner: Option<Uuid>) -> Result<()> {
    match owners(tx.actor, kind, Action::Create) {
        None => Ok(()),
        Some(owners) if owner.is_some_and(|owner| owners.contains(&owner)) => Ok(()),
        Some(owners) if owners.is_empty() => Err(tx.actor.forbidden(kind.path(), Action::Create)),
        Some(_) => Err(Error::member(
            "/owner_id",
            FieldCode::InvalidChoice,
            "must be a user for whom your role may create records",
        )),
    }
}

/// Refuses changes to hidden fields, so that nobody overwrites a value without seeing it.
pub fn authorize_changes<'c, C: HideableChanges + 'c>(
    tx: &Tx<'_>,
    changes: impl IntoIterator<Item = &'c C>,
) -> Result<()> {
    if !tx.actor.access.hides_anything() {
        return Ok(());
    }
    changes.into_iter().try_for_each(|changes| reject_hidden(tx, C::KIND, &changes.given()))
}

/// Does the same check on members, each with whether it is given.
pub fn authorize_members(tx: &Tx<'_>, kind: Kind, members: &[(&str, bool)]) -> Result<()> {
    let given = members.iter().filter(|(_, given)| *given);
    reject_hidden(tx, kind, &given.map(|(name, _)| (format!("/{name}"), (*name).to_owned())).collect::<Vec<_>>())
}

/// Does the same check on values of custom fields.
pub fn authorize_custom_values(tx: &Tx<'_>, kind: Kind, given: &[CustomValue]) -> Result<()> {
    let own = given.iter().enumerate().map(|(n, value)| (format!("/custom_fields/{n}"), format!("cf.{}", value.key)));
    reject_hidden(tx, kind, &own.collect::<Vec<_>>())
}

fn reject_hidden(tx: &Tx<'_>, kind: Kind, given: &[(String, String)]) -> Result<()> {
    let hidden = given.iter().filter(|(_, name)| tx.actor.access.hides(kind.path(), name));
    let detail = "is hidden by your role and cannot be changed";
    let bad: Vec<FieldError> =
        hidden.map(|(pointer, _)| FieldError::member(pointer.as_str(), FieldCode::Hidden, detail)).collect();
    if bad.is_empty() { Ok(()) } else { Err(Error::members(bad)) }
}

/// Returns the owner of a new record if the request names none: the caller, if the permission to create is limited to
/// some owners.
pub fn owner_of_new(tx: &Tx<'_>, kind: Kind, named: Option<Uuid>) -> Option<Uuid> {
    let some_only = owners(tx.actor, kind, Action::Create).is_some();
    named.or_else(|| some_only.then_some(tx.actor.user))
}

/// Returns the condition on changes if it is stricter than visibility. Tasks, activities and files are also visible
/// with their records, so only the permission on all of them makes the condition unnecessary.
pub fn change_rule<T>(tx: &Tx<'_>, kind: Kind) -> Option<(Action, On<T, Cond>)> {
    let action = tx.action_on(kind.path());
    let enough = match resource::of(kind).reach {
        Reach::OwnerOrLinked(..) => Visibility::All,
        Reach::Rule(_) => return Some((action, visibility_filter(tx.actor, kind, action))),
        Reach::All | Reach::Owner(_) => tx.actor.visibility(kind.path(), Action::Read),
    };
    (tx.actor.visibility(kind.path(), action) < enough).then(|| (action, visibility_filter(tx.actor, kind, action)))
}
