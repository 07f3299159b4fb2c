use super::*;

#[test]
fn case_accents_spaces_and_punctuation_do_not_matter() {
    assert_eq!(key(" Prénom: "), key("PRENOM"));
    assert_eq!(key("Straße"), key("STRASSE"));
    assert_eq!(key("E-mail 1 - Value"), "email1value");
    assert_eq!(key("Łódź"), "lodz");
}

#[test]
fn letters_of_other_scripts_keep_their_marks() {
    assert_eq!(key("Район"), "район");
    assert_eq!(key("がっこう"), "がっこう");
    assert_eq!(key("ﾒｰﾙ"), key("メール"));
}

#[test]
fn yo_and_ye_are_one_letter() {
    assert_eq!(key("Удалён"), key("удален"));
}

#[test]
fn words_end_at_digits_and_at_capitals() {
    assert_eq!(words("LastName"), ["last", "name"]);
    assert_eq!(words("email2"), ["email", "2"]);
    assert_eq!(words("AccountId__c"), ["account", "id", "c"]);
    assert_eq!(words("LASTNAME"), ["lastname"]);
}

#[test]
fn a_header_of_punctuation_has_no_words() {
    assert!(words(" #- ").is_empty());
}

#[test]
fn the_fingerprint_ignores_order_case_spaces_and_repetition() {
    let one = fingerprint(["First Name", "E-Mail", "", "Phone"]);
    assert_eq!(one, fingerprint(["phone", " e-mail ", "FIRST  NAME", "Phone"]));
    assert_eq!(one.len(), 64);
}

#[test]
fn the_fingerprint_tells_other_headers_apart() {
    assert_ne!(fingerprint(["a", "b"]), fingerprint(["ab"]));
    assert_ne!(fingerprint(["a", "b"]), fingerprint(["a"]));
    assert_ne!(fingerprint(["e-mail"]), fingerprint(["email"]));
}

#[test]
fn the_fingerprint_stays_the_same_in_later_versions() {
    let wanted = "0d734f372cf8278e84a9d57b8a92a9b3d467fd0621926c05a36a55e1d1ff498f";
    assert_eq!(fingerprint(["Name", "E-Mail"]), wanted);
}
