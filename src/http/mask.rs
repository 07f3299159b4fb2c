//! Removes hidden fields from all responses, according to the schema of the response.
use crate::http::document::{Document, Shapes};
use crate::kernel::access::Access;
use crate::kernel::error::Error;
use crate::kernel::resource;
use crate::web::ctx::Identity;
use actix_web::body::{BoxBody, MessageBody, to_bytes};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use serde_json::Value as Json;
use std::sync::Arc;

/// The middleware. It does nothing for roles without hidden fields.
pub async fn hide(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let hiding = match request.extensions().get::<Identity>() {
        Some(Identity::Known(actor)) => {
            Some(actor).filter(|actor| actor.access.hides_anything()).map(|actor| Arc::clone(&actor.access))
        }
        _ => None,
    };
    let answer = next.call(request).await?;
    let Some(access) = hiding else { return Ok(answer.map_into_boxed_body()) };
    let document = answer.request().app_data::<web::Data<Document>>().cloned();
    let document = document.ok_or_else(|| Error::internal("no document in the app"))?;
    if !answer.status().is_success() || !is_json(&answer) {
        return Ok(answer.map_into_boxed_body());
    }
    let path = answer.request().match_info().as_str();
    let schema = document.answers(answer.request().method().as_str(), path).map(str::to_owned);
    // A response without a schema is not sent, because its hidden fields are unknown.
    let schema = schema.ok_or_else(|| Error::internal(format!("no schema of the answer at {path}")))?;
    let (request, answer) = answer.into_parts();
    let (answer, body) = answer.into_parts();
    let body = to_bytes(body).await.map_err(|_| Error::internal("a response body could not be read"))?;
    let mut value: Json = serde_json::from_slice(&body).map_err(Error::internal)?;
    mask(&mut value, &schema, document.shapes(), &access);
    Ok(ServiceResponse::new(request, answer.set_body(BoxBody::new(value.to_string()))))
}

/// Checks whether a response is JSON. CSV is written without hidden fields, and other media types contain no records.
fn is_json<B>(answer: &ServiceResponse<B>) -> bool {
    let media = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    media.is_some_and(|media| media.contains("json"))
}

/// Returns the resource of the records in a schema.
fn resource(schema: &str) -> Option<&'static str> {
    match schema {
        "Contact" => Some("contacts"),
        "Company" => Some("companies"),
        "Lead" => Some("leads"),
        "Deal" => Some("deals"),
        _ => None,
    }
}

fn mask(value: &mut Json, schema: &str, shapes: &Shapes, access: &Access) {
    if let Json::Array(list) = value {
        list.iter_mut().for_each(|item| mask(item, schema, shapes, access));
        return;
    }
    for member in resource(schema).into_iter().flat_map(|resource| access.hidden_members(resource)) {
        if let Some(key) = member.strip_prefix("cf.") {
            if let Some(values) = value.get_mut("custom_fields").and_then(Json::as_array_mut) {
                values.retain(|own| own.get("key").and_then(Json::as_str) != Some(key));
            }
        } else if let Some(shown) = value.get_mut(member) {
            *shown = if shown.is_array() { Json::Array(Vec::new()) } else { Json::Null };
        }
    }
    forget_changes(value, access);
    for (member, inner) in shapes.get(schema).into_iter().flatten() {
        if let Some(inside) = value.get_mut(member) {
            mask(inside, inner, shapes, access);
        }
    }
}

/// Removes hidden members from the changes in events and timelines.
fn forget_changes(value: &mut Json, access: &Access) {
    let kind = value.get("record_kind").and_then(Json::as_str);
    let Some(kind) = kind.and_then(resource::kind_named) else { return };
    let hidden: Vec<&str> = access.hidden_members(kind.path()).collect();
    if let Some(changes) = value.get_mut("changes").and_then(Json::as_array_mut) {
        changes
            .retain(|change| !change.get("member").and_then(Json::as_str).is_some_and(|name| hidden.contains(&name)));
    }
}
