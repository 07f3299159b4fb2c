use super::divide;
use crate::intake::imports::draft::Draft;
use crate::intake::imports::findings::{NAME_KEPT_WHOLE, NAME_TITLE};
use crate::intake::imports::meaning::names::NameContext;
use serde_json::json;

fn divided(name: &str) -> (Option<String>, Option<String>, Option<&'static str>) {
    let mut draft = Draft::new(2);
    draft.set("name", json!(name));
    let warning = divide(&mut draft, &NameContext::default());
    let member = |name: &str| draft.text(name).map(str::to_owned);
    (member("first_name"), member("last_name"), warning)
}

#[test]
fn a_full_name_is_divided() {
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(divided("Ludwig van Beethoven"), (text("Ludwig"), text("van Beethoven"), None));
    assert_eq!(divided("Tamm, Ann"), (text("Ann"), text("Tamm"), None));
    assert_eq!(divided("Dr. Hans Meier"), (text("Hans"), text("Meier"), Some(NAME_TITLE)));
    assert_eq!(divided("Acme Rockets GmbH"), (None, text("Acme Rockets GmbH"), Some(NAME_KEPT_WHOLE)));
}

#[test]
fn names_in_columns_of_their_own_go_first() {
    let mut draft = Draft::new(2);
    draft.set("name", json!("Ann Tamm"));
    draft.set("last_name", json!("Kask"));
    divide(&mut draft, &NameContext::default());
    assert_eq!((draft.text("first_name"), draft.text("last_name")), (Some("Ann"), Some("Kask")));
}
