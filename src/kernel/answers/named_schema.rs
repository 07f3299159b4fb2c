//! Parts of the schemas of generic types, whose names the document derives from the type parameter.
use utoipa::ToSchema;
use utoipa::openapi::{Ref, RefOr, Schema};

/// Returns a reference to the schema of a type.
pub fn reference<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

/// Adds the schema of a type, and those that it refers to.
pub fn collect<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}
