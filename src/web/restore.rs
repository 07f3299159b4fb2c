//! `POST /…/restore`: restores a deleted record.

/// Defines the operation of a resource; `$restore` takes the deletion back: `table::restore`, or a function that does more.
#[macro_export]
macro_rules! restore {
    ($row:ident, $restore:path, $path:tt $id:tt $name:tt) => {
        /// Restore a deleted record within 30 days. Returns 409 if its e-mail address or SKU is in use again. Its
        /// external id stays free.
        #[utoipa::path(operation_id = $id, params(($name = Uuid, Path, description = "The id of the record")),
                                    responses((status = 200, description = "The restored record", body = $row)))]
        #[post($path)]
        async fn restored(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::access::permission::can::Delete<$row>>,
            id: $crate::web::ctx::Id,
            key: $crate::web::headers::IdempotencyKey,
        ) -> $crate::kernel::error::Result<$crate::kernel::answers::reply::Reply> {
            ctx.once(key, move |tx| $restore(tx, id.0).map($crate::kernel::answers::reply::Answer::record::<$row>)).await
        }
    };
}
