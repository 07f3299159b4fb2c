//! Read-only members: an update accepts members that the response shows, if they have the value of the record. They are
//! removed while a body is read, and compared later.
use crate::kernel::access::grants::Access;
use crate::kernel::access::record::Record;
use crate::kernel::bodies::shape::{self, Node, Rules, Shape};
use crate::kernel::error::{Error, FieldCode, FieldError, Result, escape};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use utoipa::ToSchema;

/// Members of a body that the response shows but the schema of the update does not contain, and members derived from
/// another given member.
#[derive(Clone, Debug, Default)]
pub struct ReadOnlyMembers(Vec<Member>);

#[derive(Clone, Debug)]
struct Member {
    pointer: String,
    value: Json,
    /// A derived member, such as `phone` next to `phones`.
    derived: bool,
}

impl ReadOnlyMembers {
    /// Reads an update of a record.
    pub fn read_changes<C: DeserializeOwned + ToSchema + Rules + 'static>(body: Json) -> Result<(C, ReadOnlyMembers)> {
        ReadOnlyMembers::read::<C, C>(body, whole)
    }

    /// Reads a body in which `changes` finds the update of a record; removes the read-only members from the update.
    pub fn read<T, C>(mut body: Json, changes: impl Fn(&mut Json) -> Option<&mut Json>) -> Result<(T, ReadOnlyMembers)>
    where
        T: DeserializeOwned + ToSchema + Rules + 'static,
        C: ToSchema + Rules + 'static,
    {
        let mut read_only = ReadOnlyMembers::default();
        if let (Some(shown), Some(inner)) = (C::response_shape(), changes(&mut body)) {
            // `included` of a single read is not part of the record.
            if let Some(members) = inner.as_object_mut() {
                members.remove("included");
            }
            read_only = ReadOnlyMembers::take(inner, &Shape::of::<C>(), &shown);
        }
        Shape::of::<T>().check(&mut body)?;
        if let Some(inner) = changes(&mut body) {
            read_only.take_derived(inner, C::derived_members());
        }
        Ok((shape::typed(body)?, read_only))
    }

    /// Removes the members from a body that the schema does not contain.
    pub fn take(body: &mut Json, input: &Shape, shown: &Shape) -> ReadOnlyMembers {
        let mut read_only = ReadOnlyMembers::default();
        read_only.walk(body, (input, &input.root), (shown, &shown.root), "");
        read_only.take_cleared(body, input, shown);
        read_only
    }

    /// Removes read-only members from `clear`; they can be cleared only if they are already empty.
    fn take_cleared(&mut self, body: &mut Json, input: &Shape, shown: &Shape) {
        let has = |shape: &Shape, name: &str| match &shape.root {
            Node::Object { properties, .. } => properties.iter().any(|(known, _)| known == name),
            _ => false,
        };
        let Some(names) = body.get_mut("clear").and_then(Json::as_array_mut) else { return };
        names.retain(|name| {
            let Some(name) = name.as_str().filter(|name| !has(input, name) && has(shown, name)) else { return true };
            self.0.push(Member { pointer: format!("/{}", escape(name)), value: Json::Null, derived: false });
            false
        });
    }

    /// Removes derived members from a body that its schema has accepted. `derived` contains pairs of a derived member
    /// and its source.
    pub fn take_derived(&mut self, body: &mut Json, derived: &[(&str, &str)]) {
        for (member, leader) in derived {
            let given_too = body.get(leader).is_some_and(|leader| !leader.is_null());
            if let Some(value) = body.as_object_mut().filter(|_| given_too).and_then(|members| members.remove(*member))
            {
                self.0.push(Member { pointer: format!("/{member}"), value, derived: true });
            }
        }
    }

    fn walk(&mut self, value: &mut Json, input: (&Shape, &Node), shown: (&Shape, &Node), at: &str) {
        let (input, shown) = (resolved(input), resolved(shown));
        match (value, input.1, shown.1) {
            (Json::Array(list), Node::Array { items: given, .. }, Node::Array { items, .. }) => {
                for (n, value) in list.iter_mut().enumerate() {
                    self.walk(value, (input.0, given), (shown.0, items), &format!("{at}/{n}"));
                }
            }
            (Json::Object(members), Node::Object { properties: given, .. }, Node::Object { properties, .. }) => {
                members.retain(|name, value| {
                    let of = |all: &'_ [(String, Node)]| all.iter().position(|(known, _)| known == name);
                    let at = format!("{at}/{}", escape(name));
                    match (of(given).and_then(|n| given.get(n)), of(properties).and_then(|n| properties.get(n))) {
                        (Some((_, given)), Some((_, shows))) => {
                            self.walk(value, (input.0, given), (shown.0, shows), &at);
                            true
                        }
                        (None, Some(_)) => {
                            self.0.push(Member { pointer: at, value: value.take(), derived: false });
                            false
                        }
                        _ => true,
                    }
                });
            }
            _ => {}
        }
    }

    /// Checks that each member has the value of the record before or after the update, because the update itself
    /// changes some. Hidden members must be empty, as the response shows them, so that the check reveals nothing.
    pub fn require_unchanged(&self, before: &Json, after: &Json, hidden: impl Fn(&str) -> bool) -> Result<()> {
        let name = |one: &Member| one.pointer.split('/').nth(1).unwrap_or_default().to_owned();
        let same = |one: &&Member| match hidden(&name(one)) {
            true => one.value.is_null() || one.value.as_array().is_some_and(Vec::is_empty),
            false => [before, after].iter().any(|record| record.pointer(&one.pointer) == Some(&one.value)),
        };
        refuse(self.0.iter().filter(|one| !same(one)))
    }

    /// Does the same check on a row before and after the update.
    pub fn require_unchanged_row<R: Record>(&self, before: &R, after: &R, access: &Access) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let shown = |row: &R| serde_json::to_value(row).map_err(Error::internal);
        self.require_unchanged(&shown(before)?, &shown(after)?, |member| access.hides(R::KIND.path(), member))
    }

    /// Checks each member with `same`, for bodies in which the pointer differs from that in the record.
    pub fn require_all(&self, same: impl Fn(&str, &Json) -> bool) -> Result<()> {
        refuse(self.0.iter().filter(|one| !same(&one.pointer, &one.value)))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn whole(body: &mut Json) -> Option<&mut Json> {
    Some(body)
}

fn refuse<'m>(wrong: impl Iterator<Item = &'m Member>) -> Result<()> {
    let bad = |one: &Member| match one.derived {
        true => FieldError::member(&one.pointer, FieldCode::StatedTwice, "differs from the list; omit one of them"),
        false => {
            let detail = "cannot be changed here; omit it or send the current value";
            FieldError::member(&one.pointer, FieldCode::ReadOnly, detail)
        }
    };
    let bad: Vec<FieldError> = wrong.map(bad).collect();
    if bad.is_empty() { Ok(()) } else { Err(Error::members(bad)) }
}

/// Follows references and nullable schemas.
fn resolved<'s>((shape, mut node): (&'s Shape, &'s Node)) -> (&'s Shape, &'s Node) {
    loop {
        node = match node {
            Node::Nullable(inner) => inner,
            Node::Ref(name) => match shape.named.get(name) {
                Some(inner) => inner,
                None => return (shape, node),
            },
            _ => return (shape, node),
        };
    }
}

/// Implements `Rules` for an update that accepts what the response shows.
#[macro_export]
macro_rules! read_only_members_of {
    ($row:ty) => {
        fn response_shape() -> Option<std::sync::Arc<$crate::kernel::bodies::shape::Shape>> {
            Some($crate::kernel::bodies::shape::Shape::of::<$row>())
        }

        fn changed_kind() -> Option<$crate::kernel::fields::kind::Kind> {
            Some(<$row as $crate::kernel::access::record::Record>::KIND)
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::samples::refusals;
    use serde::Deserialize;
    use serde_json::json;
    use std::cell::RefCell;

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "its schema is what counts")]
    struct Boat {
        id: String,
        name: Option<String>,
        phone: Option<String>,
        crew: Vec<Sailor>,
    }

    #[derive(ToSchema)]
    #[expect(dead_code, reason = "its schema is what counts")]
    struct Sailor {
        name: String,
        rank: Option<String>,
    }

    #[derive(Debug, Deserialize, ToSchema)]
    struct SailorInput {
        name: String,
    }

    #[derive(Debug, Deserialize, ToSchema)]
    struct BoatUpdate {
        name: Option<String>,
        phone: Option<String>,
        phones: Option<Vec<String>>,
        crew: Option<Vec<SailorInput>>,
    }

    impl Rules for BoatUpdate {
        fn response_shape() -> Option<std::sync::Arc<Shape>> {
            Some(Shape::of::<Boat>())
        }

        fn derived_members() -> &'static [(&'static str, &'static str)] {
            &[("phone", "phones")]
        }
    }

    fn read(body: Json) -> (BoatUpdate, ReadOnlyMembers) {
        ReadOnlyMembers::read_changes(body).unwrap()
    }

    #[test]
    fn read_only_members_are_set_aside() {
        let (changes, read_only) = read(json!({
            "id": "7", "name": "x", "included": { "users": [] }, "crew": [{ "name": "a", "rank": "mate" }, { "name": "b" }],
        }));
        assert_eq!(changes.name.as_deref(), Some("x"));
        assert_eq!(changes.crew.unwrap().iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        let places = RefCell::new(Vec::new());
        let all = read_only.require_all(|pointer, value| {
            places.borrow_mut().push(format!("{pointer} {value}"));
            true
        });
        assert!(all.is_ok());
        assert_eq!(places.into_inner(), [r#"/id "7""#, r#"/crew/0/rank "mate""#]);
        let refused = ReadOnlyMembers::read_changes::<BoatUpdate>(json!({ "idd": 1 })).unwrap_err();
        assert_eq!(refusals(&refused), ["/idd unknown_member"]);
    }

    #[test]
    fn read_only_members_must_be_unchanged() {
        let record = |rank: &str| json!({ "id": "7", "crew": [{ "rank": rank }] });
        for (case, given, before, after, hidden, expected) in [
            ("as it was", json!({ "id": "7" }), record("mate"), record("mate"), "", vec![]),
            ("another", json!({ "id": "8" }), record("mate"), record("mate"), "", vec!["/id read_only"]),
            (
                "as it becomes by the change",
                json!({ "crew": [{ "name": "a", "rank": "cook" }] }),
                record("mate"),
                record("cook"),
                "",
                vec![],
            ),
            (
                "as it neither was nor becomes",
                json!({ "crew": [{ "name": "a", "rank": "boss" }] }),
                record("mate"),
                record("cook"),
                "",
                vec!["/crew/0/rank read_only"],
            ),
            (
                "of what is hidden, a guess",
                json!({ "id": "7" }),
                record("mate"),
                record("mate"),
                "id",
                vec!["/id read_only"],
            ),
            ("of what is hidden, nothing", json!({ "id": null }), record("mate"), record("mate"), "id", vec![]),
        ] {
            let refused = read(given).1.require_unchanged(&before, &after, |member| member == hidden);
            assert_eq!(refused.err().map(|error| refusals(&error)).unwrap_or_default(), expected, "{case}");
        }
    }

    #[test]
    fn derived_members_may_accompany_their_source() {
        let record = json!({ "phone": "1" });
        for (case, given, set, expected) in [
            ("alone", json!({ "phone": "2" }), Some("2"), vec![]),
            ("beside an empty one", json!({ "phone": "2", "phones": null }), Some("2"), vec![]),
            ("as it is", json!({ "phone": "1", "phones": ["1"] }), None, vec![]),
            ("as it is not", json!({ "phone": "2", "phones": ["1"] }), None, vec!["/phone stated_twice"]),
        ] {
            let (changes, read_only) = read(given);
            assert_eq!(changes.phone.as_deref(), set, "{case}");
            let refused = read_only.require_unchanged(&record, &record, |_| false);
            assert_eq!(refused.err().map(|error| refusals(&error)).unwrap_or_default(), expected, "{case}");
        }
        assert_eq!(read(json!({ "phones": ["1"] })).0.phones, Some(vec!["1".to_owned()]));
    }

    #[test]
    fn clearing_read_only_members_requires_them_to_be_empty() {
        let (_, read_only) = read(json!({ "clear": ["id", "name"] }));
        assert!(read_only.require_unchanged(&json!({ "id": null }), &json!({}), |_| false).is_ok());
        let refused = read_only.require_unchanged(&json!({ "id": "7" }), &json!({}), |_| false).unwrap_err();
        assert_eq!(refusals(&refused), ["/id read_only"]);
        assert!(read(json!({ "clear": ["name"] })).1.is_empty());
    }
}
