//! The main figures of a report as series, from which pictures and the charts of workbooks are made.
use crate::analytics::paper::look::Colour;
use crate::analytics::paper::text;
use crate::kernel::values::money::{Money, decimal, exponent};

/// The shape of a chart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A bar for each label, each narrower than the one above it. A label has a figure in one of the series.
    Funnel,
    /// Horizontal bars; several series are beside each other.
    Bars,
    /// Vertical bars; several series are on top of each other.
    Columns,
}

/// What the figures count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    /// Shares of one.
    Rate,
    Days,
    /// Amounts in a currency.
    Money(String),
}

/// A figure, and how it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub value: f64,
    pub text: String,
}

#[derive(Clone, Debug)]
pub struct Series {
    pub name: String,
    pub colour: Colour,
    /// A figure for each label. `None` if it is not known.
    pub figures: Vec<Option<Figure>>,
}

#[derive(Clone, Debug)]
pub struct Chart {
    pub shape: Shape,
    pub unit: Unit,
    /// What the values are, such as `Won value`.
    pub axis: String,
    pub labels: Vec<String>,
    pub series: Vec<Series>,
    /// Marks on horizontal bars; the totals of vertical ones, written above them.
    pub marks: Option<Series>,
    /// What a reader must know besides.
    pub notes: Vec<String>,
    /// Whether the last labels matter more than the first ones.
    pub latest: bool,
    /// The number of labels that were left out.
    pub more: usize,
}

/// The most labels, and the most series.
pub const LABELS_MAX: usize = 40;
pub const SERIES_MAX: usize = Colour::ALL.len();

impl Figure {
    pub fn count(count: i64) -> Figure {
        Figure { value: float(count), text: grouped(&count.to_string()) }
    }

    pub fn rate(rate: f64) -> Figure {
        Figure { value: rate, text: format!("{:.1}\u{a0}%", rate * 100.0) }
    }

    pub fn days(days: f64) -> Figure {
        Figure { value: days, text: format!("{days:.1}\u{a0}d") }
    }

    pub fn money(money: &Money) -> Figure {
        let text = format!("{}\u{a0}{}", grouped(&decimal(money.amount, &money.currency)), money.currency);
        Figure { value: major(money), text }
    }

    /// Adds another figure to the text.
    #[must_use]
    pub fn with(self, more: Option<Figure>) -> Figure {
        let text = more.map_or_else(|| self.text.clone(), |more| format!("{} · {}", self.text, more.text));
        Figure { text, ..self }
    }

    /// Adds words to the text.
    #[must_use]
    pub fn of(self, what: &str) -> Figure {
        Figure { text: format!("{} {what}", self.text), ..self }
    }
}

/// Returns an amount in the major unit of its currency.
pub fn major(money: &Money) -> f64 {
    let digits = i32::try_from(exponent(&money.currency)).unwrap_or(0);
    float(money.amount) / 10_f64.powi(digits)
}

#[expect(clippy::as_conversions, clippy::cast_precision_loss, reason = "counts and amounts are at most 2^53")]
pub fn float(number: i64) -> f64 {
    number as f64
}

/// Separates the thousands of a decimal number with blanks.
fn grouped(number: &str) -> String {
    let (whole, part) = number.split_once('.').map_or((number, None), |(whole, part)| (whole, Some(part)));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut text = sign.to_owned();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    part.map_or(text.clone(), |part| format!("{text}.{part}"))
}

/// The names of a group.
#[derive(Clone, Copy, Debug)]
pub struct GroupName<'a> {
    pub key: &'a Option<String>,
    pub label: &'a Option<String>,
    pub group_by: &'a str,
}

impl GroupName<'_> {
    pub fn shown(self) -> String {
        let name = self.label.as_ref().or(self.key.as_ref());
        match name {
            Some(name) => name.clone(),
            None if self.group_by == "none" => "All".into(),
            None => "(none)".into(),
        }
    }
}

impl Series {
    pub fn new(name: impl Into<String>, colour: Colour, figures: Vec<Option<Figure>>) -> Series {
        Series { name: name.into(), colour, figures }
    }
}

impl Chart {
    pub fn new(shape: Shape, unit: Unit, axis: impl Into<String>, labels: Vec<String>) -> Chart {
        Chart {
            shape,
            unit,
            axis: axis.into(),
            labels,
            series: Vec::new(),
            marks: None,
            notes: Vec::new(),
            latest: false,
            more: 0,
        }
    }

    /// Adds the only series.
    #[must_use]
    pub fn one(mut self, figures: Vec<Option<Figure>>) -> Chart {
        self.series = vec![Series::new(self.axis.clone(), Colour::Blue, figures)];
        self
    }

    /// Adds series, each with another colour.
    #[must_use]
    pub fn each(mut self, series: impl IntoIterator<Item = (String, Vec<Option<Figure>>)>) -> Chart {
        let coloured = series.into_iter().zip(Colour::ALL.iter().cycle());
        self.series = coloured.map(|((name, figures), colour)| Series::new(name, *colour, figures)).collect();
        self
    }

    #[must_use]
    pub fn noting(mut self, note: Option<String>) -> Chart {
        self.notes.extend(note);
        self
    }

    /// Cleans and shortens the texts, and leaves out labels and series that are too many, with a note.
    #[must_use]
    pub fn bounded(mut self) -> Chart {
        let short = |words: &str| text::shortened(&text::clean(words), TEXT_MAX);
        self.labels = self.labels.iter().map(|label| short(label)).collect();
        for series in self.series.iter_mut().chain(&mut self.marks) {
            series.name = short(&series.name);
        }
        let more = self.series.len().saturating_sub(SERIES_MAX);
        self.series.truncate(SERIES_MAX);
        if more > 0 {
            self.notes.push(format!("and {more} more groups"));
        }
        self.keep(LABELS_MAX)
    }

    /// Keeps the first labels, or the last ones.
    #[must_use]
    pub fn keep(mut self, most: usize) -> Chart {
        let more = self.labels.len().saturating_sub(most);
        let before = if self.latest { more } else { 0 };
        self.more += more;
        self.labels.drain(..before);
        self.labels.truncate(most);
        for series in self.series.iter_mut().chain(&mut self.marks) {
            series.figures.drain(..before.min(series.figures.len()));
        }
        let count = self.labels.len();
        for series in self.series.iter_mut().chain(&mut self.marks) {
            series.figures.resize(count, None);
        }
        self
    }

    /// Returns the notes, and how many labels were left out.
    pub fn remarks(&self) -> Vec<String> {
        let which = if self.latest { "earlier" } else { "more" };
        let more = (self.more > 0).then(|| format!("and {} {which}", self.more));
        more.into_iter().chain(self.notes.iter().cloned()).collect()
    }

    /// Returns the name of the axis with its unit.
    pub fn axis_name(&self) -> String {
        match &self.unit {
            Unit::Count | Unit::Rate => self.axis.clone(),
            Unit::Days => format!("{}, days", self.axis),
            Unit::Money(currency) => format!("{}, {currency}", self.axis),
        }
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.series.iter().all(|series| series.figures.iter().all(Option::is_none))
    }
}

/// The most characters of a label. It is cut further where it is drawn.
const TEXT_MAX: usize = 100;

/// Returns the currency in which a chart shows sums: `wanted` if there is an amount in it, or else the first one. Tells
/// which others are left out. `None` if there are no amounts.
pub fn currency<'a>(sums: impl Iterator<Item = &'a Vec<Money>>, wanted: &str) -> Option<(String, Option<String>)> {
    let mut found: Vec<&str> = sums.flatten().filter(|m| m.amount != 0).map(|m| m.currency.as_str()).collect();
    found.sort_unstable();
    found.dedup();
    let chosen = (*found.iter().find(|one| **one == wanted).or(found.first())?).to_owned();
    let others: Vec<&str> = found.into_iter().filter(|one| *one != chosen).collect();
    let note = (!others.is_empty()).then(|| format!("without the amounts in {}", others.join(", ")));
    Some((chosen, note))
}

/// Returns the figure of a sum in a currency; 0 if there is none.
pub fn sum_in(sums: &[Money], currency: &str) -> Figure {
    let none = Money { amount: 0, currency: currency.to_owned() };
    Figure::money(sums.iter().find(|money| money.currency == currency).unwrap_or(&none))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: i64, currency: &str) -> Money {
        Money { amount, currency: currency.into() }
    }

    #[test]
    fn figures_are_written_with_their_units() {
        for (figure, value, text) in [
            (Figure::count(1_234_567), 1_234_567.0, "1 234 567"),
            (Figure::rate(1.0 / 3.0), 1.0 / 3.0, "33.3 %"),
            (Figure::days(2.25), 2.25, "2.2 d"),
            (Figure::money(&money(123_456_789, "EUR")), 1_234_567.89, "1 234 567.89 EUR"),
            (Figure::money(&money(-1_000, "JPY")), -1_000.0, "-1 000 JPY"),
            (Figure::money(&money(1_500, "KWD")), 1.5, "1.500 KWD"),
            (Figure::count(2).with(Some(Figure::rate(0.5))).of("won"), 2.0, "2 · 50.0 % won"),
        ] {
            assert_eq!((figure.value, figure.text.replace('\u{a0}', " ")), (value, text.to_owned()));
        }
    }

    #[test]
    fn a_chart_has_few_labels_and_series() {
        let labels = (0..50).map(|n| format!("label\n{n}{}", "x".repeat(200))).collect();
        let series = (0..10).map(|n| (format!("{n}"), vec![Some(Figure::count(n)); 50]));
        let chart = Chart::new(Shape::Bars, Unit::Count, "Deals", labels).each(series).bounded();
        assert_eq!((chart.labels.len(), chart.series.len()), (40, 8));
        assert!(chart.series.iter().all(|series| series.figures.len() == 40));
        assert_eq!(chart.remarks(), ["and 10 more", "and 2 more groups"]);
        assert_eq!(chart.clone().keep(5).remarks()[0], "and 45 more");
        let last = Chart { latest: true, ..chart.clone() }.keep(2);
        assert!(last.labels[0].starts_with("label 38x"), "{:?}", last.labels);
        assert_eq!((last.series[0].figures.len(), last.remarks()[0].as_str()), (2, "and 48 earlier"));
        assert!(chart.labels[0].starts_with("label 0x") && chart.labels[0].ends_with('…'), "{}", chart.labels[0]);
        assert!(Chart::new(Shape::Bars, Unit::Count, "", vec![]).one(vec![]).is_empty());
    }

    #[test]
    fn one_currency_is_shown() {
        let sums = [vec![money(5, "USD"), money(0, "EUR")], vec![money(7, "JPY")]];
        let shown = |wanted| currency(sums.iter(), wanted);
        assert_eq!(shown("USD"), Some(("USD".into(), Some("without the amounts in JPY".into()))));
        assert_eq!(shown("EUR"), Some(("JPY".into(), Some("without the amounts in USD".into()))));
        assert_eq!(currency([vec![]].iter(), "EUR"), None);
        assert_eq!(sum_in(&sums[0], "USD").value, 0.05);
        assert_eq!(sum_in(&sums[1], "USD").value, 0.0);
    }

    #[test]
    fn groups_have_names() {
        let (some, none) = (Some("x".to_owned()), None);
        for (key, label, group_by, expected) in [
            (&some, &Some("Ann".to_owned()), "owner", "Ann"),
            (&some, &none, "owner", "x"),
            (&none, &none, "owner", "(none)"),
            (&none, &none, "none", "All"),
        ] {
            assert_eq!(GroupName { key, label, group_by }.shown(), expected);
        }
    }
}
