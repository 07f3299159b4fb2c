//! Rows of a file that mean the same record, and rows that mean none.
use crate::intake::imports::draft::Draft;
use crate::intake::imports::prepare::{RowProblem, RowReader};
use crate::intake::imports::targets::Target;
use crate::kernel::error::{Code, FieldCode};
use serde_json::Value as Json;
use uuid::Uuid;

impl RowReader {
    /// Returns the problem of a row that contradicts earlier rows of the same record, or `None`.
    pub fn contradiction(&self, record: Uuid, row: &Draft) -> Option<RowProblem> {
        let claim = self.claims.of(record)?;
        let contradicted = claim.compare(&row.stated, &self.additive).contradicted;
        let names: Vec<&str> = contradicted.iter().filter_map(|n| Some(self.column(*n)?.name.as_str())).collect();
        let first = *names.first()?;
        let detail = format!(
            "line {} means the same record as line {}, but has another value in {}",
            row.line,
            claim.line,
            names.join(", ")
        );
        let (code, column) = (FieldCode::StatedTwice.as_str(), Some(first.to_owned()));
        Some(RowProblem { line: row.line, column, code, detail, value: None })
    }

    /// Removes the members that earlier rows of the same record state, so that the row only adds. It clears nothing.
    pub fn keep_additions(&self, row: &mut Draft, repeated: &[u16]) {
        row.cleared.clear();
        for column in repeated.iter().filter_map(|n| self.column(*n)) {
            match &column.target {
                Target::Member(member, _) | Target::Reference(member, _) => {
                    row.body.remove(member);
                }
                Target::Person(member) => {
                    if let Some(person) = row.body.get_mut("person").and_then(Json::as_object_mut) {
                        person.remove(*member);
                    }
                }
                Target::Custom(field) => {
                    let is_other = |value: &Json| value.get("key").and_then(Json::as_str) != Some(field.key.as_str());
                    if let Some(values) = row.body.get_mut("custom_fields").and_then(Json::as_array_mut) {
                        values.retain(is_other);
                    }
                }
                _ => {}
            }
        }
    }

    /// Returns the problem of a row whose e-mail address belongs to another person.
    pub fn another_person(&self, row: &Draft, name: &str) -> RowProblem {
        let email = row.addresses("email").next().unwrap_or_default();
        RowProblem {
            line: row.line,
            column: self.columns.iter().find(|column| is_email(&column.target)).map(|column| column.name.clone()),
            code: Code::DuplicateEmail.as_str(),
            detail: format!("{email} belongs to {name}, whose name differs, so the row is not merged into that record"),
            value: Some(email.to_owned()),
        }
    }

    /// Returns the problem of a row without a record, in the mode `update`.
    pub fn no_record(&self, row: &Draft) -> RowProblem {
        let what = self.resource.kind().as_str();
        let detail = format!("no {what} matches the row, and the mode update creates none");
        RowProblem { line: row.line, column: None, code: Code::NotFound.as_str(), detail, value: None }
    }
}

fn is_email(target: &Target) -> bool {
    matches!(target.member(), Some("email")) || matches!(target, Target::Person("email"))
}
