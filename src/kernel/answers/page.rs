//! Pages of records.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::Hide;
use crate::kernel::access::record::Record;
use crate::kernel::answers::included::Included;
use crate::kernel::answers::named_schema::{collect, reference};
use crate::kernel::query::plan::PageInfo;
use serde::Serialize;
use std::borrow::Cow;
use utoipa::openapi::{Array, ObjectBuilder, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

/// One page of records of one kind.
#[derive(Debug, Serialize)]
pub struct Page<R> {
    pub data: Vec<R>,
    pub included: Included,
    pub page: PageInfo,
}

/// What a list returns, with its position.
pub trait Paged: Serialize + Hide + 'static {
    fn info(&self) -> &PageInfo;
}

impl<R: Hide> Hide for Page<R> {
    fn hide(&mut self, actor: &Actor) {
        self.data.hide(actor);
    }
}

impl<R: Serialize + Hide + 'static> Paged for Page<R> {
    fn info(&self) -> &PageInfo {
        &self.page
    }
}

/// The document calls a page of deals `DealPage`.
impl<R: Record + ToSchema> ToSchema for Page<R> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", R::KIND.type_name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        collect::<R>(schemas);
        collect::<Included>(schemas);
        collect::<PageInfo>(schemas);
    }
}

impl<R: Record + ToSchema> PartialSchema for Page<R> {
    fn schema() -> RefOr<Schema> {
        let object = ObjectBuilder::new()
            .property("data", Array::new(reference::<R>()))
            .property("included", reference::<Included>())
            .property("page", reference::<PageInfo>());
        object.required("data").required("included").required("page").into()
    }
}
