//! Questions about a file that is imported: what the file does not show, and the settings that answer it.
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A question about a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decision {
    /// The setting that answers the question: `decimal`, `date_order`, `probability_scale`, or `currency_signs.` and
    /// a sign.
    pub key: String,
    pub question: String,
    /// The possible answers, the most likely first.
    pub choices: Vec<DecisionChoice>,
    /// Cells on which the answer depends.
    pub evidence: Vec<DecisionEvidence>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionChoice {
    /// The value of the setting.
    pub value: String,
    /// What the value means, if possible for the first of the cells.
    pub meaning: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DecisionEvidence {
    pub column: String,
    pub line: i64,
    /// The first characters of the cell.
    pub text: String,
    /// The choice that the cell speaks for; null if every choice can read it.
    pub choice: Option<String>,
}
