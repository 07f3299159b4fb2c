//! Queries each operation for its required permission, so that the document matches the code.
use crate::web::signature::{Inquiry, Signature};
use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, Error, HttpMessage, rt};
use serde_json::Value as Json;
use std::collections::HashMap;

/// The signatures by path and method, as in the document.
pub type Signatures = HashMap<(String, String), Signature>;

/// Sends each protected operation a request without a caller. Its extractors note the required permission, and the
/// handler does not run.
pub fn signatures<T, B>(app: App<T>, document: &Json) -> Signatures
where
    T: ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse<B>, Error = Error, InitError = ()>
        + 'static,
    B: MessageBody,
{
    rt::System::new().block_on(async {
        let service = init_service(app).await;
        let mut found = Signatures::new();
        for (path, method) in operations(document) {
            let inquiry = Inquiry::default();
            let request = TestRequest::with_uri(&path).method(verb(&method)).to_request();
            request.extensions_mut().insert(inquiry.clone());
            // The response does not matter: the signature has been noted.
            drop(service.call(request).await);
            found.insert((path, method), inquiry.answer());
        }
        found
    })
}

/// Returns the paths and methods of protected operations.
fn operations(document: &Json) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let methods = paths.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, operation)| (path, method, operation))
    });
    let closed = methods.filter(|(_, _, operation)| operation.get("security").is_none());
    closed.map(|(path, method, _)| (path.clone(), method.clone())).collect()
}

fn verb(method: &str) -> Method {
    Method::from_bytes(method.to_uppercase().as_bytes()).unwrap_or(Method::GET)
}
