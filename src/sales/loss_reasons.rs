//! Loss reasons: why leads and deals are lost.
crate::named_resource! {
    /// Why a lead or a deal was lost.
    LossReason, LossReasonCreate, LossReasonUpdate, LossReasonPage, LossReasonList;
    table: loss_reasons, kind: LOSS_REASON, extra: [], unique: "loss_reasons_name_key";
    paths: "/loss-reasons", "/loss-reasons/{loss_reason_id}", "loss_reason_id";
    operations: "list_loss_reasons", "create_loss_reason", "get_loss_reason", "update_loss_reason", "delete_loss_reason";
}

use crate::kernel::event_verbs as verbs;
use crate::kernel::resource::{Builtin, Descriptor, Display, Resource};

impl Kind {
    pub const LOSS_REASON: Kind = Kind::new("loss_reason", "loss-reasons").in_table("loss_reasons");
}

impl Resource for LossReason {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::LOSS_REASON, "The reasons why leads and deals are lost.")
        .shared(Builtin::Viewer, Builtin::Manager, Builtin::Manager)
        .events(&[verbs::BASIC])
        .included_as(Display::Column("loss_reasons.name"));
}
