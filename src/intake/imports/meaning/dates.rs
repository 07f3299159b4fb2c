//! The order of dates, and dates with numbers only.
use chrono::{Datelike, NaiveDate};

/// Which of day and month comes first in a date with the year behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DayMonth {
    DayFirst,
    MonthFirst,
}

/// The order of a date whose year has two digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Order {
    Dmy,
    Mdy,
    Ymd,
}

impl Order {
    pub const ALL: [Order; 3] = [Order::Dmy, Order::Mdy, Order::Ymd];

    pub fn as_str(self) -> &'static str {
        match self {
            Order::Dmy => "dmy",
            Order::Mdy => "mdy",
            Order::Ymd => "ymd",
        }
    }

    pub fn parse(text: &str) -> Option<Order> {
        Order::ALL.into_iter().find(|order| order.as_str() == text)
    }
}

impl DayMonth {
    pub fn order(self) -> Order {
        match self {
            DayMonth::DayFirst => Order::Dmy,
            DayMonth::MonthFirst => Order::Mdy,
        }
    }
}

/// The orders of dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orders {
    /// Of dates with a year of four digits behind.
    pub long: DayMonth,
    /// Of dates with a year of two digits.
    pub short: Order,
}

impl Orders {
    pub const DAY_FIRST: Orders = Orders { long: DayMonth::DayFirst, short: Order::Dmy };

    /// Returns the order of a date.
    pub fn order_of(self, triple: &Triple) -> Order {
        if triple.long { self.long.order() } else { self.short }
    }
}

/// Three numbers that are a date in some order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Triple {
    pub numbers: [u32; 3],
    /// The year has four digits and is the last number.
    pub long: bool,
    /// Points are between the numbers.
    pub dotted: bool,
}

/// How years of two digits get their century.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Century {
    /// The current date.
    pub today: NaiveDate,
    /// The date is not in the future, as a birthday.
    pub past: bool,
}

/// A year of two digits is at most this many years in the future.
const AHEAD: i32 = 20;

impl Century {
    /// Returns the date in the century that fits.
    fn complete(self, year: u32, month: u32, day: u32) -> Option<NaiveDate> {
        let this = self.today.year();
        let mut full = this - this.rem_euclid(100) + i32::try_from(year).ok()?;
        while full > this + AHEAD {
            full -= 100;
        }
        while full + 100 <= this + AHEAD {
            full += 100;
        }
        let date = NaiveDate::from_ymd_opt(full, month, day);
        let late = self.past && date.is_none_or(|date| date > self.today);
        if late { NaiveDate::from_ymd_opt(full - 100, month, day) } else { date }
    }
}

impl Triple {
    /// Returns the orders in which this is a date.
    pub fn orders(&self) -> impl Iterator<Item = Order> {
        let all = if self.long { [Some(Order::Dmy), Some(Order::Mdy), None] } else { Order::ALL.map(Some) };
        let triple = *self;
        all.into_iter().flatten().filter(move |order| triple.fits(*order))
    }

    fn fits(&self, order: Order) -> bool {
        self.sample(order).is_some()
    }

    /// Returns the date in an order, with a short year in this century.
    pub fn sample(&self, order: Order) -> Option<NaiveDate> {
        let (year, month, day) = self.ymd(order);
        let year = if self.long { year } else { year.checked_add(2000)? };
        let known = !(self.long && order == Order::Ymd) && (1000..=9999).contains(&year);
        NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day).filter(|_| known)
    }

    fn ymd(&self, order: Order) -> (u32, u32, u32) {
        let [a, b, c] = self.numbers;
        match order {
            Order::Dmy => (c, b, a),
            Order::Mdy => (c, a, b),
            Order::Ymd => (a, b, c),
        }
    }

    /// Returns the date in the given orders.
    pub fn date(&self, orders: Orders, century: Century) -> Option<NaiveDate> {
        let order = orders.order_of(self);
        let (year, month, day) = self.ymd(order);
        if !self.fits(order) {
            None
        } else if self.long {
            NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
        } else {
            century.complete(year, month, day)
        }
    }
}

#[cfg(test)]
#[path = "dates_tests.rs"]
mod tests;
