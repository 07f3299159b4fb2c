//! Moves many deals or leads to other stages in one request.
use crate::db::table::Expected;
use crate::db::tx::Tx;
use crate::kernel::access::permission::can;
use crate::kernel::answers::named_schema::{collect, reference};
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::shape::{self, Rules};
use crate::kernel::error::{FieldError, Result};
use crate::sales::board_position::{self, Placed};
use crate::sales::deals::model::Deal;
use crate::sales::leads::model::Lead;
use crate::sales::staged::Staged;
use crate::web::batch::{BatchResult, Items, Outcome};
use crate::web::batch_body::{BatchBody, BatchItem, DocumentedItem, item_schema, rules_under};
use crate::web::ctx::Ctx;
use crate::web::headers::IdempotencyKey;
use actix_web::post;
use serde::Deserialize;
use serde_json::Value as Json;
use std::borrow::Cow;
use std::collections::BTreeSet;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// A record and its new stage.
#[derive(Debug, Deserialize)]
#[serde(bound = "")]
pub struct MoveItem<R: Staged> {
    id: Uuid,
    version: Option<i64>,
    to: R::Move,
}

impl<R: Staged> BatchItem for MoveItem<R> {
    fn read(item: Json) -> Result<Self> {
        shape::read(item)
    }

    fn target(&self) -> Option<Uuid> {
        Some(self.id)
    }
}

impl<R: Staged> DocumentedItem for MoveItem<R> {
    const BATCH_DESCRIPTION: &'static str = "Records to move.";
    const ATOMIC: &'static str =
        "With `true`, all items succeed or none does. Otherwise each item succeeds or fails separately.";

    fn batch_name() -> String {
        format!("{}BatchMove", R::KIND.type_name())
    }
}

impl<R: Staged> Rules for MoveItem<R> {
    fn rules(&self, bad: &mut Vec<FieldError>) {
        rules_under("/to", &self.to, bad);
    }
}

impl<R: Staged> ToSchema for MoveItem<R> {
    fn name() -> Cow<'static, str> {
        format!("{}MoveItem", R::KIND.type_name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        collect::<R::Move>(schemas);
    }
}

impl<R: Staged> PartialSchema for MoveItem<R> {
    fn schema() -> RefOr<Schema> {
        item_schema(
            "A record and its new stage.",
            "The version that you expect the record to have, as in `If-Match`.",
            ("to", reference::<R::Move>()),
        )
    }
}

/// Moves the records of a batch. Each move is checked and reported separately. All records are locked in id order before
/// the first move, so that concurrent batches cannot deadlock.
async fn move_each<R: Staged>(
    ctx: Ctx<can::Update<R>>,
    key: IdempotencyKey,
    items: Items<MoveItem<R>>,
) -> Result<Reply> {
    ctx.once(key, move |tx| {
        lock_columns(tx, &items)?;
        R::lock_ids(tx, &items.targets())?;
        items.run(tx, |tx, items| items.iter().map(|item| move_one(tx, item)).collect()).map(Answer::ok)
    })
    .await
}

/// Locks the columns whose order the batch changes, before any record, as a single move does.
fn lock_columns<R: Staged>(tx: &mut Tx<'_>, items: &Items<MoveItem<R>>) -> Result<()> {
    let columns: BTreeSet<Uuid> = items.valid().filter_map(|item| item.to.column()).collect();
    columns.into_iter().try_for_each(|stage| board_position::lock_column(tx, stage))
}

fn move_one<R: Staged>(tx: &mut Tx<'_>, item: &MoveItem<R>) -> Result<Outcome> {
    let recorded = tx.recorded();
    let row = R::move_to_stage(tx, item.id, Expected(item.version), &item.to).map_err(|error| error.under("/to"))?;
    let unchanged = tx.recorded() == recorded;
    Ok(Outcome { id: row.id(), version: Some(row.version()), status: 200, unchanged })
}

/// Defines the operation `POST /…/batch-move` of one resource, and the name of its body.
macro_rules! batch_move {
    ($row:ident, $body:ident, $handler:ident $path:tt $id:tt) => {
        pub type $body = BatchBody<MoveItem<$row>>;

        /// Move up to 1,000 records to other stages: forward, back, to a won or a lost stage. Each item has its own
        /// result; with `atomic`, all items move or none does.
        #[utoipa::path(operation_id = $id, request_body = $body,
                            responses((status = 200, description = "The result of each item", body = BatchResult)))]
        #[post($path)]
        async fn $handler(
            ctx: Ctx<can::Update<$row>>,
            key: IdempotencyKey,
            items: Items<MoveItem<$row>>,
        ) -> Result<Reply> {
            move_each(ctx, key, items).await
        }
    };
}
batch_move!(Deal, DealBatchMove, move_deals "/deals/batch-move" "batch_move_deals");
batch_move!(Lead, LeadBatchMove, move_leads "/leads/batch-move" "batch_move_leads");

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(move_deals).service(move_leads);
}
