//! Dashboard: the figures of a home screen in one call.
use crate::analytics::activity::{self, ActivityGroup};
use crate::analytics::attention::{self, AttentionFigure};
use crate::analytics::forecast::{self, ForecastGroup};
use crate::analytics::funnel::{self, FunnelGroup};
use crate::analytics::period;
use crate::analytics::report::Report;
use crate::analytics::scope::ReportQuery;
use crate::analytics::user_scope::UserScope;
use crate::analytics::velocity::{self, VelocityGroup};
use crate::analytics::win_rate::{self, WinRateGroup};
use crate::db::tx::Tx;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::Result;
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::QueryParams;
use crate::kernel::values::value_type::ValueType;
use crate::list_params;
use crate::web::ctx::Ctx;
use actix_web::get;
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

/// The figures of a home screen. Each is a part of the report of the same name, with the same definition.
#[derive(Debug, Serialize, ToSchema)]
pub struct Dashboard {
    pub pipeline_id: Uuid,
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub time_zone: String,
    /// What was won and lost in the period.
    pub win_rate: Option<WinRateGroup>,
    /// The same in the period before.
    pub win_rate_before: Option<WinRateGroup>,
    /// Open deals by stage now.
    pub funnel: Option<FunnelGroup>,
    /// Open deals by their expected close date. Null if the role hides probabilities.
    pub forecast: Option<ForecastGroup>,
    pub velocity: Option<VelocityGroup>,
    /// What users did in the period.
    pub activity: Option<ActivityGroup>,
    /// What needs attention now.
    pub attention: Vec<AttentionFigure>,
}
impl NothingHidden for Dashboard {}

const FILTERS: [(&str, &str); 2] =
    [("owner_id", "Only the records and activities of these users."), ("team_id", "Only those of these teams.")];

list_params!(DashboardParameters, {
    let pipeline = "The pipeline. If absent, the default pipeline of deals.";
    let mut list = vec![parameter("pipeline_id".into(), pipeline.into(), schema(ValueType::Uuid), None)];
    list.extend(period::parameters());
    list.extend(
        FILTERS.map(|(name, meaning)| parameter(name.into(), meaning.into(), schema(ValueType::Uuid), Some(false))),
    );
    list
});

/// The queries of the parts.
struct Parts {
    /// Of reports about the period.
    period: ReportQuery,
    compared: ReportQuery,
    /// Of reports about the present.
    now: ReportQuery,
    snapshot: ReportQuery,
    activity: UserScope,
    /// The filters by owner.
    owners: String,
}

impl Parts {
    fn read(query: &str, actor: &Actor) -> Result<Parts> {
        let params = QueryParams::read(query)?;
        let of = |names: &[&str]| {
            let kept = params.pairs().iter().filter(|(name, _)| names.contains(&name.as_str()));
            form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
        };
        let pipeline = of(&["pipeline_id", "time_zone"]);
        let mut days = of(&["from", "to", "period"]);
        if days.is_empty() {
            days = "period=this_month".into();
        }
        let owners = of(&["owner_id", "team_id"]);
        let mut rest = params;
        for known in ["pipeline_id", "time_zone", "from", "to", "period", "owner_id", "team_id"] {
            rest.take(known);
        }
        rest.finish(&["pipeline_id", "from", "to", "period", "time_zone", "owner_id", "team_id"])?;
        let zone = pipeline.split('&').find(|pair| pair.starts_with("time_zone")).unwrap_or_default();
        Ok(Parts {
            period: ReportQuery::new(&format!("{pipeline}&{days}&{owners}"), actor)?,
            compared: ReportQuery::comparing(&format!("{pipeline}&{days}&{owners}&compare=previous"), actor, false)?,
            now: ReportQuery::new(&format!("{pipeline}&{owners}"), actor)?,
            snapshot: ReportQuery::new(&format!("{pipeline}&{owners}&kind=snapshot"), actor)?,
            activity: UserScope::read_by("owner_id", &format!("{days}&{zone}&{owners}"), actor, false)?,
            owners,
        })
    }
}

fn dashboard(tx: &mut Tx<'_>, parts: &Parts) -> Result<Dashboard> {
    let compares = parts.activity.period.has_previous();
    let win_rate = win_rate::report(tx, if compares { &parts.compared } else { &parts.period })?;
    let hidden = tx.actor.access.hides("deals", "probability_percent");
    let forecast = if hidden { None } else { forecast::report(tx, &parts.now)?.groups.into_iter().next() };
    let before = win_rate.comparison.and_then(|before| before.groups.into_iter().next());
    Ok(Dashboard {
        pipeline_id: win_rate.pipeline_id,
        from: win_rate.from,
        to: win_rate.to,
        time_zone: win_rate.time_zone,
        win_rate: win_rate.groups.into_iter().next(),
        win_rate_before: before,
        funnel: funnel::report(tx, &parts.snapshot)?.groups.into_iter().next(),
        forecast,
        velocity: velocity::report(tx, &parts.period)?.groups.into_iter().next(),
        activity: activity::report(tx, &parts.activity)?.groups.into_iter().next(),
        attention: attention::of_all(tx, &parts.owners)?,
    })
}

/// Get the figures of a home screen in one call: of the period (this month if absent), of now, and of the future.
#[utoipa::path(operation_id = "get_dashboard", params(DashboardParameters), responses((status = 200, description = "The figures",
    body = Dashboard),
        (status = 422, description = "A sum exceeds the largest amount")))]
#[get("/analytics/dashboard")]
async fn get_dashboard(ctx: Ctx<can::Read<Report>>) -> Result<Reply> {
    let parts = Parts::read(ctx.query(), &ctx.actor)?;
    ctx.report(move |tx| dashboard(tx, &parts).map(Answer::ok)).await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(get_dashboard);
}
