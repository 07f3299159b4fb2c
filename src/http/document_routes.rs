//! Serves the OpenAPI document in two versions, and the documentation pages.
use crate::http::openapi::document::{Document, pretty};
use crate::http::openapi::{openapi30, workspace_document};
use crate::http::{docs, validators};
use crate::identity::sign_in::middleware::authenticate;
use crate::kernel::error::{Error, Result};
use crate::kernel::query::params::QueryParams;
use crate::web::caller::Caller;
use actix_web::middleware::from_fn;
use actix_web::{HttpRequest, HttpResponse, web};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V31,
    V30,
}

/// Returns the document, or with `custom=true` the document of the caller's workspace.
fn asked(document: &Document, request: &HttpRequest, version: Version) -> Result<web::Bytes> {
    let mut params = QueryParams::read(request.query_string())?;
    let own = params.parsed("custom", "true or false")?.unwrap_or(false);
    params.finish(&["custom"])?;
    if !own {
        return Ok(if version == Version::V31 { document.v31.clone() } else { document.v30.clone() });
    }
    let Caller(actor) = Caller::of(request)?;
    let whole = serde_json::from_slice(&document.v31).map_err(Error::internal)?;
    let own = workspace_document::typed(whole, &actor);
    let own = if version == Version::V31 { own } else { openapi30::down_convert(&own) };
    Ok(web::Bytes::from(pretty(&own)))
}

pub fn service(config: &mut web::ServiceConfig) {
    for (path, version) in [("/openapi.json", Version::V31), ("/openapi-3.0.json", Version::V30)] {
        let show = move |request: HttpRequest, document: web::Data<Document>| {
            let text = asked(&document, &request, version);
            async move { text.map(|text| HttpResponse::Ok().content_type("application/json").body(text)) }
        };
        config.service(
            web::resource(path).wrap(from_fn(validators::tag)).wrap(from_fn(authenticate)).route(web::get().to(show)),
        );
    }
    docs::service(config);
}
