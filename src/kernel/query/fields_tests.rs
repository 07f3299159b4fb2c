use super::*;
use crate::kernel::fields::custom::CustomKind;
use crate::kernel::samples::{BOAT, actor, custom_field, with_fields, without_field};

#[test]
fn includes_have_the_name_of_the_reference() {
    let includes: Vec<_> = BOAT.includes().map(|(name, _)| name).collect();
    assert_eq!(includes, ["owner"]);
}

#[test]
fn custom_fields_are_found_by_prefixed_key() {
    let mut archived = custom_field("old", CustomKind::Text, &[]);
    archived.archived = true;
    let actor = with_fields(actor(), vec![custom_field("region", CustomKind::Text, &[]), archived]);
    let named = |name: &str, actor: &Actor| BOAT.named(name, actor).map(|field| field.name().to_owned());
    assert_eq!(named("name", &actor).as_deref(), Some("name"));
    assert_eq!(named("cf.region", &actor).as_deref(), Some("cf.region"));
    assert_eq!(named("region", &actor), None, "without its prefix");
    assert_eq!(named("cf.old", &actor), None, "an archived one");
    assert_eq!(named("id", &actor), None, "the id is asked apart");
    assert_eq!(named("cf.region", &without_field(actor, "cf.region")), None, "a hidden one");
}
