//! `POST /…/search`: the conditions of a list as a body, with those of views and segments.
use crate::db::store::BatchStore;
use crate::db::table;
use crate::db::tx::Tx;
use crate::kernel::actor::can;
use crate::kernel::error::Result;
use crate::kernel::reply::Reply;
use crate::kernel::selection::SearchRequest;
use crate::records::saved_conditions;
use crate::web::body::Valid;
use crate::web::ctx::Ctx;

/// One page of the records that a body describes.
pub async fn search<R: BatchStore>(ctx: Ctx<can::Read<R>>, request: Valid<SearchRequest>) -> Result<Reply> {
    let plan = move |tx: &mut Tx<'_>| saved_conditions::search_plan(tx, R::FIELDS, &request);
    ctx.list_by(R::FIELDS, plan, table::page::<R>).await
}

/// The operation `POST /…/search` of a resource.
#[macro_export]
macro_rules! search {
    ($row:ident, $page:ident, $path:tt $id:tt) => {
        /// Search by conditions: the filters of the list as a body, with any-of and none-of, views and segments. With `Accept: text/csv` a
        /// file; where more follows, its header `Next-Cursor` holds the next `cursor`.
        #[utoipa::path(operation_id = $id, request_body = $crate::kernel::selection::SearchRequest,
            responses((status = 200, description = "A page of what was found", content(($page = "application/json"), (String = "text/csv")))))]
        #[post($path)]
        async fn search(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::actor::can::Read<$row>>,
            request: $crate::web::body::Valid<$crate::kernel::selection::SearchRequest>,
        ) -> $crate::kernel::error::Result<$crate::kernel::reply::Reply> {
            $crate::records::search::search(ctx, request).await
        }
    };
}
