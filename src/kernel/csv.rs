//! CSV. Of reports: one line per row, nested members as `a.b`, amounts as decimals in a column per currency. Of records: one line each,
//! an amount and its currency beside each other, what there are several of separated by commas, fields of one's own as `cf.key`.
use crate::kernel::access::OWN_FIELD;
use crate::kernel::error::{Error, Result};
use crate::kernel::money::exponent;
use crate::kernel::reply::Reply;
use serde::Serialize;
use serde_json::Value as Json;

/// Flat rows of a report as CSV with a header; without rows nothing, since the rows say which currencies there are.
pub fn reply(rows: &[impl Serialize]) -> Result<Reply> {
    write(rows, |row, cells| flatten("", row, cells))
}

/// Records as CSV with a header, without what is hidden.
pub fn records(rows: &[impl Serialize], hidden: &[&str]) -> Result<Reply> {
    write(rows, |row, cells| {
        for (name, value) in row.as_object().into_iter().flatten() {
            if !hidden.contains(&name.as_str()) {
                members(name, value, hidden, cells);
            }
        }
    })
}

type Cells = Vec<(String, String)>;

fn write(rows: &[impl Serialize], cells_of: impl Fn(&Json, &mut Cells)) -> Result<Reply> {
    let mut columns: Vec<String> = Vec::new();
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let mut cells = Vec::new();
        cells_of(&serde_json::to_value(row).map_err(Error::internal)?, &mut cells);
        for (name, _) in &cells {
            if !columns.contains(name) {
                columns.push(name.clone());
            }
        }
        lines.push(cells);
    }
    if rows.is_empty() {
        return Ok(Reply::csv(String::new()));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(&columns).map_err(Error::internal)?;
    for cells in lines {
        let cell = |column: &String| cells.iter().find(|(name, _)| name == column).map_or("", |(_, text)| text);
        writer.write_record(columns.iter().map(cell)).map_err(Error::internal)?;
    }
    let bytes = writer.into_inner().map_err(Error::internal)?;
    Ok(Reply::csv(String::from_utf8(bytes).map_err(Error::internal)?))
}

/// What is told of the parts of a list.
const TOLD: [(&str, &str); 3] = [("emails", "email"), ("phones", "phone"), ("contacts", "contact_id")];

/// The cells of one member of a record.
fn members(name: &str, value: &Json, hidden: &[&str], cells: &mut Cells) {
    match value {
        Json::Array(own) if name == "custom_fields" => {
            for field in own {
                let column = format!("{OWN_FIELD}{}", field["key"].as_str().unwrap_or_default());
                let given =
                    field.as_object().into_iter().flatten().filter(|(part, value)| *part != "key" && is_given(value));
                if !hidden.contains(&column.as_str()) {
                    given.for_each(|(_, value)| members(&column, value, hidden, cells));
                }
            }
        }
        Json::Array(list) => {
            let told = TOLD.iter().find(|(known, _)| *known == name).map(|(_, part)| *part);
            let texts = list.iter().filter_map(|one| told.map_or(Some(one), |part| one.get(part))?.as_str());
            cells.push((name.to_owned(), harmless(&texts.collect::<Vec<_>>().join(", "))));
        }
        Json::Object(parts) => match (value["amount"].as_i64(), value["currency"].as_str()) {
            (Some(amount), Some(currency)) => {
                cells.push((name.to_owned(), decimal(amount, currency)));
                cells.push((format!("{name}.currency"), currency.to_owned()));
            }
            _ => parts.iter().for_each(|(part, value)| members(&format!("{name}.{part}"), value, hidden, cells)),
        },
        other => flatten(name, other, cells),
    }
}

fn is_given(value: &Json) -> bool {
    !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
}

fn flatten(name: &str, value: &Json, cells: &mut Cells) {
    let inner = |part: &str| if name.is_empty() { part.to_owned() } else { format!("{name}.{part}") };
    match value {
        Json::Object(members) => members.iter().for_each(|(part, value)| flatten(&inner(part), value, cells)),
        Json::Array(amounts) => {
            for money in amounts {
                if let (Some(amount), Some(currency)) = (money["amount"].as_i64(), money["currency"].as_str()) {
                    cells.push((format!("{name}_{currency}"), decimal(amount, currency)));
                }
            }
        }
        Json::String(text) => cells.push((name.to_owned(), harmless(text))),
        Json::Null => cells.push((name.to_owned(), String::new())),
        other => cells.push((name.to_owned(), other.to_string())),
    }
}

/// 125000 EUR is 1250.00.
fn decimal(amount: i64, currency: &str) -> String {
    let digits = usize::try_from(exponent(currency)).unwrap_or(2);
    let sign = if amount < 0 { "-" } else { "" };
    let text = format!("{:0>width$}", amount.unsigned_abs(), width = digits + 1);
    let (whole, part) = text.split_at(text.len() - digits);
    if digits == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// A spreadsheet takes text that begins like this for a formula; an apostrophe keeps it text.
pub fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::{decimal, harmless};

    #[test]
    fn amounts_and_formulas() {
        assert_eq!(decimal(125_000, "EUR"), "1250.00");
        assert_eq!(decimal(-7, "EUR"), "-0.07");
        assert_eq!(decimal(500, "JPY"), "500");
        assert_eq!(decimal(1, "KWD"), "0.001");
        assert_eq!(harmless("=1+1"), "'=1+1");
        assert_eq!(harmless("Acme"), "Acme");
    }
}
