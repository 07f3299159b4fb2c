use super::*;
use proptest::prelude::*;

/// Returns `title|first|last|suffix`, or why the name was kept whole.
fn form(text: &str, context: &NameContext<'_>) -> String {
    match split(text, context) {
        FullName::Whole(why) => why.as_str().to_owned(),
        FullName::Person(Person { title, first, last, suffix, .. }) => {
            [title, first, last, suffix].map(Option::unwrap_or_default).join("|")
        }
    }
}

fn german(text: &str) -> String {
    form(text, &NameContext { country: "DE", ..NameContext::default() })
}

#[test]
fn names_are_divided() {
    for (text, expected) in [
        ("Karl Schmidt", "|Karl|Schmidt|"),
        ("Lang, Uwe", "|Uwe|Lang|"),
        ("Mary Ann Evans", "|Mary Ann|Evans|"),
        ("Dr. Maria del Carmen Ruiz", "Dr.|Maria del Carmen|Ruiz|"),
        ("María de los Ángeles García", "|María de los Ángeles|García|"),
        ("Juan Carlos de la Vega", "|Juan Carlos|de la Vega|"),
        ("Ludwig van Beethoven", "|Ludwig|van Beethoven|"),
        ("Beethoven, Ludwig van", "|Ludwig|van Beethoven|"),
        ("Robin van der Berg", "|Robin|van der Berg|"),
        ("Ursula von der Leyen", "|Ursula|von der Leyen|"),
        ("Jean-Claude Van Damme", "|Jean-Claude|Van Damme|"),
        ("Robert De Niro", "|Robert|De Niro|"),
        ("Van Morrison", "|Van|Morrison|"),
        ("Charles de Gaulle", "|Charles|de Gaulle|"),
        ("Khalid bin Rashid", "|Khalid|bin Rashid|"),
        ("Omar al-Masri", "|Omar|al-Masri|"),
        ("José Ortega y Gasset", "|José|Ortega y Gasset|"),
        ("MÜLLER Hans", "|Hans|MÜLLER|"),
        ("Hans MÜLLER", "|Hans|MÜLLER|"),
        ("LE GOFF Jean Paul", "|Jean Paul|LE GOFF|"),
        ("HANS MÜLLER", "|HANS|MÜLLER|"),
        ("Prof. Dr. Hans Müller", "Prof. Dr.|Hans|Müller|"),
        ("Dipl.-Ing. Karl Huber", "Dipl.-Ing.|Karl|Huber|"),
        ("Frau Müller", "Frau||Müller|"),
        ("Müller, Dr. Hans", "Dr.|Hans|Müller|"),
        ("John Smith Jr.", "|John|Smith|Jr."),
        ("John Smith, Jr.", "|John|Smith|Jr."),
        ("Smith, John, PhD", "|John|Smith|PhD"),
        ("John D. Rockefeller III", "|John D.|Rockefeller|III"),
        ("Mr. John Smith", "Mr.|John|Smith|"),
        ("Sr. Juan Pérez", "Sr.|Juan|Pérez|"),
        ("Anna", "|Anna||"),
        ("Kuznetsov", "||Kuznetsov|"),
        ("Кузнецова", "||Кузнецова|"),
        ("Anna M.", "|Anna|M.|"),
        ("J. R. Smith", "|J. R.|Smith|"),
        ("Smith J.R.", "|J.R.|Smith|"),
        ("Yo-Yo Ma", "|Yo-Yo|Ma|"),
        ("Nguyễn Văn Anh", "|Văn Anh|Nguyễn|"),
        ("  Karl   Schmidt ", "|Karl|Schmidt|"),
        ("Ben Lang", "|Ben|Lang|"),
        ("Uwe Ben Lang", "|Uwe Ben|Lang|"),
    ] {
        assert_eq!(german(text), expected, "{text}");
    }
}

#[test]
fn russian_names_are_divided_by_the_patronymic() {
    for (text, expected) in [
        ("Иванова Мария Петровна", "|Мария Петровна|Иванова|"),
        ("Мария Петровна Иванова", "|Мария Петровна|Иванова|"),
        ("Иванов Пётр Ильич", "|Пётр Ильич|Иванов|"),
        ("Роман Аркадьевич Абрамович", "|Роман Аркадьевич|Абрамович|"),
        ("Абрамович Роман Аркадьевич", "|Роман Аркадьевич|Абрамович|"),
        ("Иван Петрович", "|Иван Петрович||"),
        ("Мамедов Али Гасан оглы", "|Али Гасан оглы|Мамедов|"),
        ("Шевченко Ольга Іванівна", "|Ольга Іванівна|Шевченко|"),
        ("Ivanova Maria Petrovna", "|Maria Petrovna|Ivanova|"),
        ("Сидоров Пётр", "|Пётр|Сидоров|"),
        ("Пётр Сидоров", "|Пётр|Сидоров|"),
        ("Иванов И. И.", "|И. И.|Иванов|"),
        ("Иванов И.И.", "|И.И.|Иванов|"),
        ("И. И. Иванов", "|И. И.|Иванов|"),
    ] {
        assert_eq!(german(text), expected, "{text}");
    }
}

#[test]
fn east_asian_names_are_divided() {
    for (text, expected) in [
        ("山田 太郎", "|太郎|山田|"),
        ("山田太郎", "|太郎|山田|"),
        ("佐々木希", "|希|佐々木|"),
        ("田中様", "様||田中|"),
        ("田中 花子 様", "様|花子|田中|"),
        ("ジョン・スミス", "|ジョン|スミス|"),
        ("王小明", "|小明|王|"),
        ("欧阳修", "|修|欧阳|"),
        ("김철수", "|철수|김|"),
        ("남궁민수", "|민수|남궁|"),
        ("株式会社山田", "firm"),
    ] {
        assert_eq!(german(text), expected, "{text}");
    }
}

#[test]
fn firms_and_other_texts_are_kept_whole() {
    for (text, expected) in [
        ("Brandt Pumpen GmbH", "firm"),
        ("Stripes, Inc.", "firm"),
        ("ООО Волна", "firm"),
        ("ИП Сидоров", "firm"),
        ("Muster AG", "firm"),
        ("Kowalski sp. z o.o.", "firm"),
        ("Bluebay Gaming Ltd", "firm"),
        ("Strba & Urban Installationen", "several_persons"),
        ("Anna und Uwe Lang", "several_persons"),
        ("anna@x.example", "not_a_name"),
        ("Room 5", "not_a_name"),
        ("", "not_a_name"),
        ("---", "not_a_name"),
        ("a b c d e f g h i j", "not_a_name"),
    ] {
        assert_eq!(german(text), expected, "{text}");
    }
}

#[test]
fn the_country_decides_what_names_do_not_show() {
    let of = |text: &str, country| form(text, &NameContext { country, ..NameContext::default() });
    assert_eq!(of("Nagy János", "HU"), "|János|Nagy|");
    assert_eq!(of("Nagy János", "DE"), "|Nagy|János|");
    assert_eq!(of("María García López", "ES"), "|María|García López|");
    assert_eq!(of("Juan Carlos García", "ES"), "|Juan Carlos|García|");
    assert_eq!(of("Juan Carlos García López", "MX"), "|Juan Carlos|García López|");
    assert_eq!(of("M. Jean Dupont", "FR"), "M.|Jean|Dupont|");
    assert_eq!(of("M. Jean Dupont", "US"), "|M. Jean|Dupont|");
}

#[test]
fn the_other_names_of_a_column_show_the_order() {
    let mut evidence = NameEvidence::default();
    ["Иванова Мария Петровна", "Сидоров Пётр", "Karl Schmidt"].into_iter().for_each(|name| evidence.note(name));
    let context = evidence.context("DE");
    assert_eq!(form("Вернер Марк", &context), "|Марк|Вернер|");
    assert_eq!(form("Karl Schmidt", &context), "|Karl|Schmidt|");
    let mut mixed = NameEvidence::default();
    ["Иванова Мария Петровна", "Мария Петровна Иванова"].into_iter().for_each(|name| mixed.note(name));
    assert_eq!(mixed.context("DE").cyrillic, None);
}

#[test]
fn a_division_says_why() {
    let basis = |text: &str| match split(text, &NameContext::default()) {
        FullName::Person(person) => person.basis.as_str(),
        FullName::Whole(_) => "whole",
    };
    for (text, expected) in [
        ("Lang, Uwe", "comma"),
        ("MÜLLER Hans", "capitals"),
        ("Иванова Мария Петровна", "patronymic"),
        ("Ludwig van Beethoven", "particle"),
        ("山田太郎", "script"),
        ("Anna", "one_word"),
        ("Karl Schmidt", "usual_order"),
        ("Пётр Сидоров", "known_name"),
    ] {
        assert_eq!(basis(text), expected, "{text}");
    }
}

proptest! {
    #[test]
    fn a_comma_divides_any_two_names(first in "[A-Z][a-z]{2,8}", last in "[A-Z][a-z]{3,8}") {
        let text = format!("{last}, {first}");
        prop_assume!(!is_firm(&text, &[&last, &first]) && !name_words::SUFFIXES.contains(&first.to_lowercase().as_str()));
        prop_assume!(!name_words::TITLES.contains(&last.to_lowercase().as_str()));
        prop_assert_eq!(german(&text), format!("|{first}|{last}|"));
    }

    /// Nothing of a name is lost.
    #[test]
    fn every_word_is_kept(words in proptest::collection::vec("[A-Za-zа-яА-Я.]{1,9}", 1..7), country in "(DE|ES|HU|FR)") {
        let text = words.join(" ");
        if let FullName::Person(person) = split(&text, &NameContext { country: &country, ..NameContext::default() }) {
            let kept = [person.title, person.first, person.last, person.suffix].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let sorted = |text: &str| { let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect(); words.sort(); words };
            prop_assert_eq!(sorted(&kept), sorted(&text));
        }
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}", odd in "[A-Z.,' a-d山田王김・]{0,30}") {
        for country in ["DE", "ES", "HU", "FR", ""] {
            let context = NameContext { country, latin: Some(NameOrder::FamilyFirst), cyrillic: None };
            let _ = (split(&text, &context), split(&odd, &context));
        }
        let mut evidence = NameEvidence::default();
        evidence.note(&text);
        evidence.note(&odd);
    }
}
