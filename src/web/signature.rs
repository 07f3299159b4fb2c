//! Reads the requirements of an operation from its handler's signature, for the OpenAPI document: each extractor with a
//! meaning for clients notes it on an inquiry.
use crate::kernel::access::grants::Action;
use crate::kernel::access::permission::Permission;
use actix_web::{HttpMessage, HttpRequest};
use std::cell::RefCell;
use std::rc::Rc;

/// The requirements of an operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// The resource and the action of the required permission; none for public operations.
    pub permission: Option<(&'static str, Action)>,
}

/// In the extensions of a request that only asks for the signature.
#[derive(Clone, Debug, Default)]
pub struct Inquiry(Rc<RefCell<Signature>>);

impl Inquiry {
    pub fn answer(&self) -> Signature {
        *self.0.borrow()
    }
}

/// Notes the permission of the operation on an inquiry.
pub fn needs<P: Permission>(request: &HttpRequest) {
    if let Some(inquiry) = request.extensions().get::<Inquiry>() {
        inquiry.0.borrow_mut().permission = Some((P::RESOURCE, P::ACTION));
    }
}
