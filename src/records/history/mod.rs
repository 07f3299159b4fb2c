//! The history of a record, field by field, in the words of the reader; and the record as it was.
pub mod as_it_was;
pub mod described;
pub mod entries;
pub mod language;
pub mod record;
pub mod references;
pub mod written;

/// Defines the operation that lists the changes of a record:
/// `history!(Deal, "/deals/{deal_id}/history" "list_deal_history" "deal_id")`.
#[macro_export]
macro_rules! history {
    ($row:ident, $path:tt $id:tt $name:tt) => {
        /// List the changes of the record, latest first: who changed which field, from what to what.
        ///
        /// Ids come with the names of their records, as far as you see them. With `in_words`, each change is also
        /// written out in that language.
        #[utoipa::path(operation_id = $id,
            params(($name = Uuid, Path, description = "The id of the record"), $crate::records::history::entries::HistoryParameters),
            responses((status = 200, description = "A page of the history", body = $crate::records::history::entries::HistoryPage)))]
        #[get($path)]
        async fn history(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::access::permission::can::Read<$row>>,
            id: $crate::web::ctx::Id,
        ) -> $crate::kernel::error::Result<$crate::kernel::answers::reply::Reply> {
            $crate::records::history::entries::answer::<$row, _>(&ctx, id.0).await
        }
    };
}

/// Defines the operation that gets a record as it was:
/// `as_it_was!(Deal, "/deals/{deal_id}/history/as-it-was" "get_deal_as_it_was" "deal_id")`.
#[macro_export]
macro_rules! as_it_was {
    ($row:ident, $path:tt $id:tt $name:tt) => {
        /// Get the fields of the record as they were at the end of a day in your time zone (`on`), or at an instant
        /// (`at`).
        #[utoipa::path(operation_id = $id,
            params(($name = Uuid, Path, description = "The id of the record"), $crate::records::history::as_it_was::AsItWasParameters),
            responses((status = 200, description = "The record as it was", body = $crate::records::history::as_it_was::AsItWas)))]
        #[get($path)]
        async fn as_it_was(
            ctx: $crate::web::ctx::Ctx<$crate::kernel::access::permission::can::Read<$row>>,
            id: $crate::web::ctx::Id,
        ) -> $crate::kernel::error::Result<$crate::kernel::answers::reply::Reply> {
            $crate::records::history::as_it_was::answer::<$row, _>(&ctx, id.0).await
        }
    };
}
