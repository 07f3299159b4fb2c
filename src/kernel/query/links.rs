//! Filters by other tables: the contacts of a deal, what belongs to a record, conditions on records one step away.
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::fields::cond::Cond;
use crate::kernel::fields::field::{Field, FieldRef};
use crate::kernel::query::fields::{Fields, Link, LinkedBy, RelatedCondition, RelatedField};
use crate::kernel::query::params::{QueryParams, RELATED, split};
use crate::kernel::query::soft_delete::DELETED_AT;
use crate::kernel::values::typed::Values;

impl<T> Fields<T> {
    /// Returns the condition of a filter by another table; none if there is no such filter.
    pub fn linked(
        &'static self,
        name: &str,
        ids: impl FnOnce() -> Result<Values, FieldError>,
        actor: &Actor,
    ) -> Option<Result<Cond, FieldError>> {
        let by_id = |link: &&Link| link.name == name && matches!(link.by, LinkedBy::Table(_) | LinkedBy::Seen(_));
        let link = self.links.iter().find(by_id)?;
        Some(ids().map(|ids| match (link.by, ids) {
            (LinkedBy::Seen(found), Values::Uuid(ids)) => found(actor, &ids),
            (LinkedBy::Table(sql), ids) => Cond::Within((&self.id).into(), sql, ids),
            _ => Cond::Any(Vec::new()),
        }))
    }

    /// Returns the fields of records one step away by their dotted names, with the field that holds the currency and
    /// the function that builds the condition.
    pub fn related_fields<'f>(
        &'f self,
        actor: &'f Actor,
    ) -> impl Iterator<Item = (String, RelatedField, RelatedCondition)> + 'f {
        let of = |link: &'static Link| match link.by {
            LinkedBy::Records { kind, fields, found } => Some((link.name, kind, fields(), found)),
            _ => None,
        };
        self.links.iter().filter_map(of).flat_map(move |(name, kind, fields, found)| {
            let shown = fields
                .iter()
                .filter(move |field| field.name != DELETED_AT && !actor.access.hides(kind.path(), field.member()));
            let currency = move |field: &Field| fields.iter().find(|other| field.currency == Some(other.name));
            shown.map(move |field| (format!("{name}.{}", field.name), (field, currency(field)), found))
        })
    }

    /// Parses the ids in a parameter.
    pub(in crate::kernel) fn ids(&'static self, name: &str, value: &str) -> Result<Values, FieldError> {
        let ids = Values::parse(&FieldRef::Built(&self.id), split(value));
        ids.map_err(|bad| bad.at_parameter(name))
    }

    /// Removes `related` and the parameters that it affects, and returns their conditions.
    pub(in crate::kernel) fn related(&'static self, params: &mut QueryParams, actor: &Actor) -> Result<Vec<Cond>> {
        if !self.links.iter().any(|link| matches!(link.by, LinkedBy::Related { .. })) {
            return Ok(Vec::new());
        }
        let (wanted, mut conds) = (params.parsed::<bool>(RELATED, "true or false")?, Vec::new());
        for link in self.links {
            let LinkedBy::Related { to, always, work } = link.by else { continue };
            let value = if wanted.unwrap_or(always) { params.take(link.name) } else { None };
            let Some(value) = value else { continue };
            let ids = self.ids(link.name, &value).map_err(|bad| Error::parameters(vec![bad]))?;
            conds.extend(if let Values::Uuid(ids) = ids { Some(work(actor, to, &ids)) } else { None });
        }
        if wanted == Some(true) && conds.is_empty() {
            let related = self.links.iter().filter(|link| matches!(link.by, LinkedBy::Related { .. }));
            let names = related.map(|link| link.name).collect::<Vec<_>>().join(", ");
            let detail = format!("requires one of these parameters: {names}");
            return Err(Error::parameters(vec![FieldError::parameter(RELATED, FieldCode::Invalid, detail)]));
        }
        Ok(conds)
    }
}
