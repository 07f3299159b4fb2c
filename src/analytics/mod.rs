//! Read-only reports, each with one `.sql` file, one row struct and one route, and the search.
pub mod cycle_time;
pub mod forecast;
pub mod funnel;
pub mod grouping;
pub mod leaderboard;
pub mod loss_reasons;
pub mod scope;
pub mod search;
pub mod search_sources;
pub mod vocabulary;
pub mod win_rate;

use crate::kernel::access::resource::{Builtin, Descriptor, Resource};
use utoipa_actix_web::service_config::ServiceConfig;

pub fn service(config: &mut ServiceConfig<'_>) {
    funnel::service(config);
    win_rate::service(config);
    cycle_time::service(config);
    loss_reasons::service(config);
    forecast::service(config);
    leaderboard::service(config);
    search::service(config);
}

/// The resource of the permission to read reports.
#[derive(Debug)]
pub struct Report;

impl Resource for Report {
    const DESCRIPTOR: &Descriptor = &Descriptor::calls("analytics", "Reports over pipelines.").shared(
        Builtin::Viewer,
        Builtin::Owner,
        Builtin::Owner,
    );
}
