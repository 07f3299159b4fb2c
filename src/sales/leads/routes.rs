//! Operations on leads.
use crate::db::store::{BatchStore, UpsertStore};
use crate::db::table::{self, Expected, Stored};
use crate::db::tx::Tx;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::people::companies::model::Company;
use crate::people::contacts::model::Contact;
use crate::sales::deals::model::Deal;
use crate::sales::leads::convert::{self, ConversionResult, LeadConversion};
use crate::sales::leads::model::{
    LEAD, Lead, LeadCreate, LeadDisqualification, LeadList, LeadMove, LeadPage, LeadRecycling, LeadUpdate,
};
use crate::sales::leads::{moves, store, unconvert};
use crate::sales::{pipelines, restore};
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{Format, IdempotencyKey, IfMatch};
use crate::work::activities::Activity;
use crate::work::timeline::{TimelinePage, TimelineParameters, Window};
use crate::{
    as_it_was, batch_create, batch_delete, batch_update, batch_upsert, bulk_delete, bulk_update, history, restore,
    search_records,
};
use actix_web::{delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// List leads.
#[utoipa::path(operation_id = "list_leads", params(LeadList), responses((status = 200, description = "A page of leads", body = LeadPage)))]
#[get("/leads")]
async fn list(ctx: Ctx<can::Read<Lead>>, format: Format) -> Result<Reply> {
    ctx.list(format, &LEAD, table::page::<Lead>).await
}

/// Create a lead.
#[utoipa::path(operation_id = "create_lead", request_body = LeadCreate, responses((status = 201, description = "The lead", body = Lead)))]
#[post("/leads")]
async fn create(ctx: Ctx<can::Create<Lead>>, key: IdempotencyKey, new: Valid<LeadCreate>) -> Result<Reply> {
    ctx.once(key, move |tx| Lead::insert(tx, &new).map(Answer::created)).await
}

/// Get a lead.
#[utoipa::path(operation_id = "get_lead", params(("lead_id" = Uuid, Path, description = "Id of the lead")),
    responses((status = 200, description = "The lead", body = Lead)))]
#[get("/leads/{lead_id}")]
async fn read(ctx: Ctx<can::Read<Lead>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&LEAD, id, include, Lead::find).await
}

/// Update a lead. A converted lead cannot be changed.
#[utoipa::path(operation_id = "update_lead", params(("lead_id" = Uuid, Path, description = "Id of the lead")), request_body = LeadUpdate,
    responses((status = 200, description = "The updated lead", body = Lead)))]
#[patch("/leads/{lead_id}")]
async fn change(
    ctx: Ctx<can::Update<Lead>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<LeadUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| Lead::update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Move a lead to another stage.
#[utoipa::path(operation_id = "move_lead", params(("lead_id" = Uuid, Path, description = "Id of the lead")), request_body = LeadMove,
    responses((status = 200, description = "The lead in its new stage", body = Lead)))]
#[post("/leads/{lead_id}/move")]
async fn move_to_stage(
    ctx: Ctx<can::Update<Lead>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    to: Valid<LeadMove>,
) -> Result<Reply> {
    ctx.once(key, move |tx| moves::move_to_stage(tx, id.0, expected, &to).map(Answer::record)).await
}

/// Disqualify an open lead with a loss reason.
#[utoipa::path(operation_id = "disqualify_lead", params(("lead_id" = Uuid, Path, description = "Id of the lead")), request_body = LeadDisqualification,
    responses((status = 200, description = "The lead, disqualified", body = Lead)))]
#[post("/leads/{lead_id}/disqualify")]
async fn disqualify(
    ctx: Ctx<can::Update<Lead>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    given: Valid<LeadDisqualification>,
) -> Result<Reply> {
    if given.note.is_some() {
        ctx.actor.require::<can::Create<Activity>>()?;
    }
    ctx.once(key, move |tx| moves::disqualify(tx, id.0, expected, &given).map(Answer::record)).await
}

/// Give a disqualified lead another chance at a later date: it returns to an open stage, and gets a task for that day.
#[utoipa::path(operation_id = "recycle_lead", params(("lead_id" = Uuid, Path, description = "Id of the lead")), request_body = LeadRecycling,
    responses((status = 200, description = "The lead", body = Lead)))]
#[post("/leads/{lead_id}/recycle")]
async fn recycle(
    ctx: Ctx<can::Update<Lead>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    given: Valid<LeadRecycling>,
) -> Result<Reply> {
    if given.note.is_some() {
        ctx.actor.require::<can::Create<Activity>>()?;
    }
    ctx.once(key, move |tx| moves::recycle(tx, id.0, expected, &given).map(Answer::record)).await
}

/// Convert a lead into a contact, a company and a deal, in one transaction. A repeated request returns the records of
/// the first conversion.
#[utoipa::path(operation_id = "convert_lead", params(("lead_id" = Uuid, Path, description = "Id of the lead")), request_body = LeadConversion,
    responses((status = 200, description = "The result of the conversion, or with dry_run the result that it would have", body = ConversionResult)))]
#[post("/leads/{lead_id}/convert")]
async fn convert_one(
    ctx: Ctx<can::Update<Lead>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
    asked: Valid<LeadConversion>,
) -> Result<Reply> {
    ctx.actor.require::<can::Create<Contact>>()?;
    ctx.actor.require::<can::Create<Company>>()?;
    ctx.actor.require::<can::Create<Deal>>()?;
    let dry_run = asked.dry_run;
    let work = move |tx: &mut crate::db::tx::Tx<'_>| convert::convert(tx, id.0, expected, &asked).map(Answer::ok);
    if dry_run { ctx.rehearse(work).await } else { ctx.once(key, work).await }
}

/// Take the conversion of a lead back: the lead returns to its stage and gets its open tasks back, and the deal that the
/// conversion created is deleted, as are a contact and a company that it created and that nothing else refers to. Refused
/// with `in_use` if the deal has changed since, or if an activity, task, file or another lead refers to it. Also requires
/// the permission to delete what is deleted.
#[utoipa::path(operation_id = "unconvert_lead", params(("lead_id" = Uuid, Path, description = "Id of the lead")),
    responses((status = 200, description = "The lead", body = Lead)))]
#[post("/leads/{lead_id}/unconvert")]
async fn unconvert_one(
    ctx: Ctx<can::Update<Lead>>,
    id: Id,
    IfMatch(expected): IfMatch,
    key: IdempotencyKey,
) -> Result<Reply> {
    ctx.once(key, move |tx| unconvert::unconvert(tx, id.0, expected).map(Answer::record)).await
}

/// List the activities, tasks and events of a lead.
#[utoipa::path(operation_id = "get_lead_timeline", params(("lead_id" = Uuid, Path, description = "Id of the lead"), TimelineParameters),
    responses((status = 200, description = "A page of the timeline", body = TimelinePage)))]
#[get("/leads/{lead_id}/timeline")]
async fn timeline(ctx: Ctx<can::Read<Lead>>, id: Id) -> Result<Reply> {
    let (window, link) = (Window::read(ctx.query(), id.0)?, ctx.next_link());
    ctx.read(move |tx| {
        Lead::find(tx, id.0)?;
        let page = crate::work::timeline::page(tx, Kind::LEAD, id.0, window)?;
        Ok(link.answer(page))
    })
    .await
}

/// Delete a lead.
#[utoipa::path(operation_id = "delete_lead", params(("lead_id" = Uuid, Path, description = "Id of the lead")),
    responses((status = 204, description = "Deleted")))]
#[delete("/leads/{lead_id}")]
async fn remove(ctx: Ctx<can::Delete<Lead>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| Lead::delete(tx, id.0, expected).map(|()| Answer::none())).await
}

batch_create!(Lead, LeadBatchCreate, "/leads/batch-create" "batch_create_leads");
batch_update!(Lead, LeadBatchUpdate, "/leads/batch-update" "batch_update_leads");
batch_delete!(Lead, "/leads/batch-delete" "batch_delete_leads");
impl UpsertStore for Lead {
    fn find_existing(tx: &mut Tx<'_>, new: &[&LeadCreate]) -> Result<Vec<Option<Uuid>>> {
        store::find_existing(tx, new)
    }

    fn apply_extras(tx: &mut Tx<'_>, lead: Lead, new: &LeadCreate) -> Result<Lead> {
        match (new.stage_id, new.pipeline_id) {
            (Some(stage_id), pipeline_id) if stage_id != lead.stage_id => {
                let to = LeadMove { stage_id, pipeline_id, ..LeadMove::default() };
                moves::move_to_stage(tx, lead.id, Expected::default(), &to)
            }
            (None, Some(pipeline)) if pipeline != lead.pipeline_id => Err(pipelines::stage_needed()),
            _ => Ok(lead),
        }
    }
}

batch_upsert!(Lead, LeadBatchCreate, "/leads/batch-upsert" "batch_upsert_leads");
bulk_update!(Lead, LeadBulkUpdate, "/leads/bulk-update" "bulk_update_leads");
bulk_delete!(Lead, "/leads/bulk-delete" "bulk_delete_leads");
search_records!(Lead, LeadPage, "/leads/search" "search_leads");

restore!(Lead, restore::lead, "/leads/{lead_id}/restore" "restore_lead" "lead_id");

history!(Lead, "/leads/{lead_id}/history" "list_lead_history" "lead_id");
as_it_was!(Lead, "/leads/{lead_id}/history/as-it-was" "get_lead_as_it_was" "lead_id");

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(move_to_stage).service(disqualify);
    config.service(recycle).service(convert_one).service(unconvert_one).service(timeline).service(remove);
    config.service(search).service(batch_create).service(batch_update).service(batch_delete).service(batch_upsert);
    config.service(restored).service(bulk_update).service(bulk_delete);
    config.service(history).service(as_it_was);
}
