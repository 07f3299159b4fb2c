//! The boards of deals and of leads.
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::Result;
use crate::kernel::query::fields::Fields;
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::values::value_type::ValueType;
use crate::list_params;
use crate::sales::board::columns::{Board, BoardQuery, CARDS, board};
use crate::sales::deals::model::{DEAL, Deal};
use crate::sales::leads::model::{LEAD, Lead};
use crate::sales::pipelines::PipelineKind;
use crate::web::ctx::Ctx;
use actix_web::get;
use utoipa::openapi::path::Parameter;
use utoipa_actix_web::service_config::ServiceConfig;

/// The filters of the list, except that the pipeline is one, and the number of cards.
fn parameters<T>(fields: &'static Fields<T>) -> Vec<Parameter> {
    let own = |one: &Parameter| one.name == "pipeline_id" || one.name == "status";
    let mut list: Vec<Parameter> = fields.filters().into_iter().filter(|one| !own(one)).collect();
    #[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "100 is exact")]
    let limit = schema(ValueType::Int).minimum(Some(1)).maximum(Some(CARDS.1 as f64)).default(Some(CARDS.0.into()));
    let status = schema(ValueType::Text).enum_values(Some(["open", "won", "lost"]));
    let meaning = "Which columns: those of open stages if absent.";
    list.push(parameter("status".into(), meaning.into(), status, Some(false)));
    let meaning = "The default pipeline if absent.";
    list.push(parameter("pipeline_id".into(), meaning.into(), schema(ValueType::Uuid), None));
    list.push(parameter("limit".into(), "The number of cards per column.".into(), limit, None));
    let meaning = "`next_cursor` of a column, to load its next cards. Requires `stage_id` with that stage.";
    list.push(parameter("cursor".into(), meaning.into(), schema(ValueType::Text), None));
    list
}

list_params!(DealBoardParameters, parameters(&DEAL));
list_params!(LeadBoardParameters, parameters(&LEAD));

/// Get the board of a pipeline of deals: a column per stage, with its count, its sums and its first cards. Takes the
/// filters of the list. To load more cards of a column, send its `stage_id` and its `next_cursor` as `cursor`.
#[utoipa::path(operation_id = "get_deal_board", params(DealBoardParameters), responses((status = 200, description = "The board", body = Board)))]
#[get("/deals/board")]
async fn deals(ctx: Ctx<can::Read<Deal>>) -> Result<Reply> {
    let query = BoardQuery::read(ctx.query())?;
    query.check(&DEAL, &ctx.actor)?;
    ctx.search(move |tx| board(tx, &DEAL, PipelineKind::Deal, &query).map(Answer::ok)).await
}

/// Get the board of a pipeline of leads: a column per stage, with its count, its sums and its first cards. Takes the
/// filters of the list. To load more cards of a column, send its `stage_id` and its `next_cursor` as `cursor`.
#[utoipa::path(operation_id = "get_lead_board", params(LeadBoardParameters), responses((status = 200, description = "The board", body = Board)))]
#[get("/leads/board")]
async fn leads(ctx: Ctx<can::Read<Lead>>) -> Result<Reply> {
    let query = BoardQuery::read(ctx.query())?;
    query.check(&LEAD, &ctx.actor)?;
    ctx.search(move |tx| board(tx, &LEAD, PipelineKind::Lead, &query).map(Answer::ok)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(deals).service(leads);
}
