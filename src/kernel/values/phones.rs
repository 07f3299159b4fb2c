//! Phone numbers: stored as written and in E.164 if they can be parsed, and found in any notation.
use crate::kernel::values::address;
use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, Region, get_national_significant_number_owned,
};
use serde_json::Value as Json;

/// ISO 3166 codes without phone numbers of their own.
const WITHOUT_NUMBERS: [&str; 7] = ["AQ", "BV", "GS", "HM", "PN", "TF", "UM"];

/// Checks whether a text is an ISO 3166 code of two capital letters.
pub fn is_country(code: &str) -> bool {
    let known = |region: Region| PHONE_NUMBER_UTIL.get_supported_regions().any(|supported| supported == region);
    code.bytes().all(|b| b.is_ascii_uppercase())
        && (WITHOUT_NUMBERS.contains(&code) || code.parse::<Region>().is_ok_and(known))
}

/// Parses a phone number: returns `+3725550101` for "+372 555 0101", or for "555 0101" in Estonia; none for other
/// texts.
pub fn e164(text: &str, country: &str) -> Option<String> {
    number(text, country).map(|number| number.format_as(PhoneNumberFormat::E164).into_owned())
}

/// International prefixes that begin with 00 and have more digits, with their countries.
const LONGER_THAN_00: [(&str, &[&str]); 3] =
    [("0011", &["AU", "CC", "CX"]), ("001", &["GY", "HK", "ID", "KH", "KR", "MN", "SG", "TH"]), ("009", &["NG"])];

/// Checks for characters that separate digits and have no more meaning than a space.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\'' | '‘' | '’' | 'ʼ' | '´' | '`' | '·' | '•' | '∙' | '⋅')
}

fn number(text: &str, country: &str) -> Option<PhoneNumber> {
    let seen = text.chars().filter(|c| !address::is_invisible(*c));
    let text: String = seen.map(|c| if is_blank(c) { ' ' } else { c }).collect();
    let text = text.trim();
    let region = country.parse::<Region>().ok();
    // Some numbers are complete without an area code, such as 310-1234 in Canada.
    let whole = |number: &PhoneNumber| {
        matches!(number.is_possible_with_reason(), Ok(NumberLengthType::IsPossible)) || number.is_valid()
    };
    let read = |text: &str| PHONE_NUMBER_UTIL.parse(text, region).ok().filter(whole);
    // Most countries use the prefix 00 for international numbers, and people use it elsewhere too: 007 800 is Russian
    // also in Japan, where numbers of some operators begin with 0078, and in Brazil, where a carrier code follows 00.
    let abroad = |prefix: &str| {
        let number = text.strip_prefix(prefix).and_then(|rest| read(&format!("+{rest}")));
        number.filter(PhoneNumber::is_valid)
    };
    let longer = LONGER_THAN_00.iter().find(|(_, homes)| homes.contains(&country));
    longer.and_then(|(prefix, _)| abroad(prefix)).or_else(|| abroad("00")).or_else(|| read(text))
}

/// Parses a number again that another library parsed before: a national number that was parsed for another country
/// stays as it is.
pub fn mended(written: &str, before: Option<&str>, country: &str) -> Option<String> {
    let abroad = written.trim_start().starts_with(['+', '＋']) || written.trim_start().starts_with("00");
    let code = country.parse::<Region>().ok().and_then(|region| PHONE_NUMBER_UTIL.get_country_code_for_region(region));
    let read = before.and_then(|before| PHONE_NUMBER_UTIL.parse(before, None).ok());
    let moved = read.is_some_and(|number| Some(number.country_code) != code);
    if moved && !abroad { before.map(str::to_owned) } else { e164(written, country) }
}

/// Returns the digits of a text in any script; for a text without digits its words, so that it can be found as written.
fn plain(text: &str) -> String {
    let digits = PHONE_NUMBER_UTIL.normalize_digits_only(text);
    if digits.is_empty() { text.to_lowercase().split_whitespace().collect::<Vec<_>>().join("_") } else { digits }
}

/// Returns the search keys of a number: its digits as written, in international form, and in the national form of its
/// country.
pub fn keys(written: &str, e164: Option<&str>) -> Vec<String> {
    let mut keys = vec![plain(written)];
    if let Some(number) = e164.and_then(|e164| PHONE_NUMBER_UTIL.parse(e164, None).ok()) {
        keys.push(plain(&number.format_as(PhoneNumberFormat::E164)));
        keys.push(plain(&number.format_as(PhoneNumberFormat::National)));
    }
    keys.retain(|key| !key.is_empty());
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// Returns the keys of several numbers, as stored in a column.
pub fn all_keys<'n>(numbers: impl IntoIterator<Item = (&'n str, Option<String>)>) -> Json {
    let keys: Vec<String> = numbers.into_iter().flat_map(|(written, e164)| keys(written, e164.as_deref())).collect();
    keys.into()
}

/// Returns the keys by which a search finds a number.
pub fn search_keys(text: &str, country: &str) -> Vec<String> {
    let mut keys = vec![plain(text)];
    keys.extend(e164(text, country).map(|e164| plain(&e164)));
    keys.dedup();
    keys
}

/// Checks whether two numbers, each as written and in E.164, are the same. E.164 does not contain the extension, so it
/// is compared separately.
pub fn same((one, e164): (&str, Option<&str>), (other, other_e164): (&str, Option<&str>)) -> bool {
    match (e164, other_e164) {
        (Some(a), Some(b)) => a == b && extension(one, a) == extension(other, b),
        (None, None) => plain(one) == plain(other),
        _ => false,
    }
}

/// Returns the digits after the number itself.
fn extension(written: &str, e164: &str) -> String {
    let number = PHONE_NUMBER_UTIL.parse(e164, None).ok().map(|number| get_national_significant_number_owned(&number));
    let written = plain(written);
    number.and_then(|number| Some(written.split_once(&number)?.1.to_owned())).unwrap_or_default()
}

/// Returns a number as a custom field stores it: in E.164 if it can be parsed.
pub fn own(text: &str, country: &str) -> String {
    e164(text, country).unwrap_or_else(|| text.to_owned())
}

/// Returns the key of a search text that contains more than digits but is a number: `(212) 555-0123 x5`,
/// `1-800-flowers`, `*67`, `ext 9`.
pub fn meant(text: &str, country: &str) -> Option<String> {
    if let Some(e164) = e164(text, country) {
        return Some(plain(&e164));
    }
    let text = text.trim().to_lowercase();
    let rest = ["*", "#", "ext"].iter().find_map(|mark| text.strip_prefix(mark))?;
    (rest.contains(char::is_numeric) && rest.chars().all(is_of_numbers)).then(|| plain(&text))
}

/// Returns the key of a part of a number.
pub fn part(text: &str) -> String {
    plain(text)
}

/// Checks whether a text can only be a number: digits and their separators.
pub fn looks_like(text: &str) -> bool {
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    digits >= 5 && text.chars().all(is_of_numbers)
}

/// Checks for digits and their separators.
fn is_of_numbers(c: char) -> bool {
    c.is_numeric() || is_blank(c) || address::is_invisible(c) || "+-‒–—‐‑−()[]./＋*#~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rlibphonenumber::PhoneNumberType;

    const HOMES: [&str; 8] = ["US", "RU", "DE", "FR", "GB", "IT", "BR", "JP"];
    const TYPES: [PhoneNumberType; 11] = [
        PhoneNumberType::FixedLine,
        PhoneNumberType::Mobile,
        PhoneNumberType::TollFree,
        PhoneNumberType::PremiumRate,
        PhoneNumberType::SharedCost,
        PhoneNumberType::VoIP,
        PhoneNumberType::PersonalNumber,
        PhoneNumberType::Pager,
        PhoneNumberType::UAN,
        PhoneNumberType::VoiceMail,
        PhoneNumberType::FixedLineOrMobile,
    ];

    /// Returns an example of every type of number in every region.
    fn examples() -> Vec<(Region, PhoneNumber)> {
        let of = |region: Region| {
            let example = move |kind: PhoneNumberType| {
                PHONE_NUMBER_UTIL.get_example_number_for_type_and_region(region, kind).ok()
            };
            TYPES.into_iter().filter_map(example).map(move |number| (region, number))
        };
        PHONE_NUMBER_UTIL.get_supported_regions().flat_map(of).collect()
    }

    #[test]
    fn numbers_of_all_regions_are_understood_everywhere() {
        let examples = examples();
        assert!(examples.len() > 700, "{}", examples.len());
        let mut wrong = Vec::new();
        for (region, number) in &examples {
            let expected = number.format_as(PhoneNumberFormat::E164).into_owned();
            let written = number.format_as(PhoneNumberFormat::International).into_owned();
            let code = region.to_string();
            let national = number.format_as(PhoneNumberFormat::National).into_owned();
            let abroad = format!("00{}", written.trim_start_matches('+'));
            for home in HOMES {
                for text in [&expected, &written, &written.replace([' ', '-'], "."), &abroad] {
                    let got = e164(text, home);
                    if got.as_deref() != Some(expected.as_str()) {
                        wrong.push(format!("{code} {text} in {home}: {got:?}"));
                    }
                }
            }
            for text in [&national, &national.replace([' ', '-', '(', ')'], "")] {
                let got = e164(text, &code);
                if got.as_deref() != Some(expected.as_str()) {
                    wrong.push(format!("{code} {text} at home: {got:?}, not {expected}"));
                }
            }
            let keys = keys(&written, Some(&expected));
            for text in [&expected, &written, &national] {
                if !keys.contains(&plain(text)) {
                    wrong.push(format!("{code} {text} is not found by {keys:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), examples.len());
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, country, expected) in [
            ("+372 555 01011", "US", Some("+37255501011")),
            ("00372 555 01011", "US", Some("+37255501011")),
            ("007 800 555-35-35", "JP", Some("+78005553535")),
            ("011 33 1 42 68 53 00", "US", Some("+33142685300")),
            ("+33 1 42 68 53 00", "US", Some("+33142685300")),
            ("+33 (0)1 42 68 53 00", "DE", Some("+33142685300")),
            ("01.42.68.53.00", "FR", Some("+33142685300")),
            ("8 (912) 345-67-89", "RU", Some("+79123456789")),
            ("8-800-555-35-35", "RU", Some("+78005553535")),
            ("7 912 345 67 89", "RU", Some("+79123456789")),
            ("(212) 555-0123", "US", Some("+12125550123")),
            ("1-212-555-0123", "US", Some("+12125550123")),
            ("(0)20 7946 0958", "GB", Some("+442079460958")),
            ("06 6982 1234", "IT", Some("+390669821234")),
            ("(11) 96123-4567", "BR", Some("+5511961234567")),
            ("０３-１２３４-５６７８", "JP", Some("+81312345678")),
            ("tel:+44-20-7946-0958", "US", Some("+442079460958")),
            ("+1 212 555 0123 ext. 5", "US", Some("+12125550123")),
            ("+372\u{202f}555\u{2009}01011", "US", Some("+37255501011")),
            ("555\u{2007}01\u{2003}011", "EE", Some("+37255501011")),
            ("+41 44'668'18'00", "DE", Some("+41446681800")),
            ("044·668·18·00", "CH", Some("+41446681800")),
            ("+41 44’668 18 00", "US", Some("+41446681800")),
            ("+33\u{200b}1 42 68 53 00", "US", Some("+33142685300")),
            ("0011 32 12 34 56 78", "AU", Some("+3212345678")),
            ("0011-36-1-234-5678", "CC", Some("+3612345678")),
            ("0011 36 1 234 5678", "CX", Some("+3612345678")),
            ("0011 1 212 555 0123", "AU", Some("+12125550123")),
            ("001 212 555 0123", "AU", Some("+12125550123")),
            ("0036 1 234 5678", "AU", Some("+3612345678")),
            ("001 32 12 34 56 78", "GY", Some("+3212345678")),
            ("001 32 12 34 56 78", "MN", Some("+3212345678")),
            ("001 1 212 555 0123", "HK", Some("+12125550123")),
            ("001 212 555 0123", "SG", Some("+12125550123")),
            ("009 7 912 345-67-89", "NG", Some("+79123456789")),
            ("009 44 20 7946 0958", "NG", Some("+442079460958")),
            ("0044 20 7946 0958", "NG", Some("+442079460958")),
            ("555-0123", "US", None),
            ("ask at the desk", "US", None),
            ("", "US", None),
        ] {
            assert_eq!(e164(text, country).as_deref(), expected, "{text} in {country}");
        }
    }

    #[test]
    fn other_texts_are_found_as_written() {
        assert_eq!(keys("Ask at the  desk", None), ["ask_at_the_desk"]);
        assert_eq!(search_keys("ask at the desk", "US"), ["ask_at_the_desk"]);
        assert_eq!(search_keys("8 800 555-35-35", "RU"), ["88005553535", "78005553535"]);
    }

    #[test]
    fn extensions_distinguish_numbers() {
        let is_one = |one: &str, other: &str, country: &str| {
            let (a, b) = (e164(one, country), e164(other, country));
            same((one, a.as_deref()), (other, b.as_deref()))
        };
        for (one, other, country, expected) in [
            ("555 01011", "+372 5550-1011", "EE", true),
            ("555 01011", "555 01012", "EE", false),
            ("(212) 736-5000 ext. 7", "+1 212 736 5000 x7", "US", true),
            ("(212) 736-5000 ext. 7", "+1 212 736 5000 x8", "US", false),
            ("(212) 736-5000 ext. 7", "+1 212 736 5000", "US", false),
            ("8-800-555-35-35", "+78005553535", "RU", true),
            ("011 15-2345-6789", "+54 9 11 2345-6789", "AR", true),
            ("1234", "12 34", "EE", true),
            ("ask at the desk", "Ask  at the desk", "EE", true),
            ("ask at the desk", "ask Ann", "EE", false),
        ] {
            assert_eq!(is_one(one, other, country), expected, "{one}, {other}");
        }
    }

    #[test]
    fn searches_recognise_formatted_numbers() {
        for (text, expected) in [
            ("(212) 736-5000 x5", Some("12127365000")),
            ("212 736 5000 ext 9", Some("12127365000")),
            ("1-800-flowers", Some("18003569377")),
            ("*67", Some("67")),
            ("ext 9", Some("9")),
            ("Ext. 12", Some("12")),
            ("x5", None),
            ("Model 5", None),
            ("extra 5 boats", None),
            ("Anna", None),
        ] {
            assert_eq!(meant(text, "US").as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn countries_are_known() {
        for code in HOMES.into_iter().chain(WITHOUT_NUMBERS).chain(["EE", "XK"]) {
            assert!(is_country(code), "{code}");
        }
        for code in ["XX", "ZZ", "us", "USA", "", "1A", "001"] {
            assert!(!is_country(code), "{code}");
        }
    }

    #[test]
    fn numbers_are_reparsed_for_a_new_country() {
        for (case, written, before, country, expected) in [
            (
                "it was national and the country is the same",
                "555 01011",
                Some("+37255501011"),
                "EE",
                Some("+37255501011"),
            ),
            (
                "it was national and the country has changed",
                "555 01011",
                Some("+37255501011"),
                "FI",
                Some("+37255501011"),
            ),
            ("it is international", "+358 40 123 4567", Some("+37255501011"), "FI", Some("+358401234567")),
            ("it is international, with 00", "00358 40 123 4567", Some("+37255501011"), "FI", Some("+358401234567")),
            ("it was not understood before", "555 01011", None, "EE", Some("+37255501011")),
            ("it is no number", "desk", None, "EE", None),
        ] {
            assert_eq!(mended(written, before, country).as_deref(), expected, "{case}");
        }
    }

    #[test]
    fn a_number_is_found_by_its_keys() {
        assert_eq!(keys("+1 212 555 0123", Some("+12125550123")), ["12125550123", "2125550123"]);
        assert_eq!(keys("", None), Vec::<String>::new());
        let two = all_keys([("555 01011", Some("+37255501011".to_owned())), ("desk", None)]);
        assert_eq!(two, serde_json::json!(["37255501011", "55501011", "desk"]));
    }

    #[test]
    fn digits_with_separators_look_like_a_number() {
        for (text, expected) in [
            ("12345", true),
            ("1234", false),
            ("+372 (555) 01-011", true),
            ("０３-１２３４", true),
            ("123 456 x", false),
            ("2026-01-31", true),
            ("", false),
        ] {
            assert_eq!(looks_like(text), expected, "{text}");
        }
    }

    #[test]
    fn custom_phone_numbers_are_stored_in_e164() {
        assert_eq!(own("555 01011", "EE"), "+37255501011");
        assert_eq!(own("at the desk", "EE"), "at the desk");
        assert_eq!(part("(555) 01"), "55501");
    }
}
