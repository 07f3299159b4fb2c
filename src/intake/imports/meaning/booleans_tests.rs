use super::*;

#[test]
fn yes_and_no_are_read_in_all_languages() {
    for (text, expected) in [
        ("true", true),
        ("YES", true),
        ("y", true),
        ("1", true),
        ("x", true),
        ("on", true),
        ("Да", true),
        ("ИСТИНА", true),
        ("Ja", true),
        ("WAHR", true),
        ("Oui", true),
        ("VRAI", true),
        ("Sí", true),
        ("si", true),
        ("VERDADERO", true),
        ("Sim", true),
        ("Sì", true),
        ("Vero", true),
        ("Tak", true),
        ("PRAWDA", true),
        ("はい", true),
        ("✓", true),
        ("1.0", true),
        ("False", false),
        ("no", false),
        ("N", false),
        ("0", false),
        ("off", false),
        ("нет", false),
        ("ЛОЖЬ", false),
        ("Nein", false),
        ("FALSCH", false),
        ("Non", false),
        ("FAUX", false),
        ("FALSO", false),
        ("Não", false),
        ("nie", false),
        ("FAŁSZ", false),
        ("いいえ", false),
        (" 0.0 ", false),
    ] {
        assert_eq!(boolean(text), Some(expected), "{text}");
    }
}

#[test]
fn other_texts_are_no_booleans() {
    for text in ["", "2", "maybe", "yes, please", "-", "vielleicht", "10"] {
        assert_eq!(boolean(text), None, "{text}");
    }
}

#[test]
fn no_word_means_both() {
    assert!(YES.iter().all(|word| !NO.contains(word)));
    assert!(is_boolean_word("Ja") && !is_boolean_word("1") && !is_boolean_word("x"));
}
