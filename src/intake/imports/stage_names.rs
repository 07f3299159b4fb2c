//! The stages that a file calls by names that the pipeline does not have.
use crate::intake::imports::meaning::doubt::{Choice, Doubt, Evidence};
use crate::intake::imports::meaning::outcomes;
use crate::intake::imports::outcome;
use crate::intake::imports::settings::ImportSettings;
use crate::kernel::error::{Error, FieldCode, FieldError, Result};
use crate::sales::stages::{Category, Stage};
use std::collections::HashMap;

/// A text in a column of stages, with the first line on which it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageText {
    pub column: String,
    pub line: u64,
    pub text: String,
}

/// The similarity from which a stage is the best guess for another name.
const SIMILAR: f64 = 0.85;

/// Returns the stage with a name or an id.
pub fn named<'s>(stages: &'s [Stage], text: &str) -> Option<&'s Stage> {
    let lower = text.to_lowercase();
    stages.iter().find(|stage| stage.name.to_lowercase() == lower || stage.id.to_string() == lower)
}

/// Returns the stage for each text that names none, by its text in lower case, and the questions that the settings do
/// not answer. Until they are answered, a text means the first choice.
pub fn decide(
    texts: &[StageText],
    settings: &ImportSettings,
    stages: &[Stage],
) -> Result<(HashMap<String, Stage>, Vec<Doubt>)> {
    let (mut known, mut doubts) = (answers(settings, stages)?, Vec::new());
    if stages.is_empty() {
        return Ok((known, doubts));
    }
    for one in texts {
        let lower = one.text.to_lowercase();
        let is_clear = named(stages, &one.text).is_some() || outcome::status_of(&one.text).is_some();
        if is_clear || known.contains_key(&lower) {
            continue;
        }
        let choices = choices(&one.text, stages);
        known.extend(choices.first().map(|stage| (lower, (*stage).clone())));
        doubts.push(doubt(one, &choices));
    }
    Ok((known, doubts))
}

fn answers(settings: &ImportSettings, stages: &[Stage]) -> Result<HashMap<String, Stage>> {
    let mut known = HashMap::new();
    for (n, answer) in settings.stage_names.iter().flatten().enumerate() {
        let stage = named(stages, &answer.stage).ok_or_else(|| {
            let names: Vec<&str> = stages.iter().map(|stage| stage.name.as_str()).collect();
            let wrong = FieldError::new(FieldCode::InvalidChoice, format!("must be one of {}", names.join(", ")));
            Error::members(vec![wrong.at_member(format!("/settings/stage_names/{n}/stage"))])
        })?;
        known.insert(answer.name.to_lowercase(), stage.clone());
    }
    Ok(known)
}

/// Returns the stages that a text may mean, the best guess first: a similar name, or else the first open stage. A text
/// with a known outcome never means its opposite.
fn choices<'s>(text: &str, stages: &'s [Stage]) -> Vec<&'s Stage> {
    let similarity = |stage: &Stage| strsim::jaro_winkler(&stage.name.to_lowercase(), &text.to_lowercase());
    let mut fitting: Vec<&Stage> = stages.iter().filter(|stage| outcomes::may_be_offered(text, &stage.name)).collect();
    let similar = |stage: &Stage| Some(similarity(stage)).filter(|similarity| *similarity >= SIMILAR).unwrap_or(0.0);
    fitting.sort_by(|one, other| {
        let open = |stage: &Stage| stage.category != Category::Open;
        similar(other).total_cmp(&similar(one)).then(open(one).cmp(&open(other)))
    });
    fitting
}

fn doubt(one: &StageText, choices: &[&Stage]) -> Doubt {
    let choice =
        |stage: &&Stage| Choice::new(stage.name.as_str(), format!("a stage of {} records", stage.category.as_str()));
    Doubt {
        key: format!("stage_names.{}", one.text),
        question: format!("No stage is called {}. Which stage is meant?", one.text),
        choices: choices.iter().map(choice).collect(),
        evidence: vec![Evidence { column: one.column.clone(), line: one.line, text: one.text.clone(), choice: None }],
    }
}

#[cfg(test)]
#[path = "stage_names_tests.rs"]
mod tests;
