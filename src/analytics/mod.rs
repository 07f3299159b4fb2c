//! Read-only reports, each with one `.sql` file, one row struct and one route.
pub mod activity;
pub mod attention;
pub mod cycle_time;
pub mod dashboard;
pub mod definitions;
pub mod drill_down;
pub mod first_response;
pub mod forecast;
pub mod funnel;
pub mod grouping;
pub mod leaderboard;
pub mod loss_reasons;
pub mod paper;
pub mod period;
pub mod report;
pub mod scope;
pub mod user_scope;
pub mod velocity;
pub mod win_rate;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn service(config: &mut ServiceConfig<'_>) {
    funnel::service(config);
    win_rate::service(config);
    cycle_time::service(config);
    loss_reasons::service(config);
    forecast::service(config);
    leaderboard::service(config);
    velocity::service(config);
    activity::service(config);
    first_response::service(config);
    attention::service(config);
    dashboard::service(config);
    definitions::service(config);
}
