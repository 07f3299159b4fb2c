//! The definitions of all reports.
use crate::analytics::report::{Definition, Report};
use crate::analytics::{
    activity, attention, cycle_time, first_response, forecast, funnel, leaderboard, loss_reasons, velocity, win_rate,
};
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::Result;
use crate::web::ctx::Ctx;
use actix_web::get;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

const ALL: &[&Definition] = &[
    &funnel::COHORT,
    &funnel::FLOW,
    &funnel::SNAPSHOT,
    &win_rate::DEFINITION,
    &cycle_time::DEFINITION,
    &loss_reasons::DEFINITION,
    &forecast::DEFINITION,
    &leaderboard::DEFINITION,
    &velocity::DEFINITION,
    &activity::DEFINITION,
    &first_response::DEFINITION,
    &attention::DEFINITION,
];

#[derive(Debug, Serialize, ToSchema)]
pub struct Definitions {
    pub data: Vec<DefinitionOfReport>,
}
impl NothingHidden for Definitions {}

/// What a report counts.
#[derive(Debug, Serialize, ToSchema)]
pub struct DefinitionOfReport {
    /// The name that the report gives in `definition_name`.
    pub name: String,
    /// Grows when the same records give other figures.
    pub version: i32,
    pub text: String,
    /// What the figures leave out.
    pub leaves_out: Vec<String>,
}

/// List what each report counts and leaves out.
#[utoipa::path(operation_id = "list_definitions", responses((status = 200, description = "The definitions",
    body = Definitions)))]
#[get("/analytics/definitions")]
async fn definitions(ctx: Ctx<can::Read<Report>>) -> Result<Reply> {
    ctx.query_params()?.finish(&[])?;
    let data = ALL.iter().map(|definition| DefinitionOfReport {
        name: definition.name.into(),
        version: definition.version,
        text: definition.text.into(),
        leaves_out: definition.leaves_out.iter().map(|left| (*left).to_owned()).collect(),
    });
    let definitions = Definitions { data: data.collect() };
    ctx.read(move |_| Ok(Answer::ok(definitions))).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(definitions);
}
