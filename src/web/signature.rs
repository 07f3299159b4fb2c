//! What the signature of a handler says of its operation, told to the document: every extractor that means something to clients notes
//! it on a request that asks.
use crate::kernel::actor::{Action, Permission};
use actix_web::{HttpMessage, HttpRequest};
use std::cell::RefCell;
use std::rc::Rc;

/// What an operation asks of its caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// The resource and the action of the permission; none where nobody has to be known.
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

/// Notes the permission of the operation that a request has reached.
pub fn needs<P: Permission>(request: &HttpRequest) {
    if let Some(inquiry) = request.extensions().get::<Inquiry>() {
        inquiry.0.borrow_mut().permission = Some((P::RESOURCE, P::ACTION));
    }
}
