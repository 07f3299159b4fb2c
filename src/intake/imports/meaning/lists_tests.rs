use super::*;
use proptest::prelude::*;

#[test]
fn tags_are_divided() {
    for (case, text, expected) in [
        ("commas", "vip, fair 2024", vec!["vip", "fair 2024"]),
        ("semicolons", "vip;fair 2024", vec!["vip", "fair 2024"]),
        ("bars", "vip|fair 2024", vec!["vip", "fair 2024"]),
        ("line breaks", "vip\nfair 2024", vec!["vip", "fair 2024"]),
        ("Google", "* myContacts ::: Customers", vec!["myContacts", "Customers"]),
        ("quotation marks", "\"vip\",\"news, weekly\"", vec!["vip", "news, weekly"]),
        ("commas inside semicolons", "vip, gold;fair", vec!["vip, gold", "fair"]),
        ("JSON", "[\"vip\",\"news, weekly\"]", vec!["vip", "news, weekly"]),
        ("Python", "['vip', 'fair 2024']", vec!["vip", "fair 2024"]),
        ("PostgreSQL", "{vip,\"news, weekly\"}", vec!["vip", "news, weekly"]),
        ("slashes with blanks", "vip / fair", vec!["vip", "fair"]),
        ("slashes without blanks", "B2B/B2C", vec!["B2B/B2C"]),
        ("twice the same", "a, b, a", vec!["a", "b"]),
        ("empty parts", ",a,,b;", vec!["a", "b"]),
        ("a mark at the end", "a, b;", vec!["a", "b"]),
        ("empty parts between commas", ",a,,b,", vec!["a", "b"]),
        ("a lonely quotation mark", "17\" screen, vip", vec!["17\" screen", "vip"]),
        ("guards", "'=a, '+b", vec!["=a", "+b"]),
        ("nothing", "", vec![]),
    ] {
        assert_eq!(tags(text), expected, "{case}: {text}");
    }
}

#[test]
fn phones_are_divided() {
    for (case, text, expected) in [
        ("semicolons", "+49 170 1234567; +49 40 123456", vec!["+49 170 1234567", "+49 40 123456"]),
        ("commas", "+49 170 1234568, +49 40 123457", vec!["+49 170 1234568", "+49 40 123457"]),
        ("slashes", "+49 170 1234569 / +49 40 1", vec!["+49 170 1234569", "+49 40 1"]),
        ("Google", "+43 2213 30000 ::: +43 2213 30089", vec!["+43 2213 30000", "+43 2213 30089"]),
        ("an area code", "040/123456", vec!["040/123456"]),
        ("an area code with blanks", "0170 / 1234567", vec!["0170 / 1234567"]),
        ("two numbers with a slash", "0170/1234567 / 040/123456", vec!["0170/1234567", "040/123456"]),
        ("an extension", "+49 40 123456, ext. 5", vec!["+49 40 123456, ext. 5"]),
        ("a short extension", "(212) 555-0123, 5", vec!["(212) 555-0123, 5"]),
        (
            "three",
            "+49 170 1234566, +49 170 1234567, +49 170 1234568",
            vec!["+49 170 1234566", "+49 170 1234567", "+49 170 1234568"],
        ),
        ("guards", "'+43 664 1234567; '+43 1 2345", vec!["+43 664 1234567", "+43 1 2345"]),
        ("one", "01.23.45.67.89", vec!["01.23.45.67.89"]),
        ("nothing", "", vec![]),
    ] {
        assert_eq!(phones(text), expected, "{case}: {text}");
    }
}

fn form(text: &str) -> Vec<String> {
    let one =
        |mailbox: Mailbox| format!("{} <{}>", mailbox.name.unwrap_or_default(), mailbox.email.unwrap_or_default());
    mailboxes(text).into_iter().map(one).collect()
}

#[test]
fn mailboxes_are_divided() {
    for (case, text, expected) in [
        ("one", "ann@x.example", vec![" <ann@x.example>"]),
        (
            "semicolons",
            "karl@schmidt.example; k.schmidt@home.example",
            vec![" <karl@schmidt.example>", " <k.schmidt@home.example>"],
        ),
        ("commas", "uwe@lang.example, ul@home.example", vec![" <uwe@lang.example>", " <ul@home.example>"]),
        ("blanks", "a@x.example b@x.example", vec![" <a@x.example>", " <b@x.example>"]),
        ("slashes", "a@x.example/b@x.example", vec![" <a@x.example>", " <b@x.example>"]),
        ("slashes with blanks", "a@x.example / b@x.example", vec![" <a@x.example>", " <b@x.example>"]),
        ("line breaks", "a@x.example\nb@x.example", vec![" <a@x.example>", " <b@x.example>"]),
        ("Google", "a@x.example ::: b@x.example", vec![" <a@x.example>", " <b@x.example>"]),
        ("a name", "Ina Ok <ina@ok.example>", vec!["Ina Ok <ina@ok.example>"]),
        ("a name with a comma", "\"Ok, Ina\" <ina@ok.example>", vec!["Ok, Ina <ina@ok.example>"]),
        ("a name with a comma, without quotation marks", "Ok, Ina <ina@ok.example>", vec!["Ok, Ina <ina@ok.example>"]),
        ("two with names", "Ina <i@x.example>, Uwe <u@x.example>", vec!["Ina <i@x.example>", "Uwe <u@x.example>"]),
        (
            "HubSpot",
            "Priya Example (priya@bluebay.example);Ola Nordmann",
            vec!["Priya Example <priya@bluebay.example>", "Ola Nordmann <>"],
        ),
        ("a name alone", "Lang, Uwe", vec!["Lang, Uwe <>"]),
        ("mailto", "mailto:ann@x.example", vec![" <ann@x.example>"]),
        ("brackets alone", "<ann@x.example>", vec![" <ann@x.example>"]),
        ("a guard", "'ina@ok.example", vec![" <ina@ok.example>"]),
        ("nothing", "", vec![]),
    ] {
        assert_eq!(form(text), expected, "{case}: {text}");
    }
}

proptest! {
    #[test]
    fn what_is_joined_is_divided(words in proptest::collection::btree_set("[a-z]{1,8}( [a-z0-9]{1,4})?", 1..6), mark in "(; |;|, |,|\n| ::: |\\|)") {
        let words: Vec<String> = words.into_iter().collect();
        prop_assert_eq!(tags(&words.join(&mark)), words);
    }

    #[test]
    fn addresses_are_divided(names in proptest::collection::vec("[a-z]{1,8}", 1..6), mark in "(; |;|, |,|\n| ::: |\\|| |/| / )") {
        let emails: Vec<String> = names.iter().map(|name| format!("{name}@x.example")).collect();
        let read: Vec<String> = mailboxes(&emails.join(&mark)).into_iter().filter_map(|mailbox| mailbox.email).collect();
        prop_assert_eq!(read, emails);
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}", odd in "[@<>(),;/|:\"'a+0 \n{}\\[\\]]{0,40}") {
        for text in [&text, &odd] {
            let _ = (tags(text), phones(text), mailboxes(text));
        }
    }
}
