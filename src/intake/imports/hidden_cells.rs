//! Hides quotes of the file from a caller whose role hides fields. A file that another user uploaded can contain
//! hidden values.
use crate::intake::imports::findings::ImportWarning;
use crate::intake::imports::model::{DetectedFile, Import, ImportProblem};
use crate::intake::imports::overview::{ColumnReport, PreviewedRecord};
use crate::intake::imports::report::ImportReport;
use crate::intake::imports::targets;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::hide::Hide;
use crate::kernel::values::decision::Decision;
use serde_json::Value as Json;

/// Checks whether nothing must be hidden. The user who uploaded the file knows its contents.
fn sees_everything(actor: &Actor, import: &Import) -> bool {
    import.created_by == actor.user || !actor.access.hides_anything()
}

/// Checks whether the caller may read the whole file.
pub fn may_read_file(actor: &Actor, import: &Import) -> bool {
    sees_everything(actor, import) || !hides_of(actor, import)
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
    !fields.is_empty() && !fields.iter().any(|field| is_hidden(actor, import, field))
}

/// Checks whether the role hides a field of any kind of record in the file.
fn is_hidden(actor: &Actor, import: &Import, field: &str) -> bool {
    import.resources().into_iter().any(|resource| targets::is_hidden(actor, resource, field))
}

/// Removes the values of columns that may contain hidden fields.
impl Hide for Import {
    fn hide(&mut self, actor: &Actor) {
        if let Some(undo) = &mut self.undo {
            undo.hide(actor);
        }
        if sees_everything(actor, self) || !hides_of(actor, self) {
            return;
        }
        let known = self.clone();
        let shown = |column: &str| is_shown(actor, &known, column);
        for column in self.detected.columns.iter_mut().filter(|column| !shown(&column.name)) {
            column.samples.clear();
        }
        let DetectedFile { decisions: detected, warnings, .. } = &mut self.detected;
        hide_quotes(detected, warnings, &shown);
        for example in self.detected.findings.iter_mut().flat_map(|finding| &mut finding.examples) {
            example.text.clear();
        }
        for mapped in self.settings.mapping.iter_mut().flatten().filter(|mapped| !shown(&mapped.column)) {
            mapped.values.clear();
        }
        if let Some(report) = &mut self.report {
            hide_overview(report, &shown, &|member| is_hidden(actor, &known, member));
            let ImportReport { mapped_values, unknown_values, decisions, warnings, .. } = report;
            hide_quotes(decisions, warnings, &shown);
            mapped_values.retain(|value| shown(&value.column));
            unknown_values.retain(|value| shown(&value.column));
        }
    }
}

/// Removes the values of hidden columns and members from what the rows become.
fn hide_overview(report: &mut ImportReport, shown: &dyn Fn(&str) -> bool, hidden: &dyn Fn(&str) -> bool) {
    let open = |column: &ColumnReport| !hidden(&column.field) && !shown(&column.column);
    if report.columns.iter().any(open) {
        // A column that may contain hidden values is mapped to a visible member.
        report.preview.clear();
    }
    for column in report.columns.iter_mut().filter(|column| !shown(&column.column)) {
        column.values.clear();
        (column.earliest, column.latest) = (None, None);
    }
    report.totals.retain(|total| shown(&total.column));
    for PreviewedRecord { record, .. } in &mut report.preview {
        let record = &mut record.0;
        record.retain(|member, _| !(hidden(member) || member == "contacts" && hidden("contact")));
        let custom = record.get_mut("custom_fields").and_then(Json::as_array_mut);
        let key = |value: &Json| value.get("key").and_then(Json::as_str).unwrap_or_default().to_owned();
        custom.into_iter().for_each(|values| values.retain(|value| !hidden(&format!("cf.{}", key(value)))));
    }
}

/// Does the same for the questions about the file.
pub fn decisions(actor: &Actor, import: &Import, list: &mut [Decision]) {
    if !sees_everything(actor, import) && hides_of(actor, import) {
        hide_quotes(list, &mut [], &|column| is_shown(actor, import, column));
    }
}

/// Removes the quotes from questions and warnings about columns that are not shown.
fn hide_quotes(decisions: &mut [Decision], warnings: &mut [ImportWarning], shown: &dyn Fn(&str) -> bool) {
    for warning in warnings.iter_mut().filter(|warning| !warning.column.as_deref().is_none_or(shown)) {
        warning.value = None;
    }
    let guesses = warnings.iter_mut();
    let guessed = guesses.filter_map(|warning| Some((warning.decision.as_mut()?, Some(&mut warning.detail))));
    let asked = decisions.iter_mut().map(|decision| (decision, None));
    for (decision, detail) in asked.chain(guessed).filter(|(decision, _)| quotes_hidden(decision, shown)) {
        decision.evidence.clear();
        decision.choices.iter_mut().for_each(|choice| choice.meaning.clear());
        if let Some(detail) = detail {
            detail.clone_from(&decision.question);
        }
    }
}

fn quotes_hidden(decision: &Decision, shown: &dyn Fn(&str) -> bool) -> bool {
    decision.evidence.iter().any(|cell| !shown(&cell.column))
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
    let resources = import.resources();
    let mut hidden = resources.iter().map(|resource| actor.access.hidden_members(resource.kind().path()));
    hidden.any(|mut members| members.next().is_some()) || is_hidden(actor, import, "contact")
}
