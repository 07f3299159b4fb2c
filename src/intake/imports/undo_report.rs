//! An undo in the API: the request and the report.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::{Action, Visibility};
use crate::kernel::access::resource;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::error::Code;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::{jsonb, text_enum};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// An undo of an import.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ImportUndo {
    /// With `true`, the undo is performed and rolled back. The report shows what would happen.
    #[serde(default)]
    pub dry_run: bool,
}
impl Rules for ImportUndo {}

text_enum! {
    /// Why the undo left something as it is.
    pub enum UndoObstacle {
        /// Somebody changed it after the import.
        Changed = "changed",
        /// Records that the import did not create refer to it.
        InUse = "in_use",
        /// The former value is not accepted any more; `code` is the reason.
        Refused = "refused",
        /// The former value is not known any more, for example because a person was erased.
        Unknown = "unknown",
        /// The caller may not change or delete it.
        Forbidden = "forbidden",
    }
}

/// Something that the undo left as it is.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UndoRemainder {
    /// Such as `contact`.
    pub record_kind: String,
    pub record_id: Uuid,
    /// Null if it is the whole record.
    pub member: Option<String>,
    pub reason: UndoObstacle,
    /// The code that a request for the same change would get.
    pub code: Option<String>,
    /// The user who changed it last.
    pub changed_by: Option<Uuid>,
    pub changed_at: Option<DateTime>,
}

/// The result of an undo.
#[derive(Clone, Debug, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct UndoReport {
    pub dry_run: bool,
    /// Whether there was nothing to take back, for example because the import was undone before.
    pub unchanged: bool,
    /// Records that the import created and the undo deleted.
    pub deleted: i64,
    /// Records whose changes were taken back, at least in part.
    pub changed_back: i64,
    /// Records and members that were left as they are.
    pub left: i64,
    /// The first thousand of them.
    pub remaining: Vec<UndoRemainder>,
    /// The user who requested the undo.
    pub requested_by: Uuid,
}
jsonb!(UndoReport);

const REMAINING_MAX: usize = 1_000;

impl UndoReport {
    pub fn new(dry_run: bool, requested_by: Uuid) -> UndoReport {
        let (unchanged, remaining) = (true, Vec::new());
        UndoReport { dry_run, unchanged, deleted: 0, changed_back: 0, left: 0, remaining, requested_by }
    }

    pub fn count_deleted(&mut self, records: usize) {
        self.deleted += i64::try_from(records).unwrap_or(0);
        self.unchanged &= records == 0;
    }

    pub fn count_changed(&mut self, records: usize) {
        self.changed_back += i64::try_from(records).unwrap_or(0);
        self.unchanged &= records == 0;
    }

    /// Adds what is left. Lists only the first.
    pub fn leave(&mut self, remainders: Vec<UndoRemainder>) {
        self.left += i64::try_from(remainders.len()).unwrap_or(0);
        let free = REMAINING_MAX.saturating_sub(self.remaining.len());
        self.remaining.extend(remainders.into_iter().take(free));
    }

    /// Removes members that the role hides. Users other than the one who requested the undo see only records of kinds
    /// of which they see all.
    pub fn hide(&mut self, actor: &Actor) {
        let own = self.requested_by == actor.user;
        let shown = |kind: Kind, one: &UndoRemainder| {
            let sees_all = actor.visibility(kind.path(), Action::Read) == Visibility::All;
            let member = one.member.as_deref().unwrap_or_default();
            let outer = member.split('.').next().unwrap_or_default();
            let hides = |name| actor.access.hides(kind.path(), name);
            (own || sees_all) && !hides(member) && !hides(outer)
        };
        self.remaining.retain(|one| resource::kind_named(&one.record_kind).is_some_and(|kind| shown(kind, one)));
    }
}

impl UndoRemainder {
    pub fn record(kind: Kind, record_id: Uuid, reason: UndoObstacle) -> UndoRemainder {
        UndoRemainder {
            record_kind: kind.as_str().to_owned(),
            record_id,
            member: None,
            reason,
            code: None,
            changed_by: None,
            changed_at: None,
        }
    }

    pub fn refused(kind: Kind, record_id: Uuid, code: &str) -> UndoRemainder {
        let reason = if code == Code::InUse.as_str() { UndoObstacle::InUse } else { UndoObstacle::Refused };
        let code = (reason == UndoObstacle::Refused).then(|| code.to_owned());
        UndoRemainder { code, ..UndoRemainder::record(kind, record_id, reason) }
    }
}
