//! The settings of an import from the flags of the command line.
use crate::cli::settings::{Import, ImportReading, ImportWriting};
use serde_json::{Map, Value as Json, json};

type Outcome<T> = Result<T, String>;

/// Returns the settings. `suggested` is the mapping that the server suggests; it is used if no column is mapped.
pub fn settings(options: &Import, suggested: &Json) -> Outcome<Json> {
    let Import { reading, writing, .. } = options;
    let mut settings = Map::new();
    // An import with parts has no mapping of its own.
    let mapping = mapping(reading, suggested)?;
    settings.extend((!mapping.is_empty()).then(|| ("mapping".to_owned(), mapping.into())));
    let texts = [
        ("encoding", &reading.encoding),
        ("delimiter", &reading.delimiter),
        ("decimal", &reading.decimal),
        ("date_order", &reading.date_order),
        ("date_format", &reading.date_format),
        ("currency", &reading.currency),
        ("probability_scale", &reading.probability_scale),
        ("pipeline_id", &writing.pipeline),
        ("mode", &writing.mode),
        ("unknown_names", &writing.unknown_names),
        ("tags", &writing.tags),
        ("empty_cells", &writing.empty_cells),
        ("tag", &writing.tag),
    ];
    settings.extend(texts.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value.as_ref()?)))));
    settings.extend(reading.header_line.map(|line| ("header_line".to_owned(), json!(line))));
    let flags = [("since_1904", reading.since_1904), ("accept_guesses", reading.accept_guesses)];
    settings.extend(flags.into_iter().filter(|(_, set)| *set).map(|(name, set)| (name.to_owned(), json!(set))));
    let lists =
        [("currency_signs", signs(reading)?), ("stage_names", stage_names(writing)?), ("match_by", match_by(writing))];
    settings
        .extend(lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| (name.into(), list.into())));
    Ok(Json::Object(settings))
}

/// Returns the mapping of the flags, or the suggested one, with the values that are replaced.
fn mapping(reading: &ImportReading, suggested: &Json) -> Outcome<Vec<Json>> {
    let mut mapping: Vec<Json> = Vec::new();
    for one in &reading.mapping {
        let (column, field) = parts(one, '=', "--map", "COLUMN=FIELD")?;
        mapping.push(json!({ "column": column, "field": field, "values": [] }));
    }
    if mapping.is_empty() {
        mapping = suggested.as_array().cloned().unwrap_or_default();
    }
    for one in &reading.values {
        let (column, rest) = parts(one, ':', "--value", "COLUMN:FROM=TO")?;
        let (from, to) = parts(rest, '=', "--value", "COLUMN:FROM=TO")?;
        let found = mapping.iter_mut().find(|mapped| mapped.get("column").and_then(Json::as_str) == Some(column));
        let values = found.and_then(|mapped| mapped.get_mut("values")).and_then(Json::as_array_mut);
        values
            .ok_or_else(|| format!("--value {one}: the column {column} is not mapped"))?
            .push(json!({ "from": from, "to": to }));
    }
    for mapped in mapping.iter_mut().filter_map(Json::as_object_mut) {
        mapped.retain(|_, value| !value.is_null());
    }
    Ok(mapping)
}

fn signs(reading: &ImportReading) -> Outcome<Vec<Json>> {
    let sign = |one: &String| {
        let (sign, currency) = parts(one, '=', "--currency-sign", "SIGN=CURRENCY")?;
        Ok(json!({ "sign": sign, "currency": currency }))
    };
    reading.currency_signs.iter().map(sign).collect()
}

fn stage_names(writing: &ImportWriting) -> Outcome<Vec<Json>> {
    let name = |one: &String| {
        let (name, stage) = parts(one, '=', "--stage-name", "NAME=STAGE")?;
        Ok(json!({ "name": name, "stage": stage }))
    };
    writing.stage_names.iter().map(name).collect()
}

fn match_by(writing: &ImportWriting) -> Vec<Json> {
    writing.match_by.iter().map(|key| json!(key)).collect()
}

/// Divides the value of a flag, which has the form `form`.
fn parts<'o>(one: &'o str, at: char, flag: &str, form: &str) -> Outcome<(&'o str, &'o str)> {
    one.split_once(at).ok_or_else(|| format!("{flag} {one}: must have the form {form}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::settings::{Cli, Command};
    use clap::Parser;

    fn parsed(flags: &[&str]) -> Outcome<Json> {
        let all = ["voronka", "import", "x.csv", "--resource", "deals", "--token", "t"].iter().chain(flags);
        let Command::Import(options) = Cli::try_parse_from(all).unwrap().command else { panic!("no import") };
        let suggested = json!([{ "column": "Sum", "field": "value", "values": [], "multiply": null }]);
        settings(&options, &suggested)
    }

    #[test]
    fn flags_become_settings() {
        let flags = [
            "--value",
            "Sum:free=0",
            "--currency-sign",
            "$=CAD",
            "--header-line",
            "3",
            "--match-by",
            "external_id,email",
        ];
        let expected = json!({
            "mapping": [{ "column": "Sum", "field": "value", "values": [{ "from": "free", "to": "0" }] }],
            "currency_signs": [{ "sign": "$", "currency": "CAD" }],
            "header_line": 3,
            "match_by": ["external_id", "email"],
        });
        assert_eq!(parsed(&flags), Ok(expected));
    }

    #[test]
    fn a_flag_of_the_wrong_form_is_named() {
        for (flags, expected) in [
            (["--map", "Sum"], "--map Sum: must have the form COLUMN=FIELD"),
            (["--value", "Sum"], "--value Sum: must have the form COLUMN:FROM=TO"),
            (["--value", "Total:a=b"], "--value Total:a=b: the column Total is not mapped"),
            (["--currency-sign", "$"], "--currency-sign $: must have the form SIGN=CURRENCY"),
        ] {
            assert_eq!(parsed(&flags), Err(expected.to_owned()));
        }
    }
}
