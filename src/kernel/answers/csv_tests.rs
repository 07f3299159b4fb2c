use super::*;
use crate::kernel::answers::included::RecordRef;
use crate::kernel::samples::{BOAT, BOATS, actor, custom_field, refusal};
use crate::kernel::values::money::{AMOUNT_MAX, Money, exponent, parse_decimal};
use proptest::prelude::*;
use serde_json::json;

#[test]
fn amounts_have_the_digits_of_their_currency() {
    for (amount, currency, expected) in [
        (125_000, "EUR", "1250.00"),
        (5, "EUR", "0.05"),
        (0, "EUR", "0.00"),
        (-7, "EUR", "-0.07"),
        (-12_345, "EUR", "-123.45"),
        (500, "JPY", "500"),
        (-500, "JPY", "-500"),
        (1, "KWD", "0.001"),
        (12_345, "KWD", "12.345"),
        (AMOUNT_MAX, "EUR", "90071992547409.91"),
    ] {
        assert_eq!(decimal(amount, currency), expected, "{amount} {currency}");
    }
}

#[test]
fn formulas_are_escaped() {
    for (text, expected) in [
        ("Acme", "Acme"),
        ("a=1", "a=1"),
        ("=1+1", "'=1+1"),
        ("+372", "'+372"),
        ("-5", "'-5"),
        ("@x", "'@x"),
        (" =1", "' =1"),
        ("\"=1", "'\"=1"),
        ("\tx", "'\tx"),
        ("a;=1", "a;'=1"),
        ("a\n-b", "a\n'-b"),
        ("＝1", "'＝1"),
        ("", ""),
    ] {
        assert_eq!(harmless(text), expected, "{text:?}");
    }
}

fn written_line(cells: &[&str]) -> String {
    let mut text = String::new();
    line(&mut text, cells.iter().copied());
    text
}

#[test]
fn cells_are_quoted_where_necessary() {
    for (cells, expected) in [
        (vec!["a", "b"], "a,b\n"),
        (vec!["", ""], ",\n"),
        (vec!["a,b", "c"], "\"a,b\",c\n"),
        (vec!["a\"b", "c"], "\"a\"\"b\",c\n"),
        (vec!["a\nb", "c"], "\"a\nb\",c\n"),
        (vec!["a;b", "a|b"], "\"a;b\",\"a|b\"\n"),
        (vec![" a", "a "], "\" a\",\"a \"\n"),
        (vec!["a b", "ж"], "a b,ж\n"),
    ] {
        assert_eq!(written_line(&cells), expected, "{cells:?}");
    }
}

#[derive(Serialize, ToSchema)]
struct Boat {
    name: String,
    owner_id: Option<Uuid>,
    price: Option<Money>,
    size: Size,
    tags: Vec<String>,
    crew: Vec<Sailor>,
    custom_fields: Vec<Json>,
}
impl crate::kernel::access::hide::NothingHidden for Boat {}

#[derive(Serialize, ToSchema)]
struct Size {
    length: i32,
    wide: bool,
}

#[derive(Serialize, ToSchema)]
struct Sailor {
    name: String,
}

fn boat() -> Boat {
    Boat {
        name: "=Anna, the first".into(),
        owner_id: Some(Uuid::nil()),
        price: Some(Money { amount: 125_000, currency: "EUR".into() }),
        size: Size { length: -7, wide: true },
        tags: vec!["a".into(), "b".into()],
        crew: vec![Sailor { name: "Ann".into() }, Sailor { name: "Bob".into() }],
        custom_fields: vec![
            json!({ "key": "region", "text": "north" }),
            json!({ "key": "budget", "money": { "amount": 7, "currency": "JPY" } }),
        ],
    }
}

fn text(answer: Answer) -> String {
    String::from_utf8(answer.finish(&actor()).unwrap().body).unwrap()
}

fn own() -> Vec<Arc<CustomField>> {
    let fields = [("region", CustomKind::Text), ("budget", CustomKind::Money), ("unused", CustomKind::MultiChoice)];
    fields.map(|(key, kind)| Arc::new(custom_field(key, kind, &[]))).to_vec()
}

#[test]
fn a_row_has_a_cell_for_each_column() {
    let included = || {
        let mut included = Included::default();
        included.add(BOATS, vec![RecordRef { id: Uuid::nil(), name: "@Eve".into() }]);
        included
    };
    let sheet = || Sheet::new::<Boat>(&[], &own(), &[BOAT.get("owner_id").unwrap()]);
    let expected = [
        ("name", "\"'=Anna, the first\""),
        ("owner_id", "00000000-0000-0000-0000-000000000000"),
        ("owner", "'@Eve"),
        ("price", "1250.00"),
        ("price.currency", "EUR"),
        ("size.length", "-7"),
        ("size.wide", "true"),
        ("tags", "\"a, b\""),
        ("crew", "\"Ann, Bob\""),
        ("cf.region", "north"),
        ("cf.budget", "7"),
        ("cf.budget.currency", "JPY"),
        ("cf.unused", ""),
    ];
    let line = |cells: Vec<&str>| format!("{}\n", cells.join(","));
    let head = line(expected.iter().map(|(name, _)| *name).collect());
    let row = line(expected.iter().map(|(_, cell)| *cell).collect());
    assert_eq!(text(sheet().file(vec![boat()], included())), head.clone() + &row);
    assert_eq!(text(sheet().file(Vec::<Boat>::new(), included())), head, "a file of no rows has a header");
}

#[test]
fn columns_are_chosen_and_hidden() {
    let sheet = || Sheet::new::<Boat>(&["price", "size"], &[], &[]);
    assert_eq!(sheet().names().collect::<Vec<_>>(), ["name", "owner_id", "tags", "crew"]);
    let chosen = |names: &[&str]| sheet().only(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(chosen(&["tags", "name"]).unwrap().names().collect::<Vec<_>>(), ["tags", "name"]);
    assert_eq!(refusal(&chosen(&["name", "price"]).unwrap_err()), "/columns invalid_choice");
}

#[derive(Serialize, ToSchema)]
struct Figures {
    count: i64,
    value: Vec<Money>,
}

#[test]
fn sums_have_a_column_for_each_currency() {
    let money = |amount, currency: &str| Money { amount, currency: currency.into() };
    let two = Figures { count: 2, value: vec![money(150, "EUR"), money(7, "JPY")] };
    let one = Figures { count: 1, value: vec![money(-5, "CHF")] };
    let of = |key: &str, last: Option<&str>| vec![table::Cell::from(key), last.map(str::to_owned).into()];
    let lines = [(of("=a", Some("x")), &two), (of("b", None), &one)];
    let expected = "key,count,value_EUR,value_CHF,value_JPY,last\n\
                    '=a,2,1.50,,7,x\n\
                    b,1,,-0.05,,\n";
    assert_eq!(text(report(&Table::new(&["key"], &["last"], &lines, "EUR").unwrap())), expected);
    let empty: &[table::Line<'_, Figures>] = &[];
    let table = Table::new(&["key"], &[], empty, "USD").unwrap();
    assert_eq!(text(report(&table)), "key,count,value_USD\n", "of no lines");
}

#[test]
fn list_items_are_shown_by_name() {
    for (path, value, expected) in [
        ("tags", json!(["a", "b"]), "a, b"),
        ("tags", json!(["=a"]), "'=a"),
        ("emails", json!([{ "kind": "work", "email": "a@x.example" }]), "a@x.example"),
        ("consents", json!([{ "channel": "email", "granted": true }, { "channel": "sms", "granted": false }]), "email"),
        ("crew", json!([{ "name": "Ann", "age": 7 }, { "age": 8 }]), "Ann"),
        ("crew", json!([]), ""),
        ("x", json!("text"), "text"),
        ("x", json!(2.5), "2.5"),
        ("x", Json::Null, ""),
    ] {
        assert_eq!(several(path, &value), expected, "{path} {value}");
    }
}

proptest! {
    /// What is written is read again, by a reader that knows quotes.
    #[test]
    fn lines_round_trip(cells in prop::collection::vec("[a ,;\"\n\r\t|'ж]{0,6}", 2..5)) {
        let text = written_line(&cells.iter().map(String::as_str).collect::<Vec<_>>());
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
        prop_assert_eq!(rows.len(), 1);
        prop_assert_eq!(rows[0].iter().collect::<Vec<_>>(), cells);
    }

    /// An amount that is written as a decimal is read as the same amount.
    #[test]
    fn amounts_round_trip(amount in -AMOUNT_MAX..=AMOUNT_MAX, currency in 0..4_usize) {
        let currency = ["EUR", "JPY", "KWD", "CLF"][currency];
        prop_assert_eq!(parse_decimal(&decimal(amount, currency), '.', exponent(currency)), Some(amount));
    }
}

/// However a reader cuts the line, with whichever separator and whether it knows quotes or not, no cell begins a formula.
#[test]
fn no_reader_finds_a_formula() {
    let begins = ["", "a", " ", "\"", "a\"", "a;", "\t \"", "\u{a0}"];
    let middles = SEPARATORS.iter().map(char::to_string).chain(["".into(), ",".into(), ";\"".into(), "; ".into()]);
    for (middle, sign) in middles.flat_map(|middle| FORMULA.map(|sign| (middle.clone(), sign))) {
        for begin in begins {
            let cell = format!("{begin}{middle}{sign}SUM(1)");
            let mut text = String::new();
            line(&mut text, ["id", &harmless(&cell), "end"].into_iter());
            let comma = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes()).into_records();
            let rows: Vec<csv::StringRecord> = comma.map(Result::unwrap).collect();
            assert_eq!(rows.len(), 1, "{cell:?}");
            assert_eq!(rows[0].len(), 3, "{cell:?}");
            assert!(!rows[0][1].trim_start().starts_with(FORMULA), "{cell:?}");
            for cut in SEPARATORS {
                for part in text.split([cut, '\n', '\r']) {
                    let part = part.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
                    assert!(!part.starts_with(FORMULA), "{cell:?} cut at {cut:?}: {text:?}");
                }
            }
        }
    }
    assert_eq!(harmless("a; b\nc-d"), "a; b\nc-d");
}
