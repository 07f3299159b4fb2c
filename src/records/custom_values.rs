//! The values of custom fields: setting and clearing them, and the checks that need the database or the caller.
use crate::db::refs::{self, Named};
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::kernel::fields::custom::{self, CustomValue, CustomValues};
use crate::kernel::fields::kind::Kind;
use uuid::Uuid;

/// Returns the values of a new record. References are not checked: call `require_visible` once for all new records.
pub fn new_values(tx: &Tx<'_>, record: Kind, given: &[CustomValue]) -> Result<CustomValues> {
    changed_values(tx, record, &CustomValues::default(), given)
}

/// Like `changed_values`, but returns `None` if no values are given, so that the column stays unchanged.
pub fn changed(
    tx: &Tx<'_>,
    record: Kind,
    before: Option<&CustomValues>,
    given: &[CustomValue],
) -> Result<Option<CustomValues>> {
    match before {
        Some(before) if !given.is_empty() => changed_values(tx, record, before, given).map(Some),
        _ => Ok(None),
    }
}

/// Returns the values of a record after setting or clearing the given ones; the others stay.
fn changed_values(tx: &Tx<'_>, record: Kind, before: &CustomValues, given: &[CustomValue]) -> Result<CustomValues> {
    let settings = &tx.actor.settings;
    before.with(given, &settings.custom, record, &settings.country).map_err(Error::members)
}

/// Checks that the records that the values of new records refer to are visible. Uses one statement per kind.
pub fn require_visible<'g>(
    tx: &mut Tx<'_>,
    record: Kind,
    given: impl IntoIterator<Item = &'g [CustomValue]>,
) -> Result<()> {
    let nothing = CustomValues::default();
    require_visible_anew(tx, record, given.into_iter().map(|given| (Some(&nothing), given)))
}

/// Like `require_visible`, for existing records. A reference that a record already has may stay even if it is not
/// visible.
pub fn require_visible_anew<'g>(
    tx: &mut Tx<'_>,
    record: Kind,
    given: impl IntoIterator<Item = (Option<&'g CustomValues>, &'g [CustomValue])>,
) -> Result<()> {
    let (fields, given) = (&tx.actor.settings.custom, given.into_iter().collect::<Vec<_>>());
    let pointed = given.iter().flat_map(|(before, values)| CustomValues::named(*before, values, fields, record));
    let pointed: Vec<(Kind, Uuid, String)> = pointed.collect();
    let named: Vec<Named<'_>> = pointed.iter().map(|(kind, id, at)| (*kind, Some(*id), at.as_str())).collect();
    let refused = refs::require_visible(tx, &named);
    // For several records, the caller retries each on its own.
    match given.as_slice() {
        [(_, one)] => refused.map_err(|error| custom::about(one, error)),
        _ => refused,
    }
}

/// Checks that a record has the values that a stage requires.
pub fn require_filled(tx: &Tx<'_>, record: Kind, values: &CustomValues, stage: Uuid) -> Result<()> {
    let required = tx.actor.settings.custom.active(record).filter(|field| field.required_stages.contains(&stage));
    let missing = required.filter(|field| !values.has(&field.key));
    let bad: Vec<FieldError> = missing
        .map(|field| {
            let detail = format!("{} must have a value to enter this stage", field.key);
            FieldError::member("/custom_fields", FieldCode::Required, detail).of_field(&field.key)
        })
        .collect();
    if bad.is_empty() { Ok(()) } else { Err(Error::members(bad)) }
}

/// Returns the changed values of a record that enters a stage, or `None` if no values are given. Checks that the record
/// has the values that the stage requires.
pub fn filled(
    tx: &mut Tx<'_>,
    record: Kind,
    before: &CustomValues,
    given: &[CustomValue],
    stage: Uuid,
) -> Result<Option<CustomValues>> {
    visibility::authorize_custom_values(tx, record, given)?;
    require_visible_anew(tx, record, [(Some(before), given)])?;
    let filled = changed(tx, record, Some(before), given)?;
    require_filled(tx, record, filled.as_ref().unwrap_or(before), stage)?;
    Ok(filled)
}

/// Returns the values that a record passes on to another kind of record that has a field with the same key and kind.
pub fn passed_on(tx: &Tx<'_>, from: Kind, values: &CustomValues, to: Kind) -> Vec<CustomValue> {
    let fields = &tx.actor.settings.custom;
    let both = |value: &CustomValue| {
        let kind = |record| fields.active(record).find(|field| field.key == value.key).map(|field| field.kind);
        kind(to).is_some_and(|own| kind(from) == Some(own))
    };
    values.list().into_iter().filter(both).collect()
}
