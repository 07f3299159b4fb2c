//! Writes values in a language: money, dates, times, names, and the words of closed sets.
use crate::kernel::access::actor::Actor;
use crate::kernel::fields::field::FieldRef;
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::money::{Money, decimal};
use crate::kernel::values::time::{DateTime, parse_date};
use crate::kernel::values::value_type::ValueType;
use crate::records::history::language::Language;
use crate::records::history::references::{Names, field_named, target};
use chrono::{Datelike, NaiveDate};
use serde_json::{Map, Value as Json};

/// Longer texts are cut.
const LONGEST: usize = 200;
/// What is written of a value with several members; the other members follow in parentheses.
const MAIN: [&str; 8] = ["email", "phone", "contact_id", "channel", "handle", "name", "source_id", "minutes_before"];
/// Members that repeat another one, or say nothing to people.
const OMITTED: [&str; 3] = ["e164", "key", "url"];
/// A blank that does not break the line.
const BLANK: &str = "\u{a0}";

const SYMBOLS: [(&str, &str); 8] =
    [("EUR", "€"), ("USD", "$"), ("GBP", "£"), ("RUB", "₽"), ("JPY", "¥"), ("UAH", "₴"), ("INR", "₹"), ("KZT", "₸")];

/// Writes the values of fields of one kind of record.
#[derive(Debug)]
pub struct Writer<'a> {
    pub actor: &'a Actor,
    pub kind: Kind,
    pub language: Language,
    pub names: &'a Names,
}

impl Writer<'_> {
    /// Returns the name of a field; custom fields have the name that the workspace gave them.
    pub fn label(&self, field: &str) -> String {
        let own = self.actor.settings.custom.of(self.kind).find(|own| own.path == field);
        own.map_or_else(|| self.language.field(field), |own| own.name.clone())
    }

    pub fn value(&self, field: &str, value: &Json) -> String {
        match value {
            Json::Null => self.nothing(),
            Json::Bool(flag) => self.word(if *flag { "word.true" } else { "word.false" }).to_owned(),
            Json::Number(number) if field.ends_with("_percent") => {
                self.filled("format.percent", "number", &number.to_string())
            }
            Json::Number(number) => number.to_string(),
            Json::String(text) => self.text(field, text),
            Json::Array(items) if items.is_empty() => self.nothing(),
            Json::Array(items) => items.iter().map(|item| self.value(field, item)).collect::<Vec<_>>().join(", "),
            Json::Object(members) => self.object(members),
        }
    }

    fn word(&self, entry: &str) -> &'static str {
        self.language.word(entry).unwrap_or_default()
    }

    fn nothing(&self) -> String {
        self.word("word.nothing").to_owned()
    }

    /// Puts one value into a pattern of the catalogue.
    fn filled(&self, entry: &str, name: &str, value: &str) -> String {
        self.word(entry).replace(&format!("{{{name}}}"), value).replace('_', BLANK)
    }

    fn text(&self, field: &str, text: &str) -> String {
        if text.is_empty() {
            return self.nothing();
        }
        if let (Some(kind), Ok(id)) = (target(self.actor, self.kind, field), text.parse()) {
            return self.names.of(kind, id).unwrap_or_else(|| self.word("word.unnamed")).to_owned();
        }
        let known = field_named(self.actor, self.kind, field);
        let value_type = known.as_ref().map(FieldRef::value_type);
        let date = || parse_date(text).map(|day| self.date(day));
        let time = || text.parse::<DateTime>().ok().map(|at| self.time(at));
        let written = match value_type {
            Some(ValueType::Date) => date(),
            Some(ValueType::Time) => time(),
            Some(_) => None,
            None => date().or_else(time),
        };
        let choice = || match known {
            Some(FieldRef::Custom(_)) => None,
            _ => self.language.word(&format!("value.{text}")),
        };
        written.or_else(|| choice().map(str::to_owned)).unwrap_or_else(|| cut(text))
    }

    fn object(&self, members: &Map<String, Json>) -> String {
        if let Ok(money) = serde_json::from_value::<Money>(Json::Object(members.clone())) {
            return self.money(&money);
        }
        if let (Some(Json::String(from)), Some(Json::String(to)), 2) =
            (members.get("from"), members.get("to"), members.len())
        {
            return format!("{from}–{to}");
        }
        let shown = |(name, value): &(&String, &Json)| !value.is_null() && !OMITTED.contains(&name.as_str());
        let mut parts: Vec<(&str, String)> =
            members.iter().filter(shown).map(|(name, value)| (name.as_str(), self.value(name, value))).collect();
        let main = MAIN.iter().find_map(|main| parts.iter().position(|(name, _)| name == main)).unwrap_or(0);
        if parts.is_empty() {
            return self.nothing();
        }
        let main = parts.remove(main).1;
        let others: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
        if others.is_empty() { main } else { format!("{main} ({})", others.join(", ")) }
    }

    /// Writes an amount: €1,200.00, or 1.200,00 €.
    pub fn money(&self, money: &Money) -> String {
        let plain = decimal(money.amount, &money.currency);
        let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |digits| ("-", digits));
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let mut number = grouped(whole, &self.word("format.thousands").replace('_', BLANK));
        if !part.is_empty() {
            number = format!("{number}{}{part}", self.word("format.point"));
        }
        let symbol = SYMBOLS.iter().find(|(code, _)| *code == money.currency).map(|(_, symbol)| *symbol);
        let pattern = if symbol.is_some() { "format.money" } else { "format.money_by_code" };
        let written = self.filled(pattern, "number", &number);
        format!("{sign}{}", written.replace("{currency}", symbol.unwrap_or(&money.currency)))
    }

    pub fn date(&self, day: NaiveDate) -> String {
        let month = self.word(&format!("month.{}", day.month()));
        let pattern = self.word("format.date");
        let filled = pattern.replace("{day}", &day.day().to_string()).replace("{year}", &day.year().to_string());
        filled.replace("{month}", month)
    }

    /// Writes an instant in the time zone of the reader.
    pub fn time(&self, at: DateTime) -> String {
        let local = at.utc().with_timezone(&self.actor.settings.own_time_zone);
        let pattern = self.word("format.time");
        pattern.replace("{date}", &self.date(local.date_naive())).replace("{time}", &local.format("%H:%M").to_string())
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// Separates thousands: 1200 becomes 1,200.
fn grouped(digits: &str, separator: &str) -> String {
    let length = digits.len();
    let mut text = String::with_capacity(length + length / 3);
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (length - n).is_multiple_of(3) {
            text.push_str(separator);
        }
        text.push(digit);
    }
    text
}
