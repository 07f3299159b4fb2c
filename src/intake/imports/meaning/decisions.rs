//! All decisions about a file: the conventions of its cells, and what is doubtful about them.
use crate::intake::imports::meaning::conventions::{Conventions, DateColumn};
use crate::intake::imports::meaning::currencies::{self, SignContext};
use crate::intake::imports::meaning::date_evidence::{self, DateOrder};
use crate::intake::imports::meaning::decimal_evidence;
use crate::intake::imports::meaning::doubt::{Doubt, Named, Verdict};
use crate::intake::imports::meaning::evidence::{ColumnEvidence, parts};
use crate::intake::imports::meaning::numerals::Decimal;
use crate::intake::imports::meaning::probability::Scale;
use chrono::NaiveDate;
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// What the cells of a mapped column are. Other columns need no decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Amount,
    Number,
    Date,
    /// A date that is not in the future.
    Birthday,
    Probability,
}

/// A column that is mapped to a field.
#[derive(Clone, Copy, Debug)]
pub struct MappedColumn<'e> {
    pub name: &'e str,
    pub role: Role,
    pub evidence: &'e ColumnEvidence,
}

/// The settings that answer questions.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    pub decimal: Option<Decimal>,
    pub date_order: Option<DateOrder>,
    /// Days are counted since 1904.
    pub since_1904: bool,
    /// The currency of the file.
    pub currency: Option<String>,
    /// A column is mapped to the currency of the amounts.
    pub has_currency_column: bool,
    /// The currencies of signs, such as `$`.
    pub currency_signs: BTreeMap<String, String>,
    pub probability_scale: Option<Scale>,
}

impl Answers {
    fn per_column(&self) -> bool {
        self.date_order == Some(DateOrder::PerColumn)
    }
}

/// What the workspace adds.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'w> {
    /// ISO 3166.
    pub country: &'w str,
    /// ISO 4217.
    pub currency: &'w str,
    pub zone: Tz,
    pub today: NaiveDate,
}

#[derive(Clone, Debug)]
pub struct Decisions {
    pub conventions: Conventions,
    /// How each date column is read, by its name.
    pub dates: BTreeMap<String, DateColumn>,
    /// The scale of each probability column, by its name.
    pub scales: BTreeMap<String, Scale>,
    /// What must be answered before the rows are imported.
    pub questions: Vec<Doubt>,
    /// What the country or the currency of the workspace decided.
    pub warnings: Vec<Doubt>,
}

/// Decides from the evidence in the mapped columns.
pub fn decide(columns: &[MappedColumn<'_>], answers: &Answers, around: &Surroundings<'_>) -> Decisions {
    let mut doubts = Doubts::default();
    let signs = doubts.signs(columns, answers, around);
    let numbers = of_roles(columns, &[Role::Amount, Role::Number], |evidence| &evidence.decimals);
    let decimal = doubts.take(decimal_evidence::decide(answers.decimal, &numbers, around.country));
    let dates = of_roles(columns, &[Role::Date, Role::Birthday], |evidence| &evidence.dates);
    let orders = date_evidence::decide(answers.date_order, &dates, around.country);
    let orders = if answers.per_column() { *orders.value() } else { doubts.take(orders) };
    let currency = answers.currency.clone().unwrap_or_else(|| around.currency.to_owned());
    let conventions = Conventions { decimal, currency, signs, orders, zone: around.zone, today: around.today };
    let (dates, scales) = (doubts.date_columns(columns, answers, around), doubts.scales(columns, answers));
    Decisions { conventions, dates, scales, questions: doubts.questions, warnings: doubts.warnings }
}

/// Returns one part of the evidence of the columns with these roles.
fn of_roles<'e, T>(
    columns: &[MappedColumn<'e>],
    roles: &[Role],
    part: impl Fn(&'e ColumnEvidence) -> &'e T,
) -> Vec<Named<'e, T>> {
    let wanted = columns.iter().filter(|column| roles.contains(&column.role));
    parts(wanted.map(|column| (column.name, column.evidence)), part)
}

#[derive(Debug, Default)]
struct Doubts {
    questions: Vec<Doubt>,
    warnings: Vec<Doubt>,
}

impl Doubts {
    /// Returns the currencies of the signs in the columns with amounts.
    fn signs(
        &mut self,
        columns: &[MappedColumn<'_>],
        answers: &Answers,
        around: &Surroundings<'_>,
    ) -> BTreeMap<&'static str, &'static str> {
        let amounts = of_roles(columns, &[Role::Amount], |evidence| &evidence.signs);
        let context = SignContext {
            given: &answers.currency_signs,
            file: answers.currency.as_deref(),
            workspace: around.currency,
            country: around.country,
            named_in_rows: answers.has_currency_column,
        };
        let verdicts = currencies::decide(&amounts, &context);
        verdicts.into_iter().map(|(sign, verdict)| (sign, self.take(verdict))).collect()
    }

    /// Returns how each column of dates is read.
    fn date_columns(
        &mut self,
        columns: &[MappedColumn<'_>],
        answers: &Answers,
        around: &Surroundings<'_>,
    ) -> BTreeMap<String, DateColumn> {
        let mut read = BTreeMap::new();
        for column in columns.iter().filter(|column| matches!(column.role, Role::Date | Role::Birthday)) {
            let dates = &column.evidence.dates;
            let own = [Named { column: column.name, evidence: dates }];
            let orders = answers.per_column().then(|| self.take(date_evidence::decide(None, &own, around.country)));
            let numeric = dates.numeric(answers.since_1904);
            let past = column.role == Role::Birthday;
            read.insert(column.name.to_owned(), DateColumn { numeric, orders, past });
        }
        read
    }

    fn scales(&mut self, columns: &[MappedColumn<'_>], answers: &Answers) -> BTreeMap<String, Scale> {
        let probabilities = columns.iter().filter(|column| column.role == Role::Probability);
        let scale = |column: &MappedColumn<'_>| {
            let verdict = column.evidence.scale.decide(answers.probability_scale, column.name);
            (column.name.to_owned(), self.take(verdict))
        };
        probabilities.map(scale).collect()
    }

    /// Takes the value out of a verdict, and keeps its doubt.
    fn take<T>(&mut self, verdict: Verdict<T>) -> T {
        match verdict {
            Verdict::Decided(value) => value,
            Verdict::Guessed(value, doubt) => {
                self.warnings.push(doubt);
                value
            }
            Verdict::Asked(value, doubt) => {
                self.questions.push(doubt);
                value
            }
        }
    }
}

#[cfg(test)]
#[path = "decisions_tests.rs"]
mod tests;
