use super::content;

fn counted(values: &[&str]) -> crate::intake::imports::recognition::content::Content {
    content(&values.iter().map(|value| (*value).to_owned()).collect::<Vec<_>>())
}

#[test]
fn empty_values_are_not_counted() {
    assert_eq!(counted(&["", "n/a", "#REF!", "x"]).filled, 1);
}

#[test]
fn a_value_counts_under_every_kind_that_it_may_be() {
    let content = counted(&["20240102"]);
    assert_eq!((content.dates, content.numbers, content.phones), (1, 1, 1));
}

#[test]
fn addresses_and_amounts_are_told_apart() {
    let content = counted(&["ann@x.example", "www.x.example", "1.234,56 €", "12.03.2024", "yes", "EUR"]);
    assert_eq!((content.emails, content.urls, content.currencies, content.booleans), (1, 1, 1, 1));
}
