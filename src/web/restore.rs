//! `POST /…/restore`: a deletion is taken back.

/// The operation of a resource; `$restore` takes the deletion back: `table::restore`, or a function that does more.
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
            ctx.write(move |tx| $crate::kernel::reply::Reply::record::<$row>(&$restore(tx, id.0)?)).await
        }
    };
}
