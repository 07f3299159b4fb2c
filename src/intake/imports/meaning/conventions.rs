//! What was decided about a file, and the values of its cells according to it.
use crate::intake::imports::meaning::amounts::WrittenAmount;
use crate::intake::imports::meaning::clock;
use crate::intake::imports::meaning::currencies::{self, Sign};
use crate::intake::imports::meaning::date_evidence::FileOrders;
use crate::intake::imports::meaning::dates::{Century, Orders, Triple};
use crate::intake::imports::meaning::doubt::{Note, Read, Refusal, RefusalKind};
use crate::intake::imports::meaning::numerals::{self, Decimal, Misfit, Value};
use crate::intake::imports::meaning::outcomes::{self, Outcome};
use crate::intake::imports::meaning::serials::{NumericDates, SerialMoment};
use crate::intake::imports::meaning::written_dates::{Written, WrittenDay, WrittenTime, Zone};
use crate::kernel::values::money::{self, AMOUNT_MAX};
use crate::kernel::values::time::{DateTime, day_start};
use chrono::{Days, NaiveDate, NaiveDateTime};
use chrono_tz::Tz;
use std::collections::BTreeMap;

/// The decisions about numbers, amounts and dates.
#[derive(Clone, Debug)]
pub struct Conventions {
    pub decimal: Decimal,
    /// The currency of amounts that do not name their own.
    pub currency: String,
    /// The currencies of signs that several currencies have.
    pub signs: BTreeMap<&'static str, &'static str>,
    pub orders: FileOrders,
    /// The zone of times without an offset, and of the dates of instants.
    pub zone: Tz,
    /// The current date.
    pub today: NaiveDate,
}

/// An amount in the minor unit of its currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    pub minor: i64,
    pub currency: String,
}

/// How a column of dates is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct DateColumn {
    /// The column consists of numbers that are dates.
    pub numeric: Option<NumericDates>,
    /// The column has an order of its own.
    pub orders: Option<FileOrders>,
    /// The dates are in the past, as birthdays.
    pub past: bool,
}

/// Checks whether a text in a column of dates says that there is none: `not closed`, `0000-00-00`.
pub fn is_no_date(text: &str) -> bool {
    let zero = text.len() <= LONGEST_ZERO
        && text.contains('0')
        && text.chars().all(|c| matches!(c, '0' | '-' | '.' | '/' | ':' | ' '));
    zero || outcomes::outcome(text) == Some(Outcome::Open)
}

/// The length of 0000-00-00 00:00:00.
const LONGEST_ZERO: usize = 19;

type Result<T> = std::result::Result<T, Refusal>;

fn unreadable(detail: String) -> Refusal {
    Refusal::new(RefusalKind::Unreadable, detail)
}

fn scientific(text: &str) -> Refusal {
    let detail = format!(
        "{text} is a number in scientific notation, which lost digits; format the column as text or number in the spreadsheet"
    );
    Refusal::new(RefusalKind::Scientific, detail)
}

impl Conventions {
    /// Reads an amount, multiplied by `multiply`. `named` is the currency that another column of the row names; the
    /// cell's own currency counts more.
    pub fn amount(&self, text: &str, named: Option<&str>, multiply: i64) -> Result<Read<Amount>> {
        let written = self.written(text, "an amount")?;
        if written.percent {
            return Err(unreadable(format!("{text} is a percentage, not an amount")));
        }
        let (currency, note) = match written.currency {
            Some(Sign::Code(code)) => (code, None),
            Some(Sign::Shared(shared)) => self.shared(shared, named),
            None => (named.unwrap_or(&self.currency), None),
        };
        let value = self.value(&written, text, "an amount")?;
        let exponent = usize::try_from(money::exponent(currency)).unwrap_or(2);
        let (minor, rounded) = value.scaled(exponent).map_err(|misfit| misfit_of_amount(text, currency, misfit))?;
        let minor = minor.checked_mul(multiply).filter(|minor| (-AMOUNT_MAX..=AMOUNT_MAX).contains(minor));
        let minor = minor.ok_or_else(|| misfit_of_amount(text, currency, Misfit::TooLarge))?;
        let noise = rounded.then_some(Note::NoiseRounded);
        Ok(Read::plain(Amount { minor, currency: currency.to_owned() }).noted(note).noted(noise))
    }

    /// Returns the currency of a sign: the one that the row names, if it has the sign, else what was decided.
    fn shared<'s>(&'s self, shared: &currencies::SharedSign, named: Option<&'s str>) -> (&'s str, Option<Note>) {
        let fits = named.filter(|code| shared.codes.contains(code));
        let decided =
            || self.signs.get(shared.sign).copied().or(shared.codes.first().copied()).unwrap_or(&self.currency);
        fits.map_or_else(|| (decided(), Some(Note::SignGuessed)), |code| (code, None))
    }

    /// Reads the code, sign or name of a currency in a currency column.
    pub fn currency(&self, text: &str) -> Result<Read<String>> {
        match Sign::of(text) {
            Some(Sign::Code(code)) => Ok(Read::plain(code.to_owned())),
            Some(Sign::Shared(shared)) => {
                let (code, note) = self.shared(shared, None);
                Ok(Read::plain(code.to_owned()).noted(note))
            }
            None => Err(unreadable(format!("{text} is not a currency; use an ISO 4217 code such as EUR"))),
        }
    }

    /// Reads a whole number: employees, years, minutes.
    pub fn integer(&self, text: &str, multiply: i64) -> Result<Read<i64>> {
        let read = |conventions: &Conventions| {
            let value = conventions.plain_value(text, "a whole number")?;
            value.scaled(0).map_err(|_| unreadable(format!("{text} is not a whole number")))
        };
        // A whole number has no decimals, so the sign before three digits is a group mark.
        let grouped = || read(&Conventions { decimal: self.decimal.other(), ..self.clone() });
        let (number, rounded) = read(self).or_else(|refusal| grouped().map_err(|_| refusal))?;
        let number = number.checked_mul(multiply).ok_or_else(|| too_large(text))?;
        Ok(Read::plain(number).noted(rounded.then_some(Note::NoiseRounded)))
    }

    /// Reads a number with decimals.
    pub fn number(&self, text: &str) -> Result<Read<f64>> {
        Ok(Read::plain(self.plain_value(text, "a number")?.float()))
    }

    fn plain_value(&self, text: &str, what: &str) -> Result<Value> {
        let written = self.written(text, what)?;
        if written.currency.is_some() {
            return Err(unreadable(format!("{text} is an amount, not {what}")));
        }
        self.value(&written, text, what)
    }

    fn written(&self, text: &str, what: &str) -> Result<WrittenAmount> {
        if numerals::is_scientific(text) {
            return Err(scientific(text));
        }
        WrittenAmount::of(text).ok_or_else(|| unreadable(format!("{text} is not {what}")))
    }

    fn value(&self, written: &WrittenAmount, text: &str, what: &str) -> Result<Value> {
        let sign = self.decimal.as_str();
        let refusal = || unreadable(format!("{text} is not {what} with the decimal sign {sign}"));
        written.value(self.decimal).ok_or_else(refusal)
    }

    /// Reads a date. A time in the cell is left out; an instant gives the date in the zone.
    pub fn date(&self, text: &str, column: DateColumn) -> Result<Read<NaiveDate>> {
        Ok(self.moment(text, column)?.map(|moment| match moment {
            Moment::Day(day) => day,
            Moment::Local(at) => at.date(),
            Moment::Instant(at) => at.utc().with_timezone(&self.zone).date_naive(),
        }))
    }

    /// Reads an instant. A date without a time is the beginning of the day.
    pub fn instant(&self, text: &str, column: DateColumn) -> Result<Read<DateTime>> {
        let Read { value, mut notes } = self.moment(text, column)?;
        let value = match value {
            Moment::Day(day) => day_start(day, self.zone),
            Moment::Instant(at) => at,
            Moment::Local(at) => {
                let read = clock::instant(at, self.zone);
                notes.extend(read.notes);
                read.value
            }
        };
        Ok(Read { value, notes })
    }

    fn moment(&self, text: &str, column: DateColumn) -> Result<Read<Moment>> {
        if let Some(numeric) = column.numeric {
            let moment = numeric.read(text).map(Moment::of_serial);
            return moment.map(Read::plain).ok_or_else(|| unreadable(format!("{text} is not a date")));
        }
        let written = Written::of(text).ok_or_else(|| unreadable(format!("{text} is not a date")))?;
        let Read { value: day, notes } = self.day(text, written.day, column)?;
        let moment = match written.time {
            None => Moment::Day(day),
            Some(time) => at(day, time).ok_or_else(|| unclear_zone(text))?,
        };
        Ok(Read { value: moment, notes })
    }

    fn day(&self, text: &str, day: WrittenDay, column: DateColumn) -> Result<Read<NaiveDate>> {
        let century = Century { today: self.today, past: column.past };
        let short = |triple: &Triple, orders: Orders| {
            let date = triple.date(orders, century);
            date.ok_or_else(|| {
                unreadable(format!("{text} is not a date in the order {}", orders.order_of(triple).as_str()))
            })
        };
        Ok(match day {
            WrittenDay::Known(day) | WrittenDay::Compact(day) => Read::plain(day),
            WrittenDay::Month(first) => Read::plain(first).noted(Some(Note::DayMissing)),
            WrittenDay::ShortYear(triple) => {
                Read::plain(short(&triple, Orders::DAY_FIRST)?).noted(Some(Note::CenturyGuessed))
            }
            WrittenDay::Numbers(triple) => {
                let orders = column.orders.unwrap_or(self.orders).of(&triple);
                Read::plain(short(&triple, orders)?).noted((!triple.long).then_some(Note::CenturyGuessed))
            }
        })
    }
}

/// A date, perhaps with a time.
enum Moment {
    Day(NaiveDate),
    /// In the zone of the workspace.
    Local(NaiveDateTime),
    Instant(DateTime),
}

impl Moment {
    fn of_serial(moment: SerialMoment) -> Moment {
        match moment {
            SerialMoment::Local(at, true) => Moment::Local(at),
            SerialMoment::Local(at, false) => Moment::Day(at.date()),
            SerialMoment::Instant(at) => Moment::Instant(at.into()),
        }
    }
}

/// Combines a day and a time; `None` if the zone of the time is unclear.
fn at(day: NaiveDate, time: WrittenTime) -> Option<Moment> {
    let day = if time.next_day { day.checked_add_days(Days::new(1))? } else { day };
    let local = day.and_time(time.time);
    match time.zone {
        Zone::Local => Some(Moment::Local(local)),
        Zone::Offset(offset) => {
            let at = local.and_local_timezone(offset).single()?;
            Some(Moment::Instant(at.with_timezone(&chrono::Utc).into()))
        }
        Zone::Unclear => None,
    }
}

fn unclear_zone(text: &str) -> Refusal {
    let detail = format!("the time zone of {text} has several meanings; use an offset such as +01:00");
    Refusal::new(RefusalKind::Ambiguous, detail)
}

fn too_large(text: &str) -> Refusal {
    Refusal::new(RefusalKind::OutOfRange, format!("{text} is too large"))
}

fn misfit_of_amount(text: &str, currency: &str, misfit: Misfit) -> Refusal {
    match misfit {
        Misfit::TooLarge => too_large(text),
        Misfit::TooPrecise => {
            let digits = money::exponent(currency);
            let detail = format!("{text} has more decimals than the {digits} of {currency}");
            Refusal::new(RefusalKind::TooPrecise, detail)
        }
    }
}

#[cfg(test)]
#[path = "conventions_tests.rs"]
mod tests;
