use super::*;
use crate::kernel::samples::refusals;

#[test]
fn the_nearest_known_name_is_suggested() {
    for (case, asked, expected) in [
        ("a typo", "nmae", "is unknown; did you mean name?"),
        ("one letter less", "emai", "is unknown; did you mean email?"),
        ("nothing like it", "xyz", "is unknown"),
        ("spaces around it", " name ", "is unknown; remove the spaces around it"),
        ("a name that is known, and not for this caller", "name", "is unknown"),
        ("too long for a typo", &"name".repeat(17), "is unknown"),
    ] {
        assert_eq!(not_known(asked, ["name", "email"].into_iter()), expected, "{case}");
    }
    assert_eq!(not_known("x", std::iter::empty()), "is unknown", "where nothing is known");
}

fn code_of(error: &Error) -> &'static str {
    error.code().as_str()
}

#[test]
fn unknown_names_take_precedence_over_invalid_values() {
    let members = |codes: &[FieldCode]| {
        Error::members(codes.iter().map(|code| FieldError::member("/x", *code, "is wrong")).collect())
    };
    assert_eq!(code_of(&members(&[FieldCode::Required, FieldCode::InvalidType])), "validation_failed");
    assert_eq!(code_of(&members(&[FieldCode::Required, FieldCode::UnknownMember])), "unknown_member");
    let parameters = |codes: &[FieldCode]| {
        Error::parameters(codes.iter().map(|code| FieldError::parameter("x", *code, "is wrong")).collect())
    };
    for (codes, expected) in [
        (vec![FieldCode::InvalidFormat], "invalid_parameter"),
        (vec![FieldCode::InvalidFormat, Code::CursorMismatch.into()], "cursor_mismatch"),
        (vec![Code::CursorMismatch.into(), Code::CursorInvalid.into()], "cursor_invalid"),
        (vec![Code::CursorInvalid.into(), FieldCode::UnknownParameter], "unknown_parameter"),
    ] {
        assert_eq!(code_of(&parameters(&codes)), expected, "{codes:?}");
    }
}

fn detail(error: &Error) -> &str {
    match error {
        Error::Problem(problem) => &problem.detail,
        other => panic!("no problem of the caller: {other}"),
    }
}

#[test]
fn the_detail_describes_one_error_or_counts_them() {
    let some = |count: usize| Error::members(vec![FieldError::member("/x", FieldCode::Invalid, "is wrong"); count]);
    for (count, expected) in [
        (1, "/x is wrong"),
        (2, "2 members are not valid"),
        (99, "99 members are not valid"),
        (100, "100 members or more are not valid"),
        (250, "100 members or more are not valid"),
    ] {
        assert_eq!(detail(&some(count)), expected, "{count} refusals");
        assert_eq!(refusals(&some(count)).len(), count.min(ERRORS_MAX), "{count} refusals");
    }
    let parameter =
        Error::parameters(vec![FieldError::parameter("limit", FieldCode::OutOfRange, "must be at least 1")]);
    assert_eq!(detail(&parameter), "limit must be at least 1");
}

#[test]
fn nested_errors_have_full_pointers() {
    let inner = Error::member("/name", FieldCode::Required, "is missing").under("/items/3");
    assert_eq!(refusals(&inner), ["/items/3/name required"]);
    assert_eq!(detail(&inner), "/items/3/name is missing");
    let whole = Error::not_found().under("/items/3");
    assert_eq!(code_of(&whole), "not_found");
    assert!(!detail(&whole).starts_with('/'), "{whole}");
}

#[test]
fn missing_records_are_reported_at_the_referring_member() {
    assert_eq!(refusals(&Error::not_found().at_member("/owner_id")), ["/owner_id reference_not_found"]);
    assert_eq!(code_of(&Error::new(Code::Forbidden, "no").at_member("/owner_id")), "forbidden");
    assert_eq!(code_of(&Error::internal("x").at_member("/owner_id")), "internal_error");
}

#[test]
fn out_of_range_errors_state_the_bounds() {
    for (min, max, expected) in [
        (Some(1), Some(5), "must be from 1 to 5"),
        (Some(1), None, "must be at least 1"),
        (None, Some(5), "must be at most 5"),
        (None, None, "must fit into 64 bits"),
    ] {
        let bad = FieldError::out_of_range(min, max);
        assert_eq!(bad.detail, expected);
        assert_eq!(bad.params.min, min, "{expected}");
        assert_eq!(bad.params.max, max, "{expected}");
    }
}

#[test]
fn long_names_are_truncated_between_characters() {
    let name = |letters| "ж".repeat(letters);
    assert_eq!(cut(name(200)), name(200));
    assert_eq!(cut(name(201)), format!("{}…", name(200)));
}
