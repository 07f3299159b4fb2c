//! Asks each operation what it takes and requires, so that the document matches the code.
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

/// Sends each operation a request without a caller, a body or a server behind it. Its extractors note what they take,
/// and refuse the request; only a handler that takes nothing runs.
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

/// Returns the paths and methods of all operations.
fn operations(document: &Json) -> Vec<(String, String)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let of = |(path, item): (&String, &Json)| -> Vec<(String, String)> {
        item.as_object().into_iter().flatten().map(|(method, _)| (path.clone(), method.clone())).collect()
    };
    paths.flat_map(of).collect()
}

fn verb(method: &str) -> Method {
    Method::from_bytes(method.to_uppercase().as_bytes()).unwrap_or(Method::GET)
}
