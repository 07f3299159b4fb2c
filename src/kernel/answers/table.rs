//! The table of a report: typed cells, from which CSV files and workbooks are written. The columns are the keys of the
//! lines, the members of the figures, with one column per currency for sums, and more columns behind them.
use crate::kernel::answers::columns::{Member, at, members_of};
use crate::kernel::error::{Error, Result};
use crate::kernel::values::money::Money;
use crate::kernel::values::time::DateTime;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use utoipa::ToSchema;
use uuid::Uuid;

/// A value of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Empty,
    Text(String),
    Count(i64),
    Number(f64),
    Money(Money),
    Instant(DateTime),
}

impl From<Option<String>> for Cell {
    fn from(text: Option<String>) -> Cell {
        text.map_or(Cell::Empty, Cell::Text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<Option<Uuid>> for Cell {
    fn from(id: Option<Uuid>) -> Cell {
        id.map_or(Cell::Empty, |id| Cell::Text(id.to_string()))
    }
}

impl From<i64> for Cell {
    fn from(count: i64) -> Cell {
        Cell::Count(count)
    }
}

impl From<Option<DateTime>> for Cell {
    fn from(at: Option<DateTime>) -> Cell {
        at.map_or(Cell::Empty, Cell::Instant)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// Whether its numbers are shares of one.
    pub rate: bool,
}

#[derive(Clone, Debug)]
pub struct Table {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// A line of a report: the values of its keys and of the columns behind, and its figures.
pub type Line<'a, F> = (Vec<Cell>, &'a F);

/// Where a column finds its value in the figures.
enum Source {
    Value(String),
    Instant(String),
    Amount(String),
    Sum(String, String),
}

impl Table {
    /// Returns the table of some lines. `keys` and `behind` are the names of the columns before and after the figures.
    /// Sums have one column per currency, the workspace's currency first.
    pub fn new<F: Serialize + ToSchema>(
        keys: &[&str],
        behind: &[&str],
        lines: &[Line<'_, F>],
        currency: &str,
    ) -> Result<Table> {
        let figures = lines.iter().map(|(_, figures)| serde_json::to_value(figures)).collect::<Result<Vec<Json>, _>>();
        let figures = figures.map_err(Error::internal)?;
        let sources = sources::<F>(&figures, currency);
        let names = keys.iter().copied().chain(sources.iter().map(|(name, _)| name.as_str()));
        let columns = names.chain(behind.iter().copied()).map(|name| Column { name: name.to_owned(), rate: false });
        let row = |((of, _), figures): (&Line<'_, F>, &Json)| {
            let (before, after) = of.split_at(keys.len().min(of.len()));
            let cells = sources.iter().map(|(_, source)| source.cell(figures));
            before.iter().cloned().chain(cells).chain(after.iter().cloned()).collect()
        };
        Ok(Table { columns: columns.collect(), rows: lines.iter().zip(&figures).map(row).collect() })
    }

    /// Marks the columns whose numbers are shares of one.
    #[must_use]
    pub fn rates(mut self, names: &[&str]) -> Table {
        self.columns.iter_mut().for_each(|column| column.rate |= names.contains(&column.name.as_str()));
        self
    }
}

fn sources<F: ToSchema>(figures: &[Json], currency: &str) -> Vec<(String, Source)> {
    let mut columns = Vec::new();
    for member in members_of::<F>() {
        match member {
            Member::Sums(name) => {
                let others = currencies(&name, figures).into_iter().filter(|other| other != currency);
                for currency in std::iter::once(currency.to_owned()).chain(others) {
                    columns.push((format!("{name}_{currency}"), Source::Sum(name.clone(), currency)));
                }
            }
            Member::Money(name) => columns.push((name.clone(), Source::Amount(name))),
            Member::Instant(name) => columns.push((name.clone(), Source::Instant(name))),
            Member::Value(name) | Member::List(name) => columns.push((name.clone(), Source::Value(name))),
            Member::OwnFields => {}
        }
    }
    columns
}

/// Returns the currencies of the sums in a member.
fn currencies(name: &str, figures: &[Json]) -> BTreeSet<String> {
    let sums = figures.iter().filter_map(|row| at(row, name)?.as_array()).flatten();
    sums.filter_map(|money| money.get("currency")?.as_str().map(str::to_owned)).collect()
}

impl Source {
    fn cell(&self, figures: &Json) -> Cell {
        let found = match self {
            Source::Value(path) => at(figures, path).map(plain),
            Source::Instant(path) => {
                at(figures, path).and_then(Json::as_str).and_then(|at| at.parse().ok()).map(Cell::Instant)
            }
            Source::Amount(path) => at(figures, path).and_then(amount),
            Source::Sum(path, currency) => at(figures, path).and_then(Json::as_array).and_then(|sums| {
                sums.iter().find(|sum| sum.get("currency").and_then(Json::as_str) == Some(currency)).and_then(amount)
            }),
        };
        found.unwrap_or(Cell::Empty)
    }
}

fn amount(money: &Json) -> Option<Cell> {
    let (amount, currency) = (money.get("amount")?.as_i64()?, money.get("currency")?.as_str()?);
    Some(Cell::Money(Money { amount, currency: currency.to_owned() }))
}

fn plain(value: &Json) -> Cell {
    match value {
        Json::Null => Cell::Empty,
        Json::String(text) => Cell::Text(text.clone()),
        Json::Array(list) => Cell::Text(list.iter().filter_map(Json::as_str).collect::<Vec<_>>().join(", ")),
        Json::Number(number) => number
            .as_i64()
            .map(Cell::Count)
            .or_else(|| number.as_f64().map(Cell::Number))
            .unwrap_or_else(|| Cell::Text(number.to_string())),
        other => Cell::Text(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, ToSchema)]
    struct Figures {
        count: i64,
        share: Option<f64>,
        value: Vec<Money>,
        best: Option<Money>,
        since: Option<DateTime>,
        words: Vec<String>,
    }

    #[test]
    fn cells_have_the_types_of_the_members() {
        let money = |amount, currency: &str| Money { amount, currency: currency.into() };
        let at: DateTime = "2026-01-31T09:00:00Z".parse().unwrap();
        let full = Figures {
            count: 2,
            share: Some(0.5),
            value: vec![money(150, "EUR"), money(7, "JPY")],
            best: Some(money(1, "KWD")),
            since: Some(at),
            words: vec!["a".into(), "b".into()],
        };
        let none = Figures { count: 0, share: None, value: vec![], best: None, since: None, words: vec![] };
        let lines =
            [(vec![Cell::from("k"), Cell::from(3)], &full), (vec![Cell::Empty, Cell::from(None::<Uuid>)], &none)];
        let table = Table::new(&["key"], &["last"], &lines, "EUR").unwrap().rates(&["share"]);
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["key", "count", "share", "value_EUR", "value_JPY", "best", "since", "words", "last"]);
        assert_eq!(table.columns.iter().filter(|column| column.rate).count(), 1);
        let expected = vec![
            Cell::Text("k".into()),
            Cell::Count(2),
            Cell::Number(0.5),
            Cell::Money(money(150, "EUR")),
            Cell::Money(money(7, "JPY")),
            Cell::Money(money(1, "KWD")),
            Cell::Instant(at),
            Cell::Text("a, b".into()),
            Cell::Count(3),
        ];
        assert_eq!(table.rows[0], expected);
        assert_eq!(table.rows[1][1], Cell::Count(0));
        assert!(table.rows[1].iter().filter(|cell| **cell == Cell::Empty).count() >= 6, "{:?}", table.rows[1]);
    }
}
