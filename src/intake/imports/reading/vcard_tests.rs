use super::Property;

fn parse(line: &str) -> Property {
    Property::parse(line.as_bytes()).unwrap()
}

#[test]
fn a_property_has_a_group_kinds_and_a_value() {
    let property = parse("item1.TEL;TYPE=WORK,VOICE;TYPE=pref:+43 1 2345");
    assert_eq!((property.name.as_str(), property.group.as_deref()), ("TEL", Some("ITEM1")));
    assert_eq!(property.kinds(), ["work"]);
    assert!(property.is_preferred());
    assert_eq!(property.text(), "+43 1 2345");
}

#[test]
fn a_kind_of_version_2_has_no_name() {
    assert_eq!(parse("TEL;HOME;CELL:1").kinds(), ["home", "cell"]);
}

#[test]
fn escapes_are_taken_off() {
    assert_eq!(parse("NOTE:a\\nb\\, c\\; d\\\\e").text(), "a\nb, c; d\\e");
    assert_eq!(parse("N:M\\;ller;Anna;;;").parts(), ["M;ller", "Anna", "", "", ""]);
    assert_eq!(parse("CATEGORIES:vip,a\\,b, c").items(), ["vip", "a,b", "c"]);
}

#[test]
fn quoted_printable_is_decoded() {
    assert_eq!(parse("FN;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:Jana Nov=C3=A1kov=C3=A1").text(), "Jana Nováková");
    assert_eq!(parse("FN;QUOTED-PRINTABLE;CHARSET=windows-1251:=CF=B8=F2=F0").text(), "Пётр");
    assert!(Property::goes_on(b"NOTE;ENCODING=QUOTED-PRINTABLE:a="));
    assert!(!Property::goes_on(b"URL:http://x/?a="));
}

#[test]
fn a_colon_in_a_parameter_is_no_value() {
    let property = parse("ADR;LABEL=\"Street 1: back\";TYPE=home:;;Street 1;Wien;;1010;Austria");
    assert_eq!(property.parts()[2], "Street 1");
    assert_eq!(property.kinds(), ["home"]);
}

#[test]
fn addresses_of_version_4_are_links() {
    assert_eq!(parse("TEL;VALUE=uri;TYPE=\"voice,home\":tel:+1-555-555-5555;ext=12").text(), "+1-555-555-5555 ext. 12");
    assert_eq!(parse("TEL;VALUE=uri;TYPE=\"voice,home\":tel:+1").kinds(), ["home"]);
}

#[test]
fn a_line_without_a_colon_is_no_property() {
    assert_eq!(Property::parse(b"nothing"), None);
}
