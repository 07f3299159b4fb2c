//! Prints what was detected in a file, and what an import did or would do.
use crate::kernel::values::money::decimal;
use serde_json::Value as Json;

/// Rows of the preview that are printed.
const PREVIEWED: usize = 3;

pub fn member<'j>(value: &'j Json, name: &str) -> &'j Json {
    value.get(name).unwrap_or(&Json::Null)
}

fn text<'j>(value: &'j Json, name: &str) -> &'j str {
    member(value, name).as_str().unwrap_or_default()
}

fn list<'j>(value: &'j Json, name: &str) -> impl Iterator<Item = &'j Json> {
    member(value, name).as_array().into_iter().flatten()
}

/// Prints which part of an import follows.
pub fn print_place(import: &Json) {
    if !member(import, "parent_id").is_null() {
        println!("== {} {}", text(import, "resource"), text(member(import, "detected"), "sheet"));
    }
}

/// Prints the file, its columns with their fields, and what is doubtful about it.
pub fn print_detected(detected: &Json) {
    let format = ["kind", "origin", "sheet", "encoding"].map(|name| text(detected, name));
    let format: Vec<&str> = format.into_iter().filter(|part| !part.is_empty()).collect();
    println!("{} rows: {}", member(detected, "rows"), format.join(", "));
    for column in list(detected, "columns") {
        let samples: Vec<&str> = list(column, "samples").filter_map(Json::as_str).take(3).collect();
        match member(column, "suggested_field").as_str() {
            Some(field) => {
                println!("  {} → {field} ({}): {}", text(column, "name"), text(column, "reason"), samples.join(" | "))
            }
            None => println!(
                "  {} is not read: {} ({} values)",
                text(column, "name"),
                text(column, "unread"),
                member(column, "filled")
            ),
        }
    }
    print_findings(detected);
}

/// Prints what was left out, filled in or read in a doubtful way.
pub fn print_findings(detected: &Json) {
    for finding in list(detected, "findings") {
        println!("  {} {}{}", member(finding, "count"), text(finding, "detail"), places(finding));
    }
}

/// Returns the lines of a finding, or what it is about if that is no line.
fn places(finding: &Json) -> String {
    let place =
        |one: &Json| member(one, "line").as_i64().map_or_else(|| text(one, "text").to_owned(), |n| n.to_string());
    let places: Vec<String> = list(finding, "examples").map(place).collect();
    let on_lines = list(finding, "examples").any(|one| member(one, "line").is_i64());
    match places.is_empty() {
        true => String::new(),
        false => format!(" ({}{})", if on_lines { "line " } else { "" }, places.join(", ")),
    }
}

/// Prints the questions that settings must answer.
pub fn print_decisions(decisions: &Json) {
    for decision in decisions.as_array().into_iter().flatten() {
        println!("question: {}", text(decision, "question"));
        for choice in list(decision, "choices") {
            let flag = flag(text(decision, "key"), text(choice, "value"));
            println!("  {flag}: {}", text(choice, "meaning"));
        }
        for cell in list(decision, "evidence") {
            println!("  line {}, {}: {}", member(cell, "line"), text(cell, "column"), text(cell, "text"));
        }
    }
}

/// Returns the flag that answers a question: `--currency-sign '$=CAD'` answers `currency_signs.$`.
fn flag(key: &str, value: &str) -> String {
    match key.split_once('.') {
        Some(("currency_signs", sign)) => format!("--currency-sign '{sign}={value}'"),
        Some((_, name)) => format!("--stage-name '{name}={value}'"),
        None => format!("--{} {value}", key.replace('_', "-")),
    }
}

pub fn print_report(report: &Json, dry_run: bool) {
    let would = if dry_run { "would be " } else { "" };
    let counts = ["created", "updated", "unchanged", "skipped", "blank", "failed", "repeated"];
    let words = ["created", "updated", "unchanged", "skipped", "blank", "refused", "repeated"];
    let count = |(name, word)| {
        let would = if matches!(word, "created" | "updated" | "refused") { would } else { "" };
        format!("{} {would}{word}", member(report, name))
    };
    println!("{}", counts.into_iter().zip(words).map(count).collect::<Vec<_>>().join(", "));
    for row in list(report, "preview").take(PREVIEWED) {
        println!("  line {}: {}", member(row, "line"), member(row, "record"));
    }
    for column in list(report, "columns") {
        let values: Vec<String> = list(column, "values").map(reading).collect();
        if !values.is_empty() {
            println!("  {} → {}: {}", text(column, "column"), text(column, "field"), values.join(", "));
        }
    }
    for total in list(report, "totals") {
        let currency = text(total, "currency");
        let sum = member(total, "sum").as_i64().map_or("too large a sum".to_owned(), |sum| decimal(sum, currency));
        println!("  {}: {} amounts, {sum} {currency}", text(total, "column"), member(total, "count"));
    }
    for stage in list(report, "stages") {
        println!("  stage {}: {}", text(stage, "stage"), member(stage, "rows"));
    }
    for added in list(report, "added_names").filter_map(Json::as_str) {
        println!("  new: {added}");
    }
    for warning in list(report, "warnings") {
        let column = member(warning, "column").as_str().map(|column| format!("{column}: ")).unwrap_or_default();
        println!("warning: {column}{} ({} cells)", text(warning, "detail"), member(warning, "cells"));
    }
    print_unknown(report);
    print_decisions(member(report, "decisions"));
}

/// Returns a value of a column and its reading, if that looks different.
fn reading(value: &Json) -> String {
    let (raw, read) = (text(value, "value"), text(value, "reading"));
    if raw == read { raw.to_owned() } else { format!("{raw} = {read}") }
}

fn print_unknown(report: &Json) {
    for unknown in list(report, "unknown_values") {
        let (column, value) = (text(unknown, "column"), text(unknown, "value"));
        let hint = member(unknown, "nearest")
            .as_str()
            .map(|nearest| format!("; to use {nearest} instead: --value '{column}:{value}={nearest}'"));
        println!("  {column}: unknown value {value} ({} rows){}", member(unknown, "rows"), hint.unwrap_or_default());
    }
}

pub fn print_problems(problems: &Json) {
    for problem in list(problems, "data") {
        let column = member(problem, "column").as_str().map(|column| format!(", column {column}")).unwrap_or_default();
        println!("  line {}{column}: {}", member(problem, "row"), text(problem, "detail"));
    }
}

#[cfg(test)]
mod tests {
    use super::flag;

    #[test]
    fn a_choice_is_shown_as_its_flag() {
        assert_eq!(flag("date_order", "mdy"), "--date-order mdy");
        assert_eq!(flag("currency_signs.$", "CAD"), "--currency-sign '$=CAD'");
        assert_eq!(flag("stage_names.Closing", "Won"), "--stage-name 'Closing=Won'");
    }
}
