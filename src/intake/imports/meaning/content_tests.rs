use super::*;
use proptest::prelude::*;

#[test]
fn cells_are_recognised() {
    for (text, expected) in [
        ("ann@x.example", Kind::Emails),
        ("Ann <ann@x.example>; b@x.example", Kind::Emails),
        ("+49 170 1234567", Kind::Phone),
        ("+49 170 1234567; +49 40 1", Kind::Phone),
        ("+43 2213 30000 ::: +43 2213 30089", Kind::Phone),
        ("30100501", Kind::Integer),
        ("20240312", Kind::Date),
        ("https://x.example/a", Kind::Url),
        ("www.x.example/shop?id=5", Kind::Url),
        ("x.example", Kind::Domain),
        ("shop24.example", Kind::Domain),
        ("2024-03-12", Kind::Date),
        ("12.03.2024 09:14", Kind::Moment),
        ("1.234,56 €", Kind::Money),
        ("90 %", Kind::Percent),
        ("55", Kind::Integer),
        ("1,200", Kind::Number),
        ("59.3293", Kind::Number),
        ("4,91705E+11", Kind::Scientific),
        ("Ja", Kind::Boolean),
        ("EUR", Kind::Currency),
        ("Closed Won", Kind::Status),
        ("01a21f8e-f540-73e7-b320-03ae4509c2f9", Kind::Id),
        ("00Q5e00000AbCdEEAV", Kind::Id),
        ("Anna Müller", Kind::Text),
        ("11-50 people", Kind::Text),
        ("Hauptstr. 5\n20457 Hamburg", Kind::LongText),
        ("no@", Kind::Text),
    ] {
        assert_eq!(seen(text).kind, expected, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}") {
        let _ = seen(&text);
    }
}
