//! Reads what an operation takes and requires from its handler's signature, for the OpenAPI document: each extractor with
//! a meaning for clients notes it on an inquiry.
use crate::kernel::access::grants::Action;
use crate::kernel::access::permission::Permission;
use actix_web::{HttpMessage, HttpRequest};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

/// A part of the request that a handler takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// A caller with a token.
    Caller,
    /// A caller who has signed in; API keys are refused.
    Session,
    /// The id of a record in the path.
    Id,
    JsonBody,
    Form,
    IdempotencyKey,
    IfMatch,
    RequiredIfMatch,
    /// The choice between JSON and CSV.
    Format,
    /// The choice between JSON, CSV, a workbook and pictures.
    ReportFormat,
    /// The names of the records to include with a single record.
    Include,
}

/// What an operation takes and requires.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// The resource and the action of the required permission, if one is required.
    pub permission: Option<(&'static str, Action)>,
    pub parts: BTreeSet<Part>,
}

impl Signature {
    pub fn takes(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}

/// In the extensions of a request that only asks for the signature.
#[derive(Clone, Debug, Default)]
pub struct Inquiry(Rc<RefCell<Signature>>);

impl Inquiry {
    pub fn answer(&self) -> Signature {
        self.0.borrow().clone()
    }
}

/// Notes the permission of the operation on an inquiry.
pub fn needs<P: Permission>(request: &HttpRequest) {
    takes(request, Part::Caller);
    if let Some(inquiry) = request.extensions().get::<Inquiry>() {
        inquiry.0.borrow_mut().permission = Some((P::RESOURCE, P::ACTION));
    }
}

/// Notes a part of the request on an inquiry.
pub fn takes(request: &HttpRequest, part: Part) {
    if let Some(inquiry) = request.extensions().get::<Inquiry>() {
        inquiry.0.borrow_mut().parts.insert(part);
    }
}
