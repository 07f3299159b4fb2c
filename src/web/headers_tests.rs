use super::{Format, OF_LISTS, OF_REPORTS, XLSX, key_in, preferred, version_in};

#[test]
fn versions_are_parsed_from_entity_tags() {
    for (tag, expected) in [
        ("7", Some(7)),
        ("007", Some(7)),
        ("999999999999999999", Some(999_999_999_999_999_999)),
        ("7-0123abcdEF", Some(7)),
        ("7-0", Some(7)),
        ("1000000000000000000", None),
        ("", None),
        ("-7", None),
        ("+7", None),
        ("7-", None),
        ("7-xyz", None),
        ("7-01-02", None),
        ("x", None),
        ("7 ", None),
        ("٧", None),
    ] {
        assert_eq!(version_in(tag), expected, "{tag}");
    }
    assert_eq!(version_in(&format!("7-{}", "a".repeat(64))), Some(7), "the longest digest");
    assert_eq!(version_in(&format!("7-{}", "a".repeat(65))), None, "a longer one");
}

#[test]
fn keys_are_plain_or_quoted() {
    for (header, expected) in [
        ("5f0c", Some("5f0c")),
        ("\"5f0c\"", Some("5f0c")),
        ("", None),
        ("\"\"", None),
        ("\"5f0c", None),
        ("\"5f\"0c\"", None),
        ("5f 0c", None),
        ("é", None),
    ] {
        assert_eq!(key_in(header), expected, "{header}");
    }
    assert!(key_in(&"a".repeat(255)).is_some(), "the longest key");
    assert_eq!(key_in(&"a".repeat(256)), None, "a longer one");
}

#[test]
fn the_first_known_media_type_is_preferred() {
    for (accept, expected) in [
        ("text/csv", Some(Format::Csv)),
        ("text/csv, application/json", Some(Format::Csv)),
        ("application/json;q=0.9, text/csv", Some(Format::Json)),
        ("image/png, */*", Some(Format::Json)),
        ("", Some(Format::Json)),
        ("image/png", None),
    ] {
        assert_eq!(preferred(accept, &OF_LISTS), expected, "{accept}");
    }
    for (accept, expected) in [
        ("image/png, */*", Some(Format::Png)),
        ("image/avif, image/svg+xml", Some(Format::Svg)),
        ("image/avif,image/webp,image/*,*/*;q=0.8", Some(Format::Svg)),
        (XLSX, Some(Format::Xlsx)),
        ("text/*", Some(Format::Csv)),
        ("application/json, image/png", Some(Format::Json)),
        ("application/pdf", None),
    ] {
        assert_eq!(preferred(accept, &OF_REPORTS), expected, "{accept}");
    }
}
