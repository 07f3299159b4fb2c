use super::*;
use proptest::prelude::*;

#[test]
fn statuses_are_known_in_all_languages() {
    use Outcome::{Closed, Converted, Disqualified, Lost, Open, Qualified, Won};
    for (text, expected) in [
        ("Closed Won", Won),
        ("Closed - Won", Won),
        ("closedwon", Won),
        ("5. Won ✔", Won),
        ("WON", Won),
        ("Успешно реализовано", Won),
        ("Выиграна", Won),
        ("Gewonnen", Won),
        ("Geschlossen – gewonnen", Won),
        ("Gagné", Won),
        ("Fermée gagnée", Won),
        ("Ganada", Won),
        ("Cerrada/Ganada", Won),
        ("Fechado e ganho", Won),
        ("Chiuso vinto", Won),
        ("Wygrana", Won),
        ("受注", Won),
        ("Closed Lost", Lost),
        ("closedlost", Lost),
        ("Lost", Lost),
        ("Closed Lost to Competition", Lost),
        ("Not won", Lost),
        ("Закрыто и не реализовано", Lost),
        ("Сделка провалена", Lost),
        ("Проиграна", Lost),
        ("Verloren", Lost),
        ("Perdu", Lost),
        ("Perdida", Lost),
        ("Perdido", Lost),
        ("Chiusa persa", Lost),
        ("Przegrana", Lost),
        ("失注", Lost),
        ("Open", Open),
        ("Open - Not Contacted", Open),
        ("Working - Contacted", Open),
        ("IN_PROGRESS", Open),
        ("OPEN_DEAL", Open),
        ("В работе", Open),
        ("Offen", Open),
        ("En cours", Open),
        ("Abierto", Open),
        ("Em andamento", Open),
        ("In corso", Open),
        ("W toku", Open),
        ("進行中", Open),
        ("Qualified", Qualified),
        ("Квалифицирован", Qualified),
        ("Disqualified", Disqualified),
        ("UNQUALIFIED", Disqualified),
        ("Not Qualified", Disqualified),
        ("Qualified out", Disqualified),
        ("Junk Lead", Disqualified),
        ("Closed - Not Converted", Disqualified),
        ("Nicht qualifiziert", Disqualified),
        ("Closed - Converted", Converted),
        ("Closed", Closed),
        ("Abgeschlossen", Closed),
    ] {
        assert_eq!(outcome(text), Some(expected), "{text}");
    }
}

#[test]
fn a_text_with_another_word_has_no_outcome() {
    for text in [
        "",
        "Proposal",
        "Won't buy",
        "won or lost",
        "never won",
        "not lost",
        "nicht verloren",
        "Lost contact",
        "Won back",
        "Wonderful",
        "Lostock",
        "almost won",
        "не выиграна",
        "Nearly closed",
        "Not qualified yet",
        "Closing",
        "Negotiation/Review",
        "Lost & Found",
        "no perdida",
        "Verlorene Kunden",
    ] {
        assert_eq!(outcome(text), None, "{text}");
    }
}

#[test]
fn nothing_is_offered_its_opposite() {
    assert!(!may_be_offered("Closed Won", "Lost"));
    assert!(!may_be_offered("Closed Lost", "Won"));
    assert!(!may_be_offered("Verloren", "Gewonnen"));
    assert!(!may_be_offered("Open", "Won"));
    assert!(!may_be_offered("Converted", "Disqualified"));
    assert!(may_be_offered("Closed Won", "Won"));
    assert!(may_be_offered("Proposal sent", "Proposal"));
    assert!(may_be_offered("Closed", "Won"));
}

#[test]
fn every_known_text_has_its_outcome() {
    for (expected, text) in known_texts() {
        assert_eq!(plain(text), text, "{text} is in its plain form");
        assert_eq!(outcome(text), Some(expected), "{text}");
        assert_eq!(outcome(&text.to_uppercase()), Some(expected), "{text} in capitals");
    }
    for (list, expected) in [(WON, Outcome::Won), (LOST, Outcome::Lost)] {
        for word in list.split_whitespace() {
            assert_eq!(outcome(word), Some(expected), "{word}");
            assert_eq!(outcome(&format!("closed - {word}")), Some(expected), "closed - {word}");
        }
    }
}

proptest! {
    /// A word that is not known takes the outcome away, and never turns it around.
    #[test]
    fn unknown_words_never_turn_an_outcome_around(word in "[a-z]{2,8}", won: bool, front: bool) {
        let (known, opposite) = if won { ("won", Outcome::Lost) } else { ("lost", Outcome::Won) };
        let text = if front { format!("{word} {known}") } else { format!("{known} {word}") };
        let read = outcome(&text);
        prop_assume!(!["not", "lost", "won"].contains(&word.as_str()));
        prop_assert!(read != Some(opposite), "{}", text);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = (outcome(&text), may_be_offered(&text, "Won"));
    }
}
