use super::*;
use proptest::prelude::*;

fn column(cells: &[&str]) -> ColumnEvidence {
    let mut column = ColumnEvidence::default();
    (2..).zip(cells).for_each(|(line, cell)| column.note(line, cell));
    column
}

fn decided(columns: &[(&str, Role, &[&str])], answers: &Answers, country: &str) -> Decisions {
    let evidence: Vec<ColumnEvidence> = columns.iter().map(|(.., cells)| column(cells)).collect();
    let mut mapped = Vec::new();
    for ((name, role, _), evidence) in columns.iter().zip(&evidence) {
        mapped.push(MappedColumn { name, role: *role, evidence });
    }
    let today = NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();
    let around = Surroundings { country, currency: "EUR", zone: chrono_tz::Europe::Berlin, today };
    decide(&mapped, answers, &around)
}

/// The samples of an import: cells, and the amounts or dates that they are.
#[test]
fn columns_beside_amounts_do_not_decide_the_decimal_sign() {
    let columns: [(&str, Role, &[&str]); 3] = [
        ("created", Role::Date, &["12.03.2024", "02.04.2024", "05.01.2024"]),
        ("amount", Role::Amount, &["1234,56", "99,90", "12500,00"]),
        ("closed", Role::Date, &["01.06.2024", "", "02.02.2024"]),
    ];
    let decisions = decided(&columns, &Answers::default(), "DE");
    assert!(decisions.questions.is_empty() && decisions.warnings.is_empty(), "{decisions:?}");
    let amount = |text: &str| decisions.conventions.amount(text, None, 1).unwrap().value.minor;
    assert_eq!(columns[1].2.iter().map(|text| amount(text)).collect::<Vec<_>>(), [123_456, 9_990, 1_250_000]);
    let date = |text: &str| decisions.conventions.date(text, decisions.dates["created"]).unwrap().value.to_string();
    assert_eq!(
        columns[0].2.iter().map(|text| date(text)).collect::<Vec<_>>(),
        ["2024-03-12", "2024-04-02", "2024-01-05"]
    );
}

#[test]
fn american_dates_are_found_in_two_columns() {
    let columns: [(&str, Role, &[&str]); 2] = [
        ("Created Date", Role::Date, &["1/13/2024", "2/5/2024", "3/27/2024", "1/2/2024"]),
        ("Close Date", Role::Date, &["4/3/2024", "5/6/2024", "6/7/2024", "3/4/2024"]),
    ];
    let decisions = decided(&columns, &Answers::default(), "DE");
    assert!(decisions.questions.is_empty() && decisions.warnings.is_empty());
    let date = |text: &str| decisions.conventions.date(text, DateColumn::default()).unwrap().value.to_string();
    assert_eq!(
        columns[1].2.iter().map(|text| date(text)).collect::<Vec<_>>(),
        ["2024-04-03", "2024-05-06", "2024-06-07", "2024-03-04"]
    );
}

#[test]
fn doubts_are_questions_or_warnings() {
    let columns: [(&str, Role, &[&str]); 4] = [
        ("Amount", Role::Amount, &["1.500", "kr 12.500", "$ 5"]),
        ("Created", Role::Date, &["01/02/2024"]),
        ("Chance", Role::Probability, &["0.5", "90"]),
        ("Staff", Role::Number, &["7"]),
    ];
    let decisions = decided(&columns, &Answers::default(), "DE");
    let keys = |doubts: &[Doubt]| doubts.iter().map(|doubt| doubt.key.clone()).collect::<Vec<_>>();
    assert_eq!(keys(&decisions.questions), ["currency_signs.kr", "probability_scale"]);
    assert_eq!(keys(&decisions.warnings), ["currency_signs.$", "decimal", "date_order"]);
}

#[test]
fn a_currency_column_decides_signs() {
    let columns: [(&str, Role, &[&str]); 1] = [("Amount", Role::Amount, &["kr 5", "kr 7"])];
    let answers = Answers { has_currency_column: true, ..Answers::default() };
    let decisions = decided(&columns, &answers, "DE");
    assert!(decisions.questions.is_empty() && decisions.warnings.is_empty(), "{decisions:?}");
    assert_eq!(decisions.conventions.amount("kr 5", Some("NOK"), 1).unwrap().value.currency, "NOK");
}

#[test]
fn answers_leave_no_doubt() {
    let columns: [(&str, Role, &[&str]); 4] = [
        ("Amount", Role::Amount, &["1.500", "12,5", "1.5", "kr 7"]),
        ("Created", Role::Date, &["1/13/2024"]),
        ("Closed", Role::Date, &["13/1/2024"]),
        ("Chance", Role::Probability, &["0.5", "90"]),
    ];
    let answers = Answers {
        decimal: Some(Decimal::Comma),
        date_order: Some(DateOrder::PerColumn),
        currency_signs: BTreeMap::from([("kr".to_owned(), "NOK".to_owned())]),
        probability_scale: Some(Scale::Hundred),
        ..Answers::default()
    };
    let decisions = decided(&columns, &answers, "DE");
    assert!(decisions.questions.is_empty() && decisions.warnings.is_empty(), "{decisions:?}");
    let date =
        |text: &str, column: &str| decisions.conventions.date(text, decisions.dates[column]).unwrap().value.to_string();
    assert_eq!(date("1/13/2024", "Created"), "2024-01-13");
    assert_eq!(date("13/1/2024", "Closed"), "2024-01-13");
    let amount = decisions.conventions.amount("kr 7", None, 1).unwrap().value;
    assert_eq!((amount.minor, amount.currency.as_str()), (700, "NOK"));
}

#[test]
fn numbers_of_days_are_dates_in_their_column() {
    let columns: [(&str, Role, &[&str]); 2] =
        [("Born", Role::Birthday, &["31139", ""]), ("Created", Role::Date, &["45363.5"])];
    let decisions = decided(&columns, &Answers::default(), "US");
    let date =
        |text: &str, column: &str| decisions.conventions.date(text, decisions.dates[column]).unwrap().value.to_string();
    assert_eq!(date("31139", "Born"), "1985-04-02");
    assert_eq!(date("45363.5", "Created"), "2024-03-12");
}

/// The notation of a country: decimal sign, group mark, what stands around an amount, and date with time.
const LOCALES: [(&str, &str, &str, &str, &str); 12] = [
    ("DE", ",", ".", "# €", "%d.%m.%Y %H:%M:%S"),
    ("US", ".", ",", "$#", "%m/%d/%Y %I:%M:%S %p"),
    ("GB", ".", ",", "£#", "%d/%m/%Y %H:%M:%S"),
    ("FR", ",", "\u{202f}", "# €", "%d/%m/%Y à %Hh%M:%S"),
    ("CH", ".", "’", "CHF #", "%d.%m.%Y, %H:%M:%S"),
    ("RU", ",", "\u{a0}", "# ₽", "%d.%m.%Y %H:%M:%S"),
    ("PL", ",", " ", "# zł", "%d.%m.%Y %H:%M:%S"),
    ("BR", ",", ".", "R$ #", "%d/%m/%Y %H:%M:%S"),
    ("IT", ",", ".", "€ #", "%d/%m/%Y %H:%M:%S"),
    ("ES", ",", ".", "# EUR", "%d/%m/%Y %H:%M:%S"),
    ("JP", ".", ",", "#円", "%Y年%m月%d日 %H時%M分%S秒"),
    ("SE", ",", " ", "# SEK", "%Y-%m-%d %H:%M:%S"),
];

fn written(cents: u64, decimal: &str, group: &str, around: &str, whole: bool) -> String {
    let digits = (cents / 100).to_string();
    let mut number = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            number.push_str(group);
        }
        number.push(digit);
    }
    let fraction = if whole { String::new() } else { format!("{decimal}{:02}", cents % 100) };
    around.replace('#', &format!("{number}{fraction}"))
}

proptest! {
    /// In a workspace of the country, every amount and time is read back; elsewhere too, or there is a doubt.
    #[test]
    fn what_a_country_writes_is_read_back(
        locale in 0..LOCALES.len(),
        whole in any::<bool>(),
        at_home in any::<bool>(),
        rows in proptest::collection::vec((0..100_000_000_u64, 0..1_900_000_000_i64), 1..12),
    ) {
        let (country, decimal, group, around, format) = LOCALES[locale];
        let whole = whole || country == "JP";
        let zone = chrono_tz::UTC;
        let amounts: Vec<String> = rows.iter().map(|(cents, _)| written(*cents, decimal, group, around, whole)).collect();
        let times: Vec<String> =
            rows.iter().map(|(_, at)| chrono::DateTime::from_timestamp(*at, 0).unwrap().format(format).to_string()).collect();
        let (money, created) = (column(&amounts.iter().map(String::as_str).collect::<Vec<_>>()), column(&times.iter().map(String::as_str).collect::<Vec<_>>()));
        let mapped = [
            MappedColumn { name: "money", role: Role::Amount, evidence: &money },
            MappedColumn { name: "created", role: Role::Date, evidence: &created },
        ];
        let today = NaiveDate::from_ymd_opt(2026, 11, 28).unwrap();
        let home = if at_home { country } else { "IN" };
        let decisions = decide(&mapped, &Answers::default(), &Surroundings { country: home, currency: "EUR", zone, today });
        prop_assert!(decisions.questions.is_empty(), "{:?}", decisions.questions);
        let doubtful = |key: &str| !at_home && decisions.warnings.iter().any(|doubt| doubt.key == key);
        for (((cents, at), amount), time) in rows.iter().zip(&amounts).zip(&times) {
            let unit = if country == "JP" { 1 } else { 100 };
            let expected = i64::try_from(cents / 100 * unit + if whole { 0 } else { cents % 100 }).unwrap();
            if !doubtful("decimal") {
                let read = decisions.conventions.amount(amount, None, 1);
                prop_assert_eq!(read.map(|read| read.value.minor), Ok(expected), "{}", amount);
            }
            if !doubtful("date_order") {
                let read = decisions.conventions.instant(time, decisions.dates["created"]);
                prop_assert_eq!(read.map(|read| read.value.utc().timestamp()), Ok(*at), "{}", time);
            }
        }
    }
}
