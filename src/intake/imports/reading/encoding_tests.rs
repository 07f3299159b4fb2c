use super::{named, survey};
use encoding_rs::{
    EUC_JP, Encoding, IBM866, KOI8_R, KOI8_U, MACINTOSH, SHIFT_JIS, UTF_8, WINDOWS_1250, WINDOWS_1251, WINDOWS_1252,
};

const GERMAN: &str = "Vorname;Nachname;Ort\nJürgen;Groß;Köln\nZoë;Köhler;Zürich\n";
const POLISH: &str = "Imię;Nazwisko\nŁukasz;Żółć\nMałgorzata;Wiśniewska\nPaweł;Dąbrowski\n";
const RUSSIAN: &str = "Имя;Фамилия;Город\nПётр;Щукин;Москва\nМария;Иванова;Санкт-Петербург\n";
const JAPANESE: &str =
    "氏名,会社,電話\n山田 太郎,株式会社サンプル,03-1234-5678\n鈴木 花子,有限会社テスト,06-1234-5678\n";

fn encode(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    encoding.encode(text).0.into_owned()
}

#[test]
fn encodings_are_found() {
    for (case, text, encoding, found) in [
        ("German", GERMAN, WINDOWS_1252, WINDOWS_1252),
        ("German of a Mac", GERMAN, MACINTOSH, MACINTOSH),
        ("Polish", POLISH, WINDOWS_1250, WINDOWS_1250),
        ("Russian", RUSSIAN, WINDOWS_1251, WINDOWS_1251),
        ("Russian of DOS", RUSSIAN, IBM866, IBM866),
        ("Russian of Unix", RUSSIAN, KOI8_R, KOI8_U),
        ("Japanese", JAPANESE, SHIFT_JIS, SHIFT_JIS),
        ("Japanese of Unix", JAPANESE, EUC_JP, EUC_JP),
        ("UTF-8", JAPANESE, UTF_8, UTF_8),
    ] {
        assert_eq!(survey(encode_mac(text, encoding).as_slice(), None).unwrap().encoding, found, "{case}");
    }
}

/// The encoding standard has no encoder for Mac Roman.
fn encode_mac(text: &str, encoding: &'static Encoding) -> Vec<u8> {
    if encoding != MACINTOSH {
        return encode(text, encoding);
    }
    let byte = |c: char| {
        let wanted = c.to_string();
        (0..=255_u8).find(|byte| MACINTOSH.decode_without_bom_handling(&[*byte]).0 == wanted).unwrap()
    };
    text.chars().map(byte).collect()
}

#[test]
fn utf16_is_found_without_a_mark() {
    let units: Vec<u16> = GERMAN.encode_utf16().collect();
    let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
    let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
    assert_eq!(survey(little.as_slice(), None).unwrap().encoding.name(), "UTF-16LE");
    assert_eq!(survey(big.as_slice(), None).unwrap().encoding.name(), "UTF-16BE");
}

#[test]
fn one_broken_line_does_not_change_the_encoding() {
    let mut file = RUSSIAN.repeat(3).into_bytes();
    file.extend_from_slice(b"Ren\xe9;Dupr\xe9;Paris\n");
    let survey = survey(file.as_slice(), None).unwrap();
    assert_eq!(survey.encoding, UTF_8);
    assert!(survey.fallback.is_some());
}

#[test]
fn a_character_at_the_end_of_a_chunk_is_not_broken() {
    for offset in 0..4 {
        let file = format!("{}{}", "x".repeat(super::CHUNK - offset), "яз🙂".repeat(10));
        assert_eq!(survey(file.as_bytes(), None).unwrap().encoding, UTF_8, "{offset}");
    }
}

#[test]
fn a_doubtful_encoding_has_choices() {
    let found = survey(encode("Name\nЯна\n", WINDOWS_1251).as_slice(), None).unwrap();
    let samples: Vec<&str> = found.choices.iter().map(|choice| choice.sample.as_str()).collect();
    assert!(samples.len() != 1, "{found:?}");
    for (case, text, encoding) in [
        ("a German word", "Name\nZoë\n", WINDOWS_1252),
        ("much Russian", RUSSIAN, WINDOWS_1251),
        ("UTF-8", GERMAN, UTF_8),
    ] {
        let found = survey(encode(text, encoding).as_slice(), None).unwrap();
        assert!(found.choices.is_empty(), "{case}: {found:?}");
    }
}

#[test]
fn only_words_are_offered() {
    for (text, wordlike) in
        [("Zoë Müller", true), ("Пётр", true), ("GroЯ", false), ("AmÈlie", false), ("хЛЪ", false), ("Zo‘", false)]
    {
        assert_eq!(super::is_wordlike(text), wordlike, "{text}");
    }
}

#[test]
fn encodings_have_names() {
    for (name, encoding) in
        [("utf-8", UTF_8), ("CP1251", WINDOWS_1251), ("cp866", IBM866), ("MacRoman", MACINTOSH), ("sjis", SHIFT_JIS)]
    {
        assert_eq!(named(name).unwrap(), encoding);
    }
    assert_eq!(named("klingon").unwrap_err().to_string(), "no encoding is called klingon");
}
