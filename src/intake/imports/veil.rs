//! What an import quotes of its file, as far as the caller's role shows it: somebody else's file may hold what the role hides.
use crate::intake::imports::model::{Import, ImportProblem, ImportReport};
use crate::intake::imports::targets;
use crate::kernel::actor::Actor;

/// Whether nothing of an import has to be left out: who sent the file knows it.
fn is_open(actor: &Actor, import: &Import) -> bool {
    import.created_by == actor.user || !actor.access.hides_anything()
}

/// Whether a column certainly holds nothing hidden: what it seems to be, and what it was read as, are shown. Nobody can say what is in a column
/// that is neither.
fn is_shown(actor: &Actor, import: &Import, column: &str) -> bool {
    let detected = import.detected.columns.iter().filter(|one| one.name == column);
    let suggested = detected.filter_map(|one| one.suggested_field.as_deref());
    let mapping = import.settings.mapping.iter().flatten().filter(|one| one.column == column);
    let run = import.report.iter().flat_map(|report| &report.columns).filter(|one| one.column == column);
    let fields = suggested.chain(mapping.map(|one| one.field.as_str())).chain(run.map(|one| one.field.as_str()));
    let fields: Vec<&str> = fields.collect();
    !fields.is_empty() && !fields.iter().any(|field| targets::is_hidden(actor, import.resource, field))
}

/// Leaves out the values of columns that may hold what the role hides.
pub fn import(actor: &Actor, mut import: Import) -> Import {
    if is_open(actor, &import) || !hides_of(actor, &import) {
        return import;
    }
    let known = import.clone();
    let shown = |column: &str| is_shown(actor, &known, column);
    for column in import.detected.columns.iter_mut().filter(|column| !shown(&column.name)) {
        column.samples.clear();
    }
    for mapped in import.settings.mapping.iter_mut().flatten().filter(|mapped| !shown(&mapped.column)) {
        mapped.values.clear();
    }
    if let Some(ImportReport { mapped_values, unknown_values, .. }) = &mut import.report {
        mapped_values.retain(|value| shown(&value.column));
        unknown_values.retain(|value| shown(&value.column));
    }
    import
}

/// The same of what was wrong in its rows. What concerns a whole row may quote any of it.
pub fn problems(actor: &Actor, import: &Import, list: &mut [ImportProblem]) {
    if is_open(actor, import) || !hides_of(actor, import) {
        return;
    }
    let shown =
        |problem: &&mut ImportProblem| problem.column.as_deref().is_some_and(|column| is_shown(actor, import, column));
    for problem in list.iter_mut().filter(|problem| !shown(problem)) {
        problem.value = None;
        problem.detail = "your role hides what this column may hold".into();
    }
}

/// Whether the role hides anything that such a file can hold.
fn hides_of(actor: &Actor, import: &Import) -> bool {
    let hidden = |name: &str| targets::is_hidden(actor, import.resource, name);
    actor.access.hidden_members(import.resource.kind().path()).next().is_some() || hidden("contact")
}
