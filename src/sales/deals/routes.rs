//! Operations on deals.
use crate::db::store::{BatchStore, UpsertStore};
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::sales::deals::line_items::{LineItemList, LineItemReplacement};
use crate::sales::deals::lines;
use crate::sales::deals::model::{
    DEAL, Deal, DealCreate, DealList, DealLoss, DealMove, DealPage, DealReopening, DealUpdate, DealWin,
};
use crate::sales::deals::{moves, store};
use crate::sales::{pipelines, restore};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{Format, IdempotencyKey, IfMatch};
use crate::work::timeline::{TimelinePage, TimelineParameters, Window};
use crate::{
    as_it_was, batch_create, batch_delete, batch_update, batch_upsert, bulk_delete, bulk_update, history, restore,
    search_records,
};
use actix_web::{delete, get, patch, post, put};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// List deals.
#[utoipa::path(operation_id = "list_deals", params(DealList), responses((status = 200, description = "A page of deals", body = DealPage)))]
#[get("/deals")]
async fn list(ctx: Ctx<can::Read<Deal>>, format: Format) -> Result<Reply> {
    ctx.list(format, &DEAL, table::page::<Deal>).await
}

/// Create a deal.
#[utoipa::path(operation_id = "create_deal", request_body = DealCreate, responses((status = 201, description = "The deal", body = Deal)))]
#[post("/deals")]
async fn create(ctx: Ctx<can::Create<Deal>>, key: IdempotencyKey, new: Valid<DealCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| Deal::insert(tx, &new).map(Answer::created)).await
}

/// Get a deal.
#[utoipa::path(operation_id = "get_deal", params(("deal_id" = Uuid, Path, description = "Id of the deal")),
    responses((status = 200, description = "The deal", body = Deal)))]
#[get("/deals/{deal_id}")]
async fn read(ctx: Ctx<can::Read<Deal>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&DEAL, id, include, Deal::find).await
}

/// Update a deal. Use move, win, lose and reopen to change its stage.
#[utoipa::path(operation_id = "update_deal", params(("deal_id" = Uuid, Path, description = "Id of the deal")), request_body = DealUpdate,
    responses((status = 200, description = "The updated deal", body = Deal)))]
#[patch("/deals/{deal_id}")]
async fn change(
    ctx: Ctx<can::Update<Deal>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<DealUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| Deal::update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Move a deal to another stage, which may be in another pipeline. A move to the current stage changes
/// only the place on the board, if it names one.
#[utoipa::path(operation_id = "move_deal", params(("deal_id" = Uuid, Path, description = "Id of the deal")), request_body = DealMove,
    responses((status = 200, description = "The deal in its new stage", body = Deal)))]
#[post("/deals/{deal_id}/move")]
async fn move_to_stage(
    ctx: Ctx<can::Update<Deal>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    to: Valid<DealMove>,
) -> Result<Reply> {
    ctx.once(key, move |tx| moves::move_to_stage(tx, id.0, expected, &to).map(Answer::record)).await
}

/// Win an open deal. It moves to the first won stage of its pipeline.
#[utoipa::path(operation_id = "win_deal", params(("deal_id" = Uuid, Path, description = "Id of the deal")), request_body = DealWin,
    responses((status = 200, description = "The deal, won", body = Deal)))]
#[post("/deals/{deal_id}/win")]
async fn win(
    ctx: Ctx<can::Update<Deal>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    given: Valid<DealWin>,
) -> Result<Reply> {
    ctx.once(key, move |tx| moves::win(tx, id.0, expected, &given).map(Answer::record)).await
}

/// Lose an open deal with a loss reason. It moves to the first lost stage of its pipeline.
#[utoipa::path(operation_id = "lose_deal", params(("deal_id" = Uuid, Path, description = "Id of the deal")), request_body = DealLoss,
    responses((status = 200, description = "The deal, lost", body = Deal)))]
#[post("/deals/{deal_id}/lose")]
async fn lose(
    ctx: Ctx<can::Update<Deal>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    given: Valid<DealLoss>,
) -> Result<Reply> {
    ctx.once(key, move |tx| moves::lose(tx, id.0, expected, &given).map(Answer::record)).await
}

/// Reopen a won or lost deal.
#[utoipa::path(operation_id = "reopen_deal", params(("deal_id" = Uuid, Path, description = "Id of the deal")), request_body = DealReopening,
    responses((status = 200, description = "The deal, open again", body = Deal)))]
#[post("/deals/{deal_id}/reopen")]
async fn reopen(
    ctx: Ctx<can::Update<Deal>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    given: Valid<DealReopening>,
) -> Result<Reply> {
    ctx.once(key, move |tx| moves::reopen(tx, id.0, expected, &given).map(Answer::record)).await
}

/// List the line items of a deal and their total. The ETag begins with the version of the deal.
#[utoipa::path(operation_id = "list_line_items", params(("deal_id" = Uuid, Path, description = "Id of the deal")),
    responses((status = 200, description = "The line items", body = LineItemList)))]
#[get("/deals/{deal_id}/line-items")]
async fn read_lines(ctx: Ctx<can::Read<Deal>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| {
        lines::require_shown(tx.actor)?;
        let deal = Deal::find(tx, id.0)?;
        Ok(Answer::part(lines::of_deal(tx, id.0)?, deal.version))
    })
    .await
}

/// Replace the line items of a deal. Its value becomes their total unless `set_value` is `false`. `If-Match` takes
/// the ETag of the deal or of its line items.
#[utoipa::path(operation_id = "replace_line_items", params(("deal_id" = Uuid, Path, description = "Id of the deal")), request_body = LineItemReplacement,
    responses((status = 200, description = "The line items", body = LineItemList)))]
#[put("/deals/{deal_id}/line-items")]
async fn replace_lines(
    ctx: Ctx<can::Update<Deal>>,
    id: Id,
    IfMatch(expected): IfMatch,
    given: Valid<LineItemReplacement>,
) -> Result<Reply> {
    let read_only = ctx.set_aside();
    ctx.write(move |tx| {
        lines::require_shown(tx.actor)?;
        let lines = lines::replace(tx, id.0, expected, &given)?;
        LineItemList::require_unchanged_in(&read_only, &lines.before, &lines.now)?;
        Ok(Answer::part(lines.now, lines.version))
    })
    .await
}

/// List the activities, tasks and events of a deal and of the lead that it was converted from.
#[utoipa::path(operation_id = "get_deal_timeline", params(("deal_id" = Uuid, Path, description = "Id of the deal"), TimelineParameters),
    responses((status = 200, description = "A page of the timeline", body = TimelinePage)))]
#[get("/deals/{deal_id}/timeline")]
async fn timeline(ctx: Ctx<can::Read<Deal>>, id: Id) -> Result<Reply> {
    let (window, link) = (Window::read(ctx.query(), id.0)?, ctx.next_link());
    ctx.read(move |tx| {
        Deal::find(tx, id.0)?;
        let page = crate::work::timeline::page(tx, Kind::DEAL, id.0, window)?;
        Ok(link.answer(page))
    })
    .await
}

/// Delete a deal.
#[utoipa::path(operation_id = "delete_deal", params(("deal_id" = Uuid, Path, description = "Id of the deal")),
    responses((status = 204, description = "Deleted")))]
#[delete("/deals/{deal_id}")]
async fn remove(ctx: Ctx<can::Delete<Deal>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| Deal::delete(tx, id.0, expected).map(|()| Answer::none())).await
}

batch_create!(Deal, DealBatchCreate, "/deals/batch-create" "batch_create_deals");
batch_update!(Deal, DealBatchUpdate, "/deals/batch-update" "batch_update_deals");
batch_delete!(Deal, "/deals/batch-delete" "batch_delete_deals");
impl UpsertStore for Deal {
    fn find_existing(tx: &mut Tx<'_>, new: &[&DealCreate]) -> Result<Vec<Option<Uuid>>> {
        store::find_existing(tx, new)
    }

    fn apply_extras(tx: &mut Tx<'_>, deal: Deal, new: &DealCreate) -> Result<Deal> {
        let mut deal = deal;
        match (new.stage_id, new.pipeline_id) {
            (Some(stage_id), pipeline_id) if stage_id != deal.stage_id => {
                let to = DealMove {
                    stage_id,
                    pipeline_id,
                    loss_reason_id: new.loss_reason_id,
                    loss_note: new.loss_note.clone(),
                    competitor: new.competitor.clone(),
                    ..DealMove::default()
                };
                deal = moves::move_to_stage(tx, deal.id, Expected::default(), &to)?;
            }
            (None, Some(pipeline)) if pipeline != deal.pipeline_id => return Err(pipelines::stage_needed()),
            _ => {}
        }
        if !new.line_items.is_empty() {
            let set_value = Some(new.value.is_none());
            let lines = LineItemReplacement { line_items: new.line_items.clone(), set_value };
            lines::replace(tx, deal.id, Expected::default(), &lines)?;
            deal = Deal::find(tx, deal.id)?;
        }
        Ok(deal)
    }
}

batch_upsert!(Deal, DealBatchCreate, "/deals/batch-upsert" "batch_upsert_deals");
bulk_update!(Deal, DealBulkUpdate, "/deals/bulk-update" "bulk_update_deals");
bulk_delete!(Deal, "/deals/bulk-delete" "bulk_delete_deals");
search_records!(Deal, DealPage, "/deals/search" "search_deals");

restore!(Deal, restore::deal, "/deals/{deal_id}/restore" "restore_deal" "deal_id");

history!(Deal, "/deals/{deal_id}/history" "list_deal_history" "deal_id");
as_it_was!(Deal, "/deals/{deal_id}/history/as-it-was" "get_deal_as_it_was" "deal_id");

pub fn service(config: &mut ServiceConfig<'_>) {
    config
        .service(list)
        .service(create)
        .service(read)
        .service(change)
        .service(move_to_stage)
        .service(win)
        .service(lose);
    config.service(reopen).service(read_lines).service(replace_lines).service(timeline).service(remove);
    config.service(search).service(batch_create).service(batch_update).service(batch_delete).service(batch_upsert);
    config.service(restored).service(bulk_update).service(bulk_delete);
    config.service(history).service(as_it_was);
}
