//! Hides quotes of the file from a caller whose role hides fields. A file that another user uploaded can contain
//! hidden values.
use crate::intake::imports::model::{Import, ImportProblem, ImportReport};
use crate::intake::imports::targets;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::Hide;

/// Checks whether nothing must be hidden. The user who uploaded the file knows its contents.
fn sees_everything(actor: &Actor, import: &Import) -> bool {
    import.created_by == actor.user || !actor.access.hides_anything()
}

/// Checks whether a column contains no hidden values: its suggested and mapped fields are all visible. A column
/// without any field may contain anything.
fn is_shown(actor: &Actor, import: &Import, column: &str) -> bool {
    let detected = import.detected.columns.iter().filter(|one| one.name == column);
    let suggested = detected.filter_map(|one| one.suggested_field.as_deref());
    let mapping = import.settings.mapping.iter().flatten().filter(|one| one.column == column);
    let run = import.report.iter().flat_map(|report| &report.columns).filter(|one| one.column == column);
    let fields = suggested.chain(mapping.map(|one| one.field.as_str())).chain(run.map(|one| one.field.as_str()));
    let fields: Vec<&str> = fields.collect();
    !fields.is_empty() && !fields.iter().any(|field| targets::is_hidden(actor, import.resource, field))
}

/// Removes the values of columns that may contain hidden fields.
impl Hide for Import {
    fn hide(&mut self, actor: &Actor) {
        if sees_everything(actor, self) || !hides_of(actor, self) {
            return;
        }
        let known = self.clone();
        let shown = |column: &str| is_shown(actor, &known, column);
        for column in self.detected.columns.iter_mut().filter(|column| !shown(&column.name)) {
            column.samples.clear();
        }
        for mapped in self.settings.mapping.iter_mut().flatten().filter(|mapped| !shown(&mapped.column)) {
            mapped.values.clear();
        }
        if let Some(ImportReport { mapped_values, unknown_values, .. }) = &mut self.report {
            mapped_values.retain(|value| shown(&value.column));
            unknown_values.retain(|value| shown(&value.column));
        }
    }
}

/// Does the same for row problems. A problem of a whole row may quote any column, so it is hidden too.
pub fn problems(actor: &Actor, import: &Import, list: &mut [ImportProblem]) {
    if sees_everything(actor, import) || !hides_of(actor, import) {
        return;
    }
    let shown =
        |problem: &&mut ImportProblem| problem.column.as_deref().is_some_and(|column| is_shown(actor, import, column));
    for problem in list.iter_mut().filter(|problem| !shown(problem)) {
        problem.value = None;
        problem.detail = "your role hides the fields that this column may contain".into();
    }
}

/// Checks whether the role hides any field that the file can contain.
fn hides_of(actor: &Actor, import: &Import) -> bool {
    let hidden = |name: &str| targets::is_hidden(actor, import.resource, name);
    actor.access.hidden_members(import.resource.kind().path()).next().is_some() || hidden("contact")
}
