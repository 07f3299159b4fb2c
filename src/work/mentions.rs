//! Users who are mentioned in a note or a task. They are told once until they have read it, and only of what
//! they may see.
use crate::db::notices::{self, Notice};
use crate::db::refs;
use crate::db::tx::Tx;
use crate::identity::sign_in::authentication;
use crate::jsonb;
use crate::kernel::access::actor::ActorKind;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::schema::notifications as n;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::prelude::*;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The mentioned users, as stored in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Mentions(pub Vec<Uuid>);
jsonb!(Mentions);

/// The kind of the notifications.
const MENTIONED: &str = "mentioned";

impl Mentions {
    /// Returns the users who were not mentioned before.
    pub fn added(&self, before: &Mentions) -> Vec<Uuid> {
        self.0.iter().filter(|user| !before.0.contains(user)).copied().collect()
    }
}

/// Checks that users who were not mentioned before exist and are not suspended.
pub fn check(tx: &mut Tx<'_>, mentions: &Mentions, before: &Mentions) -> Result<()> {
    let added = mentions.added(before);
    if added.is_empty() {
        return Ok(());
    }
    let pointer = |user: &Uuid| {
        let n = mentions.0.iter().position(|one| one == user).unwrap_or_default();
        format!("/mentioned_user_ids/{n}")
    };
    let existing = refs::visible_ids(tx, Kind::USER, &added)?;
    if let Some(unknown) = added.iter().find(|user| !existing.contains(user)) {
        return Err(Error::reference(pointer(unknown)));
    }
    match refs::suspended(tx, added.iter().copied().map(Some))?.first() {
        Some(suspended) => Err(refs::suspended_error(&pointer(suspended))),
        None => Ok(()),
    }
}

/// Tells users that a record mentions them. Whoever may not see the record is not told.
pub fn tell(tx: &mut Tx<'_>, kind: Kind, record: Uuid, users: &[Uuid]) -> Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    let own = (tx.actor.actor_kind == ActorKind::User).then_some(tx.actor.user);
    // Whoever has not read an earlier mention in the record need not be told again.
    let unread: Vec<Uuid> = n::table
        .filter(n::workspace_id.eq(tx.workspace()).and(n::kind.eq(MENTIONED)).and(n::record_id.eq(record)))
        .filter(n::user_id.eq_any(users).and(n::read_at.is_null()))
        .select(n::user_id)
        .load(tx.conn)?;
    let users = users.iter().copied().filter(|user| !unread.contains(user));
    let mut told: Vec<Notice> = Vec::new();
    for user in users.filter(|user| Some(*user) != own) {
        let already = told.iter().any(|notice| notice.user == user);
        if !already && sees(tx, user, kind, record)? {
            told.push(Notice { user, kind: MENTIONED, record: (kind, record), count: 1 });
        }
    }
    notices::insert(tx.conn, tx.workspace(), Some(tx.actor.user), tx.now, &told)
}

fn sees(tx: &mut Tx<'_>, user: Uuid, kind: Kind, record: Uuid) -> Result<bool> {
    match authentication::of_user(tx.conn, tx.workspace(), user) {
        // The user has not accepted the invitation yet.
        Err(error) if error.code() == Code::SessionRevoked => Ok(false),
        Err(error) => Err(error),
        Ok(actor) => refs::sees(tx.conn, &actor, kind, record),
    }
}
