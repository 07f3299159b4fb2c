//! Notifications for users, written in the transaction of the change that they tell of.
use crate::db::event::Event;
use crate::db::sql::{Part, Statement};
use crate::db::tx::{Request, Tx};
use crate::kernel::access::actor::ActorKind;
use crate::kernel::access::resource::{self, Reach};
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use diesel::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Something that a user should see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub user: Uuid,
    pub kind: &'static str,
    /// The record, or the first of several.
    pub record: (Kind, Uuid),
    /// The number of records that it tells of.
    pub count: usize,
}

/// A record became the user's, by a change of its owner or by its creation.
const ASSIGNED: &str = "assigned";
/// Several records became the user's at once.
const HANDED_OVER: &str = "handed_over";
/// More records of one kind than this are told of together.
const TOGETHER: usize = 5;

const INSERT: &str = "
    insert into notifications (workspace_id, id, user_id, kind, record_kind, record_id, count, actor_id, created_at, letter)
    select :workspace, n.id, n.user_id, n.kind, n.record_kind, n.record_id, n.count, :actor, :now,
        users.notification_letters ->> n.kind
    from jsonb_to_recordset(:notices::jsonb) n (id uuid, user_id uuid, kind text, record_kind text, record_id uuid, count integer)
    join users on users.workspace_id = :workspace and users.id = n.user_id and users.status = 'active'
    where not users.muted_notifications ? n.kind";

/// Stores notices. Users who are not active or do not want the kind get none.
pub fn insert(
    conn: &mut PgConnection,
    workspace: Uuid,
    actor: Option<Uuid>,
    now: DateTime,
    notices: &[Notice],
) -> Result<()> {
    if notices.is_empty() {
        return Ok(());
    }
    let row = |notice: &Notice| {
        json!({ "id": Uuid::now_v7(), "user_id": notice.user, "kind": notice.kind, "count": notice.count,
            "record_kind": notice.record.0.as_str(), "record_id": notice.record.1 })
    };
    let rows: Vec<Json> = notices.iter().map(row).collect();
    Statement::new(INSERT)
        .prepared()
        .set("workspace", Part::Id(workspace))
        .set("actor", Part::MaybeId(actor))
        .set("now", Part::At(now))
        .set("notices", Part::Text(Json::Array(rows).to_string()))
        .execute(conn)?;
    Ok(())
}

/// Tells users of records that became theirs by these changes.
pub(in crate::db) fn of_events(tx: &mut Tx<'_>, list: &[Event], request: &Request) -> Result<()> {
    // Whoever imports a file knows what is in it.
    if request.actor.actor_kind == ActorKind::Import {
        return Ok(());
    }
    let notices = derived(list, (request.actor.actor_kind == ActorKind::User).then_some(request.actor.user));
    insert(tx.conn, request.actor.workspace, Some(request.actor.user), tx.now, &notices)
}

/// Returns the notices of some changes. `doer` is the user who made them, and knows of them.
fn derived(list: &[Event], doer: Option<Uuid>) -> Vec<Notice> {
    let mut received: BTreeMap<(Uuid, &'static str, &'static str), (Kind, Vec<Uuid>)> = BTreeMap::new();
    for event in list {
        let descriptor = resource::of(event.kind());
        let (Reach::Owner(owner) | Reach::OwnerOrLinked(owner, _)) = descriptor.reach else { continue };
        let owner = event.new_value(owner.name).and_then(Json::as_str).and_then(|id| id.parse().ok());
        let Some(owner) = owner.filter(|owner| Some(*owner) != doer) else { continue };
        let kind = match descriptor.announced {
            Some(kind) if event.is_creation() => kind,
            _ => ASSIGNED,
        };
        let records = received.entry((owner, kind, event.kind().as_str())).or_insert((event.kind(), Vec::new()));
        if !records.1.contains(&event.record()) {
            records.1.push(event.record());
        }
    }
    received.into_iter().flat_map(|((user, kind, _), (of, records))| told(user, kind, of, &records)).collect()
}

fn told(user: Uuid, kind: &'static str, of: Kind, records: &[Uuid]) -> Vec<Notice> {
    let notice = |kind, count| move |id: &Uuid| Notice { user, kind, record: (of, *id), count };
    if records.len() > TOGETHER {
        return records.first().map(notice(HANDED_OVER, records.len())).into_iter().collect();
    }
    records.iter().map(notice(kind, 1)).collect()
}
