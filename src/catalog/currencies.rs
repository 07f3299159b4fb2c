//! The currencies of ISO 4217.
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::answers::reply::Reply;
use crate::kernel::error::Result;
use crate::kernel::values::money;
use actix_web::get;
use iso_currency::{Currency, IntoEnumIterator};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// The tag of this operation.
pub const TAG: (&str, &str) = ("currencies", "ISO 4217 codes and their exponents.");

/// A currency and its exponent, the number of decimal places.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrencyInfo {
    #[schema(format = "currency")]
    pub code: String,
    pub name: String,
    /// The number of decimal places: 2 for EUR, so an amount of 125000 is EUR 1,250.00.
    #[schema(value_type = i32)]
    pub exponent: u32,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CurrencyList {
    pub data: Vec<CurrencyInfo>,
}
impl NothingHidden for CurrencyList {}

/// List the currencies that amounts can have.
#[utoipa::path(operation_id = "list_currencies", responses((status = 200, description = "The currencies", body = CurrencyList)))]
#[get("/currencies")]
async fn list() -> Result<Reply> {
    let info = |c: Currency| CurrencyInfo {
        code: c.code().into(),
        name: c.name().into(),
        exponent: money::exponent(c.code()),
    };
    Reply::ok(&CurrencyList { data: Currency::iter().filter(|c| money::is_currency(c.code())).map(info).collect() })
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list);
}
