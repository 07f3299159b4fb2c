//! `POST /…/search`: the conditions of a list as a body, with those that were kept.

/// `POST /…/search` of one resource; `$load` makes the page of a plan.
#[macro_export]
macro_rules! search {
    ($row:ident, $fields:ident, $page:ident, $load:path, $path:tt $id:tt) => {
        /// Search by conditions: the filters of the list as a body, with any-of and none-of, views and segments. With `Accept: text/csv` a
        /// file; where more follows, its header `Next-Cursor` holds the next `cursor`.
        #[utoipa::path(operation_id = $id, request_body = $crate::kernel::selection::SearchRequest,
                                    responses((status = 200, description = "A page of what was found", content(($page = "application/json"), (String = "text/csv")))))]
        #[post($path)]
        async fn search(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::Read<$row>>,
            request: $crate::web::body::Valid<$crate::kernel::selection::SearchRequest>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            ctx.list_by(&$fields, move |tx| $crate::records::saved_conditions::search_plan(tx, &$fields, &request), $load).await
        }
    };
}
