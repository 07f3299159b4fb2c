//! The notation of dates, from the dates in the columns of a file.
use crate::intake::imports::meaning::dates::{DayMonth, Order, Orders, Triple};
use crate::intake::imports::meaning::doubt::{Choice, Doubt, Evidence, Named, Verdict, Witnesses};
use crate::intake::imports::meaning::regions;
use crate::intake::imports::meaning::serials::{NumericDates, Serial};
use crate::intake::imports::meaning::written_dates::{Written, WrittenDay};

/// What one date says about the orders in which it can be read, as the number of an order set.
const SETS: usize = 8;

/// Dates whose order can differ: those with points, and all others. Programs that write points write the day first, so
/// both are decided separately.
const KINDS: usize = 4;

/// The dates of a column, by what they show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DateEvidence {
    /// By kind (long or short year, dotted or not) and by the set of possible orders.
    triples: [[Witnesses; SETS]; KINDS],
    /// Dates that have one meaning.
    clear: u64,
    compact: u64,
    days: u64,
    seconds: u64,
    millis: u64,
    others: u64,
}

/// Returns the place of the evidence: short years are behind long ones, and dotted dates behind others.
fn kind(long: bool, dotted: bool) -> usize {
    usize::from(!long) + 2 * usize::from(dotted)
}

fn bit(order: Order) -> usize {
    match order {
        Order::Dmy => 1,
        Order::Mdy => 2,
        Order::Ymd => 4,
    }
}

impl DateEvidence {
    /// Adds a date; `written` is `None` for another text, and `serial` how a number can be a date.
    pub fn note(&mut self, line: u64, text: &str, written: Option<&Written>, serial: Option<Serial>) {
        match (written.map(|written| written.day), serial) {
            (Some(WrittenDay::Numbers(triple)), _) => self.note_triple(line, text, &triple),
            (Some(WrittenDay::Compact(_)), _) => self.compact += 1,
            (Some(_), _) => self.clear += 1,
            (None, Some(Serial::Days)) => self.days += 1,
            (None, Some(Serial::UnixSeconds)) => self.seconds += 1,
            (None, Some(Serial::UnixMillis)) => self.millis += 1,
            (None, None) => self.others += 1,
        }
    }

    fn note_triple(&mut self, line: u64, text: &str, triple: &Triple) {
        let set = triple.orders().map(bit).sum::<usize>();
        let place = self.triples.get_mut(kind(triple.long, triple.dotted)).and_then(|sets| sets.get_mut(set));
        if let Some(witnesses) = place {
            witnesses.add(line, text);
        }
    }

    fn triples(&self) -> u64 {
        self.triples.iter().flatten().map(|witnesses| witnesses.count).sum()
    }

    /// Returns the number of written dates.
    pub fn written(&self) -> u64 {
        self.clear + self.compact + self.triples()
    }

    /// Returns the notation of the numbers if the column consists of them.
    pub fn numeric(&self, since_1904: bool) -> Option<NumericDates> {
        if self.written() + self.others > 0 {
            return None;
        }
        let days = if since_1904 { NumericDates::Days1904 } else { NumericDates::Days1900 };
        match (self.days, self.seconds, self.millis) {
            (0, 0, 0) => None,
            (_, 0, 0) => Some(days),
            (0, _, 0) => Some(NumericDates::UnixSeconds),
            (0, 0, _) => Some(NumericDates::UnixMillis),
            _ => None,
        }
    }

    fn sets(&self, long: bool, dotted: bool) -> impl Iterator<Item = (usize, &Witnesses)> {
        self.triples.get(kind(long, dotted)).into_iter().flat_map(|sets| sets.iter().enumerate())
    }
}

/// The orders of the dates of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileOrders {
    /// Of dates with points.
    pub dotted: Orders,
    pub other: Orders,
}

impl FileOrders {
    pub fn of(&self, triple: &Triple) -> Orders {
        if triple.dotted { self.dotted } else { self.other }
    }

    /// Returns the orders that a setting gives.
    fn given(order: Order, country: &str) -> FileOrders {
        let long = match order {
            Order::Dmy => DayMonth::DayFirst,
            Order::Mdy => DayMonth::MonthFirst,
            Order::Ymd => regions::orders(country).long,
        };
        let orders = Orders { long, short: order };
        FileOrders { dotted: orders, other: orders }
    }
}

/// The setting `date_order`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateOrder {
    Of(Order),
    /// Each column has its own order.
    PerColumn,
}

/// The value of `DateOrder::PerColumn`.
pub const PER_COLUMN: &str = "per_column";

impl DateOrder {
    pub fn parse(text: &str) -> Option<DateOrder> {
        if text == PER_COLUMN { Some(DateOrder::PerColumn) } else { Order::parse(text).map(DateOrder::Of) }
    }
}

type Columns<'e> = [Named<'e, DateEvidence>];

/// Returns the orders of all mapped columns with dates together. With `DateOrder::PerColumn`, call it for each column.
pub fn decide(given: Option<DateOrder>, columns: &Columns<'_>, country: &str) -> Verdict<FileOrders> {
    if let Some(DateOrder::Of(order)) = given {
        return Verdict::Decided(FileOrders::given(order, country));
    }
    let usual = regions::orders(country);
    let (dotted, other) = (Fit::of(columns, true, usual), Fit::of(columns, false, usual));
    let (dotted, other) = (dotted.beside(&other), other.beside(&dotted));
    let orders = FileOrders { dotted: dotted.best, other: other.best };
    if dotted.is_contradicted || other.is_contradicted {
        Verdict::Asked(orders, doubt(columns, if other.is_contradicted { other } else { dotted }, country))
    } else if dotted.is_guessed || other.is_guessed {
        Verdict::Guessed(orders, doubt(columns, if other.is_guessed { other } else { dotted }, country))
    } else {
        Verdict::Decided(orders)
    }
}

/// The orders that fit the dates with or without points.
#[derive(Clone, Copy, Debug)]
struct Fit {
    dotted: bool,
    best: Orders,
    /// The dates themselves show which of day and month comes first.
    is_shown: bool,
    /// Another order fits too and gives other dates.
    is_guessed: bool,
    is_contradicted: bool,
}

impl Fit {
    /// `usual` are the orders of the country.
    fn of(columns: &Columns<'_>, dotted: bool, usual: Orders) -> Fit {
        let candidates = candidates(usual, dotted);
        let fits: Vec<Orders> =
            candidates.iter().copied().filter(|orders| misses(columns, dotted, *orders) == 0).collect();
        let nearest = || candidates.iter().copied().min_by_key(|orders| misses(columns, dotted, *orders));
        let best = fits.first().copied().or_else(nearest).unwrap_or(usual);
        let used = |long: bool| columns.iter().any(|column| has_dates(column, long, dotted));
        let (long, short) = (used(true), used(false));
        // Points are written with the day first, and a year of two digits stands behind, unless the country or the
        // dates say otherwise.
        let counts = |other: Orders| {
            let other_long = long && other.long != best.long && !(dotted && usual.long == best.long);
            let other_short = short && other.short != best.short && !(dotted && usual.short == best.short);
            (other_long || other_short) && (other.short != Order::Ymd || usual.short == Order::Ymd)
        };
        Fit {
            dotted,
            best,
            is_shown: (long || short) && fits.iter().all(|other| other.long == best.long) && !fits.is_empty(),
            is_guessed: fits.iter().any(|other| counts(*other)),
            is_contradicted: fits.is_empty(),
        }
    }

    /// Completes what is ambiguous with what the other kind of dates shows. Dates with points are never read with the
    /// month first because other dates are.
    fn beside(self, other: &Fit) -> Fit {
        let agrees = !self.dotted || other.best.long == self.best.long;
        if !self.is_guessed || !other.is_shown || !agrees || self.best.short == Order::Ymd {
            return self;
        }
        let short = if other.best.short == Order::Ymd { other.best.long.order() } else { other.best.short };
        Fit { best: Orders { long: other.best.long, short }, is_guessed: false, ..self }
    }
}

/// Returns the possible orders, the usual one first: the same for long and short years, or short years in front.
fn candidates(usual: Orders, dotted: bool) -> [Orders; 4] {
    let first = if dotted { DayMonth::DayFirst } else { usual.long };
    let of = |long: DayMonth, short: Order| Orders { long, short };
    let both = [DayMonth::DayFirst, DayMonth::MonthFirst];
    let [a, b] = both.map(|long| of(long, long.order()));
    let [c, d] = both.map(|long| of(long, Order::Ymd));
    let mut all = [a, b, c, d];
    all.sort_by_key(|orders| ((orders.short == Order::Ymd) != (usual.short == Order::Ymd), orders.long != first));
    all
}

/// Returns the number of dates that are none with these orders.
fn misses(columns: &Columns<'_>, dotted: bool, orders: Orders) -> u64 {
    let of = |long: bool, order: Order| {
        let sets = columns.iter().flat_map(move |c| c.evidence.sets(long, dotted));
        sets.filter(move |(set, _)| set & bit(order) == 0).map(|(_, witnesses)| witnesses.count).sum::<u64>()
    };
    of(true, orders.long.order()) + of(false, orders.short)
}

fn doubt(columns: &Columns<'_>, fit: Fit, country: &str) -> Doubt {
    let evidence = evidence(columns);
    let is_short = columns.iter().any(|c| [true, false].iter().any(|dotted| has_dates(c, false, *dotted)));
    let best = if is_short { fit.best.short } else { fit.best.long.order() };
    let mut orders: Vec<Order> = Order::ALL.into_iter().filter(|order| is_short || *order != Order::Ymd).collect();
    orders.sort_by_key(|order| *order != best);
    let text = evidence.iter().find(|e| e.choice.is_none()).or(evidence.first()).map(|e| e.text.clone());
    let mut choices: Vec<Choice> =
        orders.into_iter().map(|order| Choice::new(order.as_str(), meaning(order, text.as_deref()))).collect();
    if fit.is_contradicted && columns.len() > 1 && is_consistent_per_column(columns, country) {
        choices.insert(0, Choice::new(PER_COLUMN, "each column has the order that its own dates show"));
    }
    Doubt {
        key: "date_order".to_owned(),
        question: "In which order are day, month and year written?".to_owned(),
        choices,
        evidence,
    }
}

fn has_dates(column: &Named<'_, DateEvidence>, long: bool, dotted: bool) -> bool {
    column.evidence.sets(long, dotted).any(|(_, witnesses)| !witnesses.is_empty())
}

fn is_consistent_per_column(columns: &Columns<'_>, country: &str) -> bool {
    columns.iter().all(|column| !decide(None, std::slice::from_ref(column), country).is_question())
}

fn evidence(columns: &Columns<'_>) -> Vec<Evidence> {
    let mut evidence = Vec::new();
    for Named { column, evidence: dates } in columns {
        for (dotted, long) in [(false, true), (false, false), (true, true), (true, false)] {
            for (set, witnesses) in dates.sets(long, dotted) {
                let only = Order::ALL.into_iter().find(|order| set == bit(*order));
                evidence.extend(witnesses.evidence(column, only.map(Order::as_str)));
            }
        }
    }
    evidence
}

/// Returns what the first doubtful date would be.
fn meaning(order: Order, text: Option<&str>) -> String {
    let day = text.and_then(Written::of).map(|written| written.day);
    let (Some(text), Some(WrittenDay::Numbers(triple))) = (text, day) else { return String::new() };
    match triple.sample(order) {
        Some(date) => format!("{text} is {date}"),
        None => format!("{text} is not a date"),
    }
}

#[cfg(test)]
#[path = "date_evidence_tests.rs"]
mod tests;
