//! The columns that the settings map to fields, or what is wrong with the mapping.
use crate::intake::imports::column::Column;
use crate::intake::imports::resource::ImportResource;
use crate::intake::imports::settings::ColumnMapping;
use crate::intake::imports::targets::{self, Target};
use crate::kernel::access::actor::Actor;
use crate::kernel::error::{Error, FieldCode, FieldError, Result, not_known};

/// The fields to which a column can be mapped: name, target and hint.
pub type KnownTargets = [(String, Target, String)];

/// Returns the mapped columns, or all errors of the mapping.
pub fn columns(
    actor: &Actor,
    resource: ImportResource,
    mapping: &[ColumnMapping],
    header: &[String],
    known: &KnownTargets,
) -> Result<Vec<Column>> {
    let shape = targets::shape(resource);
    let (mut columns, mut bad) = (Vec::new(), Vec::new());
    for (n, one) in mapping.iter().enumerate() {
        let index = column_index(header, &one.column);
        let target = target_of(actor, resource, known, &one.field);
        match (index, target) {
            (Ok(index), Ok(target)) => {
                if let Some(first) = earlier(mapping, n).filter(|_| !target.takes_several(resource)) {
                    let detail = format!("must not be mapped twice: the column {first} is mapped to it");
                    let pointer = format!("/settings/mapping/{n}/field");
                    bad.push(FieldError::member(pointer, FieldCode::StatedTwice, detail));
                }
                let has_kinds =
                    resource == ImportResource::Contacts && matches!(target.member(), Some("email" | "phone"));
                if one.kind.is_some() && !has_kinds {
                    let pointer = format!("/settings/mapping/{n}/kind");
                    let detail = "must be absent: only e-mail addresses and phone numbers of contacts have kinds";
                    bad.push(FieldError::member(pointer, FieldCode::Invalid, detail));
                }
                let choices = target.member().map(|member| shape.choices(member).to_vec()).unwrap_or_default();
                columns.push(Column { choices, ..Column::new(index, one, target) });
            }
            (index, target) => {
                let index = index.err().map(|why| why.at_member(format!("/settings/mapping/{n}/column")));
                let target = target.err().map(|why| why.at_member(format!("/settings/mapping/{n}/field")));
                bad.extend(index.into_iter().chain(target));
            }
        }
    }
    if columns.is_empty() && bad.is_empty() {
        let detail = "must map at least one column, because no column name matches a field";
        bad.push(FieldError::member("/settings/mapping", FieldCode::Required, detail));
    }
    if bad.is_empty() { Ok(columns) } else { Err(Error::members(bad)) }
}

/// Returns the earlier column that is mapped to the same field.
fn earlier(mapping: &[ColumnMapping], n: usize) -> Option<&str> {
    let field = &mapping.get(n)?.field;
    let same = mapping.iter().take(n).find(|earlier| earlier.field.eq_ignore_ascii_case(field));
    same.map(|earlier| earlier.column.as_str())
}

fn column_index(header: &[String], column: &str) -> Result<usize, FieldError> {
    header.iter().position(|name| name.eq_ignore_ascii_case(column)).ok_or_else(|| {
        let detail = format!("{column} {}", not_known(column, header.iter().map(String::as_str)));
        FieldError::new(FieldCode::InvalidChoice, detail).among(header.iter().cloned())
    })
}

fn target_of(actor: &Actor, resource: ImportResource, known: &KnownTargets, field: &str) -> Result<Target, FieldError> {
    if let Some((_, target, _)) = known.iter().find(|(name, ..)| name.eq_ignore_ascii_case(field)) {
        return Ok(target.clone());
    }
    if targets::is_hidden(actor, resource, field) {
        let detail = format!("{field} is hidden from your role, so it cannot be imported");
        return Err(FieldError::new(FieldCode::Hidden, detail));
    }
    let names = || known.iter().map(|(name, ..)| name.as_str());
    let detail = format!("{field} {}", not_known(field, names()));
    Err(FieldError::new(FieldCode::InvalidChoice, detail).among(names()))
}
