use super::names;

#[test]
fn names_are_split_into_first_and_last() {
    for (name, first, last) in [
        (Some("Anna Maria Tamm"), Some("Anna Maria"), Some("Tamm")),
        (Some("  Eve   Stone "), Some("Eve"), Some("Stone")),
        (Some("Eve"), Some("Eve"), None),
        (Some("鈴木 一郎"), Some("一郎"), Some("鈴木")),
        (Some("鈴木一郎"), Some("鈴木一郎"), None),
        (Some(" "), None, None),
        (None, None, None),
    ] {
        let (found_first, found_last) = names(name);
        assert_eq!(found_first.as_deref(), first, "first name of {name:?}");
        assert_eq!(found_last.as_deref(), last, "last name of {name:?}");
    }
}
