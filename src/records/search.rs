//! `POST /…/search`: the filters of a list in a body, together with saved conditions.

/// `POST /…/search` of one resource. `$load` loads the page of a plan.
#[macro_export]
macro_rules! search {
    ($row:ident, $fields:ident, $page:ident, $load:path, $path:tt $id:tt) => {
        /// Search by conditions: the filters of the list in a body, with `any` and `none`, views and segments.
        ///
        /// With `Accept: text/csv` the response is a file; if there is more, its header `Next-Cursor` contains the next
        /// `cursor`.
        #[utoipa::path(operation_id = $id, request_body = $crate::kernel::selection::SearchRequest,
                                    responses((status = 200, description = "A page of matching records", content(($page = "application/json"), (String = "text/csv")))))]
        #[post($path)]
        async fn search(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::Read<$row>>,
            request: $crate::web::body::Valid<$crate::kernel::selection::SearchRequest>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            ctx.list_by(&$fields, move |tx| $crate::records::saved_conditions::search_plan(tx, &$fields, &request), $load).await
        }
    };
}
