//! `POST /…/search`: the filters of a list in a body, together with saved conditions.
use crate::db::store::BatchStore;
use crate::db::table;
use crate::db::tx::Tx;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::Result;
use crate::kernel::query::selection::SearchRequest;
use crate::records::saved_conditions;
use crate::web::body::Valid;
use crate::web::ctx::Ctx;
use crate::web::headers::Format;

/// Loads one page of the records that match a body.
pub async fn search<R: BatchStore>(
    ctx: Ctx<can::Read<R>>,
    format: Format,
    request: Valid<SearchRequest>,
) -> Result<Reply> {
    let plan = move |tx: &mut Tx<'_>| saved_conditions::search_plan(tx, R::FIELDS, &request);
    ctx.list_by(format, R::FIELDS, plan, table::page::<R>).await
}

/// Defines the operation `POST /…/search` of one resource.
#[macro_export]
macro_rules! search_records {
    ($row:ident, $page:ident, $path:tt $id:tt) => {
        /// Search by conditions: the filters of the list in a body, with `any` and `none`, views and segments.
        ///
        /// With `Accept: text/csv` the response is a file; if there is more, its header `Next-Cursor` contains the next
        /// `cursor`.
        #[utoipa::path(operation_id = $id, request_body = $crate::kernel::query::selection::SearchRequest,
                            responses((status = 200, description = "A page of matching records", body = $page)))]
        #[post($path)]
        async fn search(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::access::permission::can::Read<$row>>,
            format: $crate::web::headers::Format,
            request: $crate::web::body::Valid<$crate::kernel::query::selection::SearchRequest>,
        ) -> $crate::kernel::error::Result<$crate::kernel::answers::reply::Reply> {
            $crate::records::search::search(ctx, format, request).await
        }
    };
}
