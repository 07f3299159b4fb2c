//! Which records a caller sees and may change: one condition per kind of record, added to every list, read, include, report and feed.
use crate::db::tx::Tx;
use crate::kernel::access::{Gives, Visibility};
use crate::kernel::actor::{Action, Actor};
use crate::kernel::cond::{Cond, Op};
use crate::kernel::custom::CustomValue;
use crate::kernel::error::{Bad, Error, Result};
use crate::kernel::field::{Field, Values};
use crate::kernel::kind::Kind;
use crate::kernel::on::On;
use crate::kernel::resource::{self, OwnerLink, Reach};
use uuid::Uuid;

/// Returns the condition under which a caller may do something with a record of a kind.
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

/// Records whose owner is one of these users.
pub fn owned(field: &'static Field, owners: Vec<Uuid>) -> Cond {
    Cond::Is(field.into(), Op::Eq, Values::Uuid(owners))
}

/// Work on a record is seen with the record, whoever has to do it.
fn own_or_linked(actor: &Actor, field: &'static Field, mine: Vec<Uuid>, links: &'static [OwnerLink]) -> Cond {
    let linked = |link: &'static OwnerLink| match owners(actor, link.kind, Action::Read) {
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
        Some(_) => {
            Err(Error::member("/owner_id", "invalid_choice", "must be somebody for whom your role may create records"))
        }
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
    let bad: Vec<Bad> = hidden.map(|(pointer, _)| Bad::member(pointer.as_str(), "hidden", detail)).collect();
    if bad.is_empty() { Ok(()) } else { Err(Error::members(bad)) }
}

/// Whose a new record is for which nobody is named: the caller's, where a right reaches only some owners.
pub fn owner_of_new(tx: &Tx<'_>, kind: Kind, named: Option<Uuid>) -> Option<Uuid> {
    let some_only = owners(tx.actor, kind, Action::Create).is_some();
    named.or_else(|| some_only.then_some(tx.actor.user))
}

/// Returns what a change requires beyond seeing the record; nothing if seeing it is enough. Records that are also seen with others
/// require the permission to all of them.
pub fn change_rule<T>(tx: &Tx<'_>, kind: Kind) -> Option<(Action, On<T, Cond>)> {
    let action = tx.action_on(kind.path());
    let enough = match resource::of(kind).reach {
        Reach::OwnerOrLinked(..) => Visibility::All,
        Reach::Rule(_) => return Some((action, visibility_filter(tx.actor, kind, action))),
        Reach::All | Reach::Owner(_) => tx.actor.visibility(kind.path(), Action::Read),
    };
    (tx.actor.visibility(kind.path(), action) < enough).then(|| (action, visibility_filter(tx.actor, kind, action)))
}
