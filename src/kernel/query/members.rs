//! Reads some members of a row without a JSON tree of the whole row, for cursors and `include`.
use crate::kernel::error;
use serde::ser::{Error as _, Impossible, Serialize, SerializeStruct, Serializer};
use serde_json::{Error, Map, Value as Json};

/// Returns the members of a row with these names, as an object.
pub fn pick(row: &impl Serialize, names: &[&str]) -> error::Result<Json> {
    row.serialize(Picker(names)).map_err(error::Error::internal)
}

/// Serialises a struct; any other type is an error.
struct Picker<'n>(&'n [&'n str]);

struct Picked<'n> {
    names: &'n [&'n str],
    members: Map<String, Json>,
}

impl SerializeStruct for Picked<'_> {
    type Ok = Json;
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Error> {
        if self.names.contains(&name) {
            self.members.insert(name.into(), serde_json::to_value(value)?);
        }
        Ok(())
    }

    fn end(self) -> Result<Json, Error> {
        Ok(Json::Object(self.members))
    }
}

fn no_row<T>() -> Result<T, Error> {
    Err(Error::custom("only a struct has members"))
}

type None = Impossible<Json, Error>;

macro_rules! no_rows {
    ($($method:ident($($value:ty),*) -> $ok:ty;)+) => {
        $(fn $method(self, $(_: $value),*) -> Result<$ok, Error> {
            no_row()
        })+
    };
}

impl<'n> Serializer for Picker<'n> {
    type Ok = Json;
    type Error = Error;
    type SerializeSeq = None;
    type SerializeTuple = None;
    type SerializeTupleStruct = None;
    type SerializeTupleVariant = None;
    type SerializeMap = None;
    type SerializeStruct = Picked<'n>;
    type SerializeStructVariant = None;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Picked<'n>, Error> {
        Ok(Picked { names: self.0, members: Map::new() })
    }

    no_rows! {
        serialize_bool(bool) -> Json;
        serialize_i8(i8) -> Json;
        serialize_i16(i16) -> Json;
        serialize_i32(i32) -> Json;
        serialize_i64(i64) -> Json;
        serialize_u8(u8) -> Json;
        serialize_u16(u16) -> Json;
        serialize_u32(u32) -> Json;
        serialize_u64(u64) -> Json;
        serialize_f32(f32) -> Json;
        serialize_f64(f64) -> Json;
        serialize_char(char) -> Json;
        serialize_str(&str) -> Json;
        serialize_bytes(&[u8]) -> Json;
        serialize_none() -> Json;
        serialize_unit() -> Json;
        serialize_unit_struct(&'static str) -> Json;
        serialize_unit_variant(&'static str, u32, &'static str) -> Json;
        serialize_seq(Option<usize>) -> None;
        serialize_tuple(usize) -> None;
        serialize_tuple_struct(&'static str, usize) -> None;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> None;
        serialize_map(Option<usize>) -> None;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> None;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<Json, Error> {
        no_row()
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<Json, Error> {
        no_row()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Json, Error> {
        no_row()
    }
}

#[cfg(test)]
mod tests {
    use super::pick;
    use serde::Serialize;
    use serde_json::json;

    #[derive(Serialize)]
    struct Row {
        id: i64,
        title: &'static str,
        #[serde(rename = "value")]
        amount: Option<i64>,
    }

    #[test]
    fn only_the_members_that_are_named_are_picked() {
        let row = Row { id: 7, title: "Boat", amount: Some(3) };
        assert_eq!(pick(&row, &["value", "id", "colour"]).unwrap(), json!({ "id": 7, "value": 3 }));
        assert_eq!(pick(&row, &[]).unwrap(), json!({}));
    }

    #[test]
    fn what_is_no_row_has_no_members() {
        assert!(pick(&[1, 2], &["id"]).is_err());
    }
}
