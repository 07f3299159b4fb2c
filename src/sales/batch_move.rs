//! Many deals or leads to other stages with one request.
use crate::db::table::Expected;
use crate::kernel::actor::can;
use crate::kernel::error::{Bad, Result};
use crate::kernel::reply::Reply;
use crate::kernel::shape::{self, Rules};
use crate::sales::deals::{
    model::{Deal, DealMove},
    store as deals,
};
use crate::sales::leads::{
    model::{Lead, LeadMove},
    store as leads,
};
use crate::web::batch::{BatchItem, BatchResult, Items, Outcome};
use crate::web::ctx::Ctx;
use actix_web::post;
use serde::Deserialize;
use serde_json::Value as Json;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// `POST /…/batch-move` of one resource. Each move is weighed and told on its own, so it costs a few statements; the records are locked in one
/// order before the first.
macro_rules! batch_move {
    ($row:ident, $store:ident, $to:ident; $item:ident, $batch:ident; $handler:ident $path:tt $id:tt) => {
        /// A record, and where it goes.
        #[derive(Debug, Deserialize, ToSchema)]
        pub struct $item {
            pub id: Uuid,
            /// As `If-Match`.
            pub version: Option<i64>,
            pub to: $to,
        }

        impl Rules for $item {
            fn rules(&self, bad: &mut Vec<Bad>) {
                let mut inner = Vec::new();
                self.to.rules(&mut inner);
                bad.extend(inner.into_iter().map(|b| b.under("/to")));
            }
        }

        impl BatchItem for $item {
            fn read(item: Json) -> Result<Self> {
                shape::read(item)
            }

            fn target(&self) -> Option<Uuid> {
                Some(self.id)
            }
        }

        /// Records to move.
        #[derive(Debug, ToSchema)]
        #[expect(dead_code, reason = "the shape of a body whose items are read one by one")]
        pub struct $batch {
            /// All or none. Otherwise each item on its own.
            #[schema(required = false)]
            atomic: bool,
            #[schema(min_items = 1, max_items = 1000)]
            items: Vec<$item>,
        }

        /// Move up to 1,000 records to other stages: forward, back, to a won or a lost one. Each item has its own result, or with `atomic` all
        /// go or none.
        #[utoipa::path(operation_id = $id, request_body = $batch,
                            responses((status = 200, description = "What came of each item", body = BatchResult)))]
        #[post($path)]
        async fn $handler(ctx: Ctx<can::Update<$row>>, items: Items<$item>) -> Result<Reply> {
            ctx.write(move |tx| {
                $store::lock_ids(tx, &items.targets())?;
                let done = items.run(tx, |tx, chosen| {
                    let move_one = |item: &&$item| {
                        let recorded = tx.recorded();
                        let row = $store::move_to_stage(tx, item.id, Expected(item.version), &item.to);
                        let row = row.map_err(|error| error.under("/to"))?;
                        let unchanged = tx.recorded() == recorded;
                        Ok(Outcome { id: row.id, version: Some(row.version), status: 200, unchanged })
                    };
                    chosen.iter().map(move_one).collect()
                })?;
                Reply::ok(&done)
            })
            .await
        }
    };
}

batch_move!(Deal, deals, DealMove; DealMoveItem, DealBatchMove; move_deals "/deals/batch-move" "batch_move_deals");
batch_move!(Lead, leads, LeadMove; LeadMoveItem, LeadBatchMove; move_leads "/leads/batch-move" "batch_move_leads");

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(move_deals).service(move_leads);
}
