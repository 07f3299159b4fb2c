use super::*;

fn code_of(text: &str) -> Option<String> {
    match Sign::of(text)? {
        Sign::Code(code) => Some(code.to_owned()),
        Sign::Shared(shared) => Some(format!("shared {}", shared.sign)),
    }
}

#[test]
fn codes_signs_and_names_are_known() {
    for (text, expected) in [
        ("EUR", Some("EUR")),
        ("eur", Some("EUR")),
        ("€", Some("EUR")),
        (" Euro ", Some("EUR")),
        ("US$", Some("USD")),
        ("$", Some("shared $")),
        ("kr", Some("shared kr")),
        ("kr.", Some("shared kr")),
        ("руб.", Some("shared р")),
        ("₽", Some("RUB")),
        ("zł", Some("PLN")),
        ("Kč", Some("CZK")),
        ("Fr.", Some("CHF")),
        ("R$", Some("BRL")),
        ("₴", Some("UAH")),
        ("₸", Some("KZT")),
        ("₹", Some("INR")),
        ("円", Some("JPY")),
        ("元", Some("CNY")),
        ("¥", Some("shared ¥")),
        ("£", Some("shared £")),
        ("XTS", None),
        ("XAU", None),
        ("ABC", None),
        ("Model", None),
        ("", None),
    ] {
        assert_eq!(code_of(text).as_deref(), expected, "{text}");
    }
}

#[test]
fn every_code_in_the_tables_exists() {
    for code in OWN.iter().map(|(code, _)| code).chain(SHARED.iter().flat_map(|shared| shared.codes)) {
        assert_eq!(self::code(code), Some(*code), "{code}");
    }
}

#[test]
fn no_sign_is_in_two_tables() {
    for (code, names) in OWN {
        for name in names {
            assert!(!SHARED.iter().any(|shared| shared.sign == *name), "{name} of {code}");
            assert!(!SHARED_SPELLINGS.iter().any(|(spelling, _)| spelling == name), "{name} of {code}");
            assert_eq!(code_of(name).as_deref(), Some(code), "{name}");
        }
    }
    for (spelling, sign) in SHARED_SPELLINGS {
        assert_eq!(code_of(spelling), Some(format!("shared {sign}")), "{spelling}");
    }
}

fn meaning_of(
    sign: &'static str,
    given: &[(&str, &str)],
    file: Option<&str>,
    workspace: &str,
    country: &str,
) -> Verdict<&'static str> {
    let mut evidence = SignEvidence::default();
    evidence.note(2, &format!("{sign} 5"), Sign::of(sign).unwrap());
    let given = given.iter().map(|(sign, code)| ((*sign).to_owned(), (*code).to_owned())).collect();
    let context = SignContext { given: &given, file, workspace, country, named_in_rows: false };
    decide(&[Named { column: "Amount", evidence: &evidence }], &context).pop().unwrap().1
}

#[test]
fn a_shared_sign_has_the_nearest_currency() {
    for (case, sign, file, workspace, country, expected) in [
        ("the currency of the file", "$", Some("CAD"), "USD", "US", "CAD"),
        ("the currency of the workspace", "$", None, "AUD", "DE", "AUD"),
        ("the currency of the country", "kr", None, "EUR", "NO", "NOK"),
        ("another currency of the file", "$", Some("EUR"), "EUR", "DE", "USD"),
        ("yen or yuan", "¥", None, "CNY", "CN", "CNY"),
    ] {
        let verdict = meaning_of(sign, &[], file, workspace, country);
        assert_eq!(verdict.value(), &expected, "{case}");
        assert!(matches!(verdict, Verdict::Guessed(..)), "{case}: {verdict:?}");
    }
}

#[test]
fn a_sign_without_a_near_currency_is_a_question() {
    let verdict = meaning_of("kr", &[], None, "EUR", "DE");
    assert!(verdict.is_question());
    let doubt = verdict.doubt().unwrap();
    assert_eq!(doubt.key, "currency_signs.kr");
    assert_eq!(doubt.choices.iter().map(|c| c.value.as_str()).collect::<Vec<_>>(), ["SEK", "NOK", "DKK", "ISK"]);
    assert_eq!(doubt.evidence[0].line, 2);
    assert_eq!(doubt.evidence[0].text, "kr 5");
}

#[test]
fn a_setting_decides_a_sign() {
    assert_eq!(meaning_of("kr", &[("kr", "DKK")], None, "EUR", "DE"), Verdict::Decided("DKK"));
}
