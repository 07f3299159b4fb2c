//! Read-only members: what an answer shows, a change takes back. They are set aside while a body is read, and may say what
//! the record says already.
use crate::kernel::access::Access;
use crate::kernel::error::{Bad, Error, FieldCode, Result};
use crate::kernel::kind::Record;
use crate::kernel::shape::{self, Node, Rules, Shape, escape};
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use utoipa::ToSchema;

/// Members of a body that its schema does not take and the answer shows, and those that follow from another one that is given.
#[derive(Clone, Debug, Default)]
pub struct ReadOnlyMembers(Vec<Member>);

#[derive(Clone, Debug)]
struct Member {
    pointer: String,
    value: Json,
    /// `phone` beside `phones`.
    derived: bool,
}

impl ReadOnlyMembers {
    /// Reads the changes of a record.
    pub fn read_changes<C: DeserializeOwned + ToSchema + Rules + 'static>(body: Json) -> Result<(C, ReadOnlyMembers)> {
        ReadOnlyMembers::read::<C, C>(body, whole)
    }

    /// Reads a body in which `changes` finds the changes of a record; what the record shows and they do not take is set aside.
    pub fn read<T, C>(mut body: Json, changes: impl Fn(&mut Json) -> Option<&mut Json>) -> Result<(T, ReadOnlyMembers)>
    where
        T: DeserializeOwned + ToSchema + Rules + 'static,
        C: ToSchema + Rules + 'static,
    {
        let mut read_only = ReadOnlyMembers::default();
        if let (Some(shown), Some(inner)) = (C::response_shape(), changes(&mut body)) {
            // The names that a single read included are not the record's.
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

    /// Takes what the schema does not know out of a body.
    pub fn take(body: &mut Json, input: &Shape, shown: &Shape) -> ReadOnlyMembers {
        let mut read_only = ReadOnlyMembers::default();
        read_only.walk(body, (input, &input.root), (shown, &shown.root), "");
        read_only.take_cleared(body, input, shown);
        read_only
    }

    /// What is shown alone is cleared only where it is empty.
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

    /// Takes members that follow from others out of a body that its schema has checked. `derived` are pairs of a member and the one
    /// that it follows from.
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

    /// Each must be what the record has, `before` the change or `after` it: the change itself moves some. Of what is hidden from the
    /// caller nothing is told, so it must be empty, as the answer shows it.
    pub fn require_unchanged(&self, before: &Json, after: &Json, hidden: impl Fn(&str) -> bool) -> Result<()> {
        let name = |one: &Member| one.pointer.split('/').nth(1).unwrap_or_default().to_owned();
        let same = |one: &&Member| match hidden(&name(one)) {
            true => one.value.is_null() || one.value.as_array().is_some_and(Vec::is_empty),
            false => [before, after].iter().any(|record| record.pointer(&one.pointer) == Some(&one.value)),
        };
        refuse(self.0.iter().filter(|one| !same(one)))
    }

    /// The same of a row before and after the change.
    pub fn require_unchanged_row<R: Record>(&self, before: &R, after: &R, access: &Access) -> Result<()> {
        if self.is_empty() {
            return Ok(());
        }
        let shown = |row: &R| serde_json::to_value(row).map_err(Error::internal);
        self.require_unchanged(&shown(before)?, &shown(after)?, |member| access.hides(R::KIND.path(), member))
    }

    /// Each must be as its pointer and value are asked about, where a place in the answer is not the place in the record.
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
        true => Bad::member(&one.pointer, FieldCode::StatedTwice, "is given alone and in the list"),
        false => {
            let detail = "cannot be changed here; leave it out, or send it as it was answered";
            Bad::member(&one.pointer, FieldCode::ReadOnly, detail)
        }
    };
    let bad: Vec<Bad> = wrong.map(bad).collect();
    if bad.is_empty() { Ok(()) } else { Err(Error::members(bad)) }
}

/// What a reference, or one of two choices, leads to.
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

/// The changes of a record take back what its answer shows.
#[macro_export]
macro_rules! read_only_members_of {
    ($row:ty) => {
        fn response_shape() -> Option<std::sync::Arc<$crate::kernel::shape::Shape>> {
            Some($crate::kernel::shape::Shape::of::<$row>())
        }

        fn changed_kind() -> Option<$crate::kernel::kind::Kind> {
            Some(<$row as $crate::kernel::kind::Record>::KIND)
        }
    };
}
