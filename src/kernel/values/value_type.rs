//! The value types of fields, derived from the SQL types of diesel columns.
use diesel::sql_types as st;

/// The type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    Text,
    Uuid,
    Time,
    Date,
    Int,
    /// A number with decimals.
    Number,
    Bool,
    /// A set of words, such as the tags of a record.
    TextArray,
}

/// Maps an SQL type to a value type. A column of any other type does not compile as a `Field`.
pub trait HasValueType {
    const VALUE_TYPE: ValueType;
    const NULLABLE: bool = false;
}

macro_rules! value_types {
    ($($sql:ty => $kind:ident),*) => { $(impl HasValueType for $sql { const VALUE_TYPE: ValueType = ValueType::$kind; })* };
}
value_types! {
    st::Text => Text, st::Uuid => Uuid, st::Timestamptz => Time, st::Date => Date, st::BigInt => Int,
    st::Integer => Int, st::Bool => Bool, st::Array<st::Nullable<st::Text>> => TextArray
}
impl<T: HasValueType + st::SqlType<IsNull = st::is_nullable::NotNull>> HasValueType for st::Nullable<T> {
    const VALUE_TYPE: ValueType = T::VALUE_TYPE;
    const NULLABLE: bool = true;
}
