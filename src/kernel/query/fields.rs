//! The fields of one resource, for its lists, conditions and document; what a caller sees of them.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::resource::{self, DerivedFilter, DescribedFields};
use crate::kernel::error::FieldError;
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::field::{Field, FieldRef};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::Search;
use crate::kernel::query::derived::Derived;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// The fields of one resource. `T` is its table, so that a plan for contacts cannot run on deals.
pub struct Fields<T: 'static> {
    pub kind: Kind,
    pub all: &'static [Field],
    pub default_sort: &'static str,
    pub id: Field,
    pub search: Option<Search>,
    /// The filters that no single field answers.
    pub derived: &'static [Derived],
    pub links: &'static [Link],
    pub table: std::marker::PhantomData<fn() -> T>,
}

/// A filter by another table, such as the contacts of a deal.
pub struct Link {
    /// The name of the parameter.
    pub name: &'static str,
    pub by: LinkedBy,
    /// The records that can be included through the link.
    pub includes: &'static [Field],
}

/// How the matching records are found.
#[derive(Clone, Copy)]
pub enum LinkedBy {
    /// A statement that selects the ids of the records, up to the comparison with the given id:
    /// `select deal_id from … where contact_id = `.
    Table(&'static str),
    /// Through records whose visibility depends on the caller.
    Seen(fn(&Actor, &[Uuid]) -> Cond),
    /// Through conditions on records one step away, as in `company.sector`; their visibility depends on the caller.
    Records { kind: Kind, fields: fn() -> &'static [Field], found: RelatedCondition },
    /// The records of another record and of what belongs to it, if `related` is true; `always` is its default.
    Related { to: Kind, always: bool, work: fn(&Actor, Kind, &[Uuid]) -> Cond },
}

/// A field of a record one step away, and for an amount the field that holds its currency.
pub type RelatedField = (&'static Field, Option<&'static Field>);

/// Returns the condition that another condition holds for a record one step away.
pub type RelatedCondition = fn(&Actor, Cond) -> Cond;

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl<T> Fields<T> {
    /// Returns all fields that can be filtered by, the id first.
    pub fn filterable(&'static self) -> impl Iterator<Item = &'static Field> {
        std::iter::once(&self.id).chain(self.all)
    }

    pub fn get(&self, name: &str) -> Option<&'static Field> {
        self.all.iter().find(|f| f.name == name)
    }

    /// Checks whether the caller's role shows the field.
    pub fn shows(&self, actor: &Actor, field: &Field) -> bool {
        !actor.access.hides(self.kind.path(), field.member())
    }

    /// Returns the built-in or custom (`cf.…`) field of this name, if the caller may filter by it.
    pub fn named(&self, name: &str, actor: &Actor) -> Option<FieldRef> {
        self.visible_fields(actor).find(|field| field.name() == name)
    }

    /// Returns the id if it has this name.
    pub fn id_named(&'static self, name: &str) -> Option<FieldRef> {
        (name == self.id.name).then_some(FieldRef::Built(&self.id))
    }

    /// Returns all fields that the caller may filter by.
    pub fn visible_fields<'f>(&'f self, actor: &'f Actor) -> impl Iterator<Item = FieldRef> + 'f {
        let built = self.all.iter().filter(|field| self.shows(actor, field)).map(FieldRef::Built);
        let own = actor.settings.custom.active(self.kind);
        let own = own.filter(|field| !actor.access.hides(self.kind.path(), &field.path));
        built.chain(own.map(|field| FieldRef::Custom(Arc::clone(field))))
    }

    /// Returns the condition of a derived filter; none if there is no filter with this name.
    pub(in crate::kernel) fn derived(
        &'static self,
        name: &str,
        texts: &[String],
        actor: &Actor,
    ) -> Option<Result<Cond, FieldError>> {
        let filter = self.derived.iter().find(|filter| filter.name == name)?;
        Some(filter.condition(texts, actor))
    }

    /// Returns the fields whose records can be included, by their names in `include=`.
    pub fn includes(&self) -> impl Iterator<Item = (&'static str, &'static Field)> {
        let linked = self.links.iter().flat_map(|link| link.includes).map(|field| (field.name, field));
        self.all.iter().filter_map(|f| Some((f.include_name()?, f))).chain(linked)
    }
}

/// A field whose record can be included, and perhaps a field of that record whose record can be included with it.
#[derive(Clone, Copy)]
pub struct IncludePath {
    name: &'static str,
    pub first: &'static Field,
    pub then: Option<&'static Field>,
}

impl fmt::Debug for IncludePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl IncludePath {
    /// Returns the name in `include=`: `company` or `contacts.company`.
    pub fn name(&self) -> String {
        let then = self.then.and_then(Field::include_name);
        then.map_or_else(|| self.name.to_owned(), |then| format!("{}.{then}", self.name))
    }
}

impl<T> Fields<T> {
    /// Returns what a single read can include: records that the record refers to, and those that they refer to.
    pub fn include_paths(&self) -> impl Iterator<Item = IncludePath> {
        // The document lists the paths of described resources.
        let described = resource::of(self.kind).described.is_some();
        self.includes().flat_map(move |(name, first)| {
            let fields = first.refers.filter(|_| described).map_or(&[][..], resource::fields_of).iter();
            let further = fields.filter(|field| field.include_name().is_some()).map(Some);
            std::iter::once(None).chain(further).map(move |then| IncludePath { name, first, then })
        })
    }
}

impl<T> DescribedFields for Fields<T> {
    fn built(&self) -> &'static [Field] {
        self.all
    }

    fn visible_to(&'static self, actor: &Actor) -> Vec<FieldRef> {
        self.visible_fields(actor).collect()
    }

    fn derived_filters(&self) -> Vec<DerivedFilter> {
        self.derived.iter().map(Derived::described).collect()
    }

    fn include_names(&self) -> Vec<String> {
        self.include_paths().map(|path| path.name()).collect()
    }
}

#[cfg(test)]
#[path = "fields_tests.rs"]
mod tests;
