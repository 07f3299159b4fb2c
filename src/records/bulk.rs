//! One change for all records of a selection, as a job: what is asked, and the operations of a resource.
use crate::kernel::selection::RecordSelection;
use crate::text_enum;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The kind of the job that does it.
pub const JOB: &str = "bulk";

text_enum! {
    pub enum BulkAction { Update = "update", Delete = "delete", Erase = "erase", }
}

/// What the job is told.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Order {
    /// As in `/api/v1/deals`.
    pub resource: String,
    pub action: BulkAction,
    pub selection: RecordSelection,
    /// The body of a change.
    pub changes: Json,
    /// Who asked: `user` or `api_key`.
    pub via: String,
    /// Of an erasure: why, and the rule that asks for it.
    pub reason: Option<String>,
    pub rule: Option<uuid::Uuid>,
}

/// `bulk-update` and `bulk-delete` of one resource.
#[macro_export]
macro_rules! bulk {
    (
        $permission:ident, $fields:ident, $update:ident, $name:ident;
        $resource:tt, $update_path:tt $update_id:tt, $delete_path:tt $delete_id:tt
    ) => {
        /// Which records to change, and how.
        #[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
        pub struct $name {
            pub selection: $crate::kernel::selection::RecordSelection,
            #[schema(value_type = $update)]
            pub changes: serde_json::Value,
        }

        impl $crate::kernel::shape::Rules for $name {
            fn rules(&self, bad: &mut Vec<$crate::kernel::error::Bad>) {
                self.selection.must_choose(bad);
                // The job reads the changes again; what is wrong with them is said now.
                if let Err($crate::kernel::error::Error::Problem(problem)) =
                    $crate::kernel::shape::read::<$update>(self.changes.clone())
                {
                    bad.extend($crate::records::kept::within("/changes", problem.errors));
                }
            }
        }

        fn order_bulk(
            tx: &mut $crate::db::tx::Tx<'_>,
            action: $crate::records::bulk::BulkAction,
            selection: &$crate::kernel::selection::RecordSelection,
            changes: &serde_json::Value,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            $crate::records::kept::condition(tx, &$fields, selection)?;
            let order = $crate::records::bulk::Order {
                resource: $resource.into(),
                action,
                selection: selection.clone(),
                changes: changes.clone(),
                via: tx.actor.via.into(),
                reason: None,
                rule: None,
            };
            let args = serde_json::to_value(order).map_err($crate::kernel::error::Error::internal)?;
            let job = $crate::db::queue::enqueue(tx, $crate::records::bulk::JOB, &args, None)?;
            $crate::kernel::reply::Reply::accepted(&job)
        }

        /// Change all records of a selection in the background. The job says how far it is, and what came of it.
        #[utoipa::path(operation_id = $update_id, request_body = $name,
                    responses((status = 202, description = "The job that does it", body = $crate::db::queue::Job)))]
        #[post($update_path)]
        async fn bulk_update(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::$permission::Update>,
            asked: $crate::web::body::Valid<$name>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            ctx.write(move |tx| {
                order_bulk(tx, $crate::records::bulk::BulkAction::Update, &asked.selection, &asked.changes)
            })
            .await
        }

        /// Delete all records of a selection in the background. The job says how far it is, and what came of it.
        #[utoipa::path(operation_id = $delete_id, request_body = $crate::kernel::selection::BulkDelete,
                    responses((status = 202, description = "The job that does it", body = $crate::db::queue::Job)))]
        #[post($delete_path)]
        async fn bulk_delete(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::$permission::Delete>,
            asked: $crate::web::body::Valid<$crate::kernel::selection::BulkDelete>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            ctx.write(move |tx| {
                let nothing = serde_json::Value::Null;
                order_bulk(tx, $crate::records::bulk::BulkAction::Delete, &asked.selection, &nothing)
            })
            .await
        }
    };
}
