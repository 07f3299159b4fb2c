//! `POST /…/restore`: a deletion is taken back.

/// The operation of one resource; its store has `restore`.
#[macro_export]
macro_rules! restore {
    ($row:ident, $restore:path, $path:tt $id:tt $name:tt) => {
        /// Take a deletion back, within 30 days. 409 when its e-mail or SKU is in use by now; its external id stays free.
        #[utoipa::path(operation_id = $id, params(($name = Uuid, Path, description = "Its id")),
                                            responses((status = 200, description = "As it is again", body = $row)))]
        #[post($path)]
        async fn restored(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::Delete<$row>>,
            id: $crate::web::ctx::Id,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            ctx.write(move |tx| $restore(tx, id.0).map($crate::kernel::reply::Answer::record)).await
        }
    };
}
