//! Detects the format and the columns of a file, and suggests settings.
use crate::intake::imports::date_formats;
use crate::intake::imports::decide::FileEvidence;
use crate::intake::imports::file::{self, Context, File};
use crate::intake::imports::findings::{self, ImportWarning};
use crate::intake::imports::meaning::date_evidence::FileOrders;
use crate::intake::imports::model::{DetectedColumn, DetectedFile, DetectedSheet, FileFinding, FindingExample};
use crate::intake::imports::reading::findings::Finding;
use crate::intake::imports::reading::row::{Cell, CellKind};
use crate::intake::imports::remembered;
use crate::intake::imports::settings::{ColumnMapping, ImportSettings};
use crate::intake::imports::suggest::{self, Suggestion};
use crate::intake::imports::targets;
use crate::intake::imports::wanted::Wanted;
use crate::kernel::access::actor::Actor;
use crate::kernel::error::Result;
use crate::kernel::values::time::DateTime;

/// The number of sample values of a column.
const SAMPLES: usize = 5;
/// The largest number of columns that are mapped without being asked for.
const MAPPED_MAX: usize = 200;

/// What was detected, and the settings that follow from it.
#[derive(Debug)]
pub struct Detection {
    pub detected: DetectedFile,
    pub settings: ImportSettings,
}

/// Returns what the reader of a file needs to know of the workspace.
pub fn context(actor: &Actor) -> Context {
    Context { country: actor.settings.country.clone(), known_header: suggest::is_known_header }
}

fn count(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

/// Detects the format and the columns of a file.
pub fn detect(actor: &Actor, wanted: &Wanted<'_>, file: &File) -> Result<Detection> {
    let resource = wanted.resource;
    let fields = targets::fields(actor, resource, wanted.stages);
    let suggestions = suggest::suggest(actor, wanted, file, &fields)?;
    let mut columns = columns(file, suggestions.columns)?;
    let remembered = wanted.remembered.find(resource, file, &fields);
    remembered.iter().for_each(|mapping| remembered::suggest(&mut columns, mapping));
    let format = file.format.as_ref();
    let delimiter = format.and_then(|format| format.delimiter).map(String::from);
    let mapping = remembered.unwrap_or_else(|| mapping(&columns));
    let evidence = FileEvidence::of(actor, resource, &mapping, file)?;
    let settings = ImportSettings {
        mapping: Some(mapping),
        sheet: file.sheet.clone(),
        encoding: format.map(|format| format.encoding.clone()),
        delimiter: delimiter.clone(),
        ..ImportSettings::default()
    };
    let decisions = evidence.decide(actor, &settings, DateTime::now());
    let detected = DetectedFile {
        kind: file.kind.as_str().to_owned(),
        encoding: settings.encoding.clone().unwrap_or_else(|| "utf-8".into()),
        delimiter: delimiter.unwrap_or_default(),
        sheet: file.sheet.clone(),
        sheets: sheets(file),
        header_line: file.header_line.map(count),
        origin: suggestions.origin,
        likely_resource: suggestions.likely,
        findings: file.findings.all().iter().map(finding).collect(),
        date_format: date_format(&evidence, &columns, decisions.conventions.orders),
        decimal: decisions.conventions.decimal.as_str().to_owned(),
        decisions: decisions.questions.iter().map(findings::decision).collect(),
        warnings: decisions.warnings.iter().map(ImportWarning::of_guess).collect(),
        rows: count(file.rows.len()),
        columns,
        fields,
    };
    Ok(Detection { detected, settings })
}

fn sheets(file: &File) -> Vec<DetectedSheet> {
    let listed = file.tables.iter().filter_map(|listed| {
        Some(DetectedSheet { name: file::sheet_name(listed)?, hidden: listed.hidden, rows: listed.rows.map(count) })
    });
    listed.collect()
}

fn finding(finding: &Finding) -> FileFinding {
    let examples = finding.examples.iter();
    FileFinding {
        kind: finding.kind.as_str().to_owned(),
        detail: finding.kind.detail().to_owned(),
        count: count(finding.count),
        examples: examples
            .map(|example| FindingExample { line: example.line.map(count), text: example.text.clone() })
            .collect(),
    }
}

/// What is shown of the values of a column.
#[derive(Debug, Default)]
struct Shown {
    filled: i64,
    /// Different values.
    samples: Vec<String>,
}

impl Shown {
    fn add(&mut self, cell: Cell<'_>) {
        if matches!(cell.kind, CellKind::Empty | CellKind::Error) {
            return;
        }
        self.filled += 1;
        if self.samples.len() < SAMPLES {
            let text: String = cell.shown.unwrap_or(cell.text).chars().take(100).collect();
            if !self.samples.contains(&text) {
                self.samples.push(text);
            }
        }
    }
}

fn columns(file: &File, suggested: Vec<Suggestion>) -> Result<Vec<DetectedColumn>> {
    let mut shown: Vec<Shown> = file.header.iter().map(|_| Shown::default()).collect();
    let mut rows = file.rows.reader();
    while let Some(row) = rows.next_row()? {
        shown.iter_mut().zip(row.cells()).for_each(|(column, cell)| column.add(cell));
    }
    let column = |((name, suggestion), shown): ((&String, Suggestion), Shown)| DetectedColumn {
        name: name.clone(),
        samples: shown.samples,
        filled: shown.filled,
        suggested_field: suggestion.field,
        suggested_kind: suggestion.kind,
        reason: suggestion.reason,
        unread: suggestion.unread,
    };
    Ok(file.header.iter().zip(suggested).zip(shown).map(column).collect())
}

fn mapping(columns: &[DetectedColumn]) -> Vec<ColumnMapping> {
    let mapped = columns.iter().filter_map(|column| {
        let field = column.suggested_field.clone()?;
        Some(ColumnMapping {
            column: column.name.clone(),
            field,
            values: Vec::new(),
            multiply: None,
            kind: column.suggested_kind,
        })
    });
    mapped.take(MAPPED_MAX).collect()
}

/// Returns the format of the dates in the columns that are mapped to dates, or else in any other column.
fn date_format(evidence: &FileEvidence, columns: &[DetectedColumn], orders: FileOrders) -> Option<String> {
    let format = |text: &str| date_formats::format_of(text, orders);
    // Eight digits in any other column are rather a number.
    let of_all = |column: &DetectedColumn| {
        let first = column.samples.first().and_then(|text| format(text)).filter(|name| *name != "yyyymmdd");
        first.filter(|_| column.samples.iter().all(|text| format(text).is_some()))
    };
    evidence.dates().find_map(format).or_else(|| columns.iter().find_map(of_all)).map(str::to_owned)
}
