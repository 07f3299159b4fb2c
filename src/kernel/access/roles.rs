//! Built-in and custom roles: their permissions and hidden fields, as the descriptors of the resources allow them.
use crate::kernel::access::grants::{Access, Action, Grant, Grants, HiddenField, HiddenFields, Visibility};
use crate::kernel::access::hide::HideableField;
use crate::kernel::access::resource::{Builtin, Rights, guarded, hideable};
use crate::kernel::error::{FieldCode, FieldError, not_known};
use crate::kernel::fields::custom::OWN_FIELD;
use std::collections::{BTreeSet, HashMap};

pub const OWNER: &str = "owner";
pub const SELLER: &str = "seller";

impl Builtin {
    pub const ALL: [(Builtin, &'static str, &'static str); 5] = [
        (Builtin::Owner, OWNER, "Owner"),
        (Builtin::Admin, "admin", "Admin"),
        (Builtin::Manager, "manager", "Manager"),
        (Builtin::Seller, SELLER, "Seller"),
        (Builtin::Viewer, "viewer", "Viewer"),
    ];

    pub fn named(key: &str) -> Option<Builtin> {
        Builtin::ALL.iter().find(|(_, known, _)| *known == key).map(|(role, ..)| *role)
    }

    /// Returns the permissions of the role in the form of a custom role.
    pub fn grants(self) -> Grants {
        let up_to = |weakest: Builtin| if self <= weakest { Visibility::All } else { Visibility::None };
        let grant = |(name, rights): (&str, Rights)| Grant {
            resource: name.into(),
            read: up_to(rights.read),
            create: up_to(rights.write),
            update: up_to(rights.write),
            delete: up_to(rights.delete),
            // Viewers may not export.
            export: up_to(rights.read.min(Builtin::Seller)),
        };
        Grants(guarded().map(grant).collect())
    }
}

impl Access {
    pub fn new(role: &str, grants: &Grants, hidden: &HiddenFields) -> Access {
        Access {
            role: role.into(),
            rights: grants.0.iter().map(|grant| (grant.resource.clone(), grant.clone())).collect(),
            hidden: hidden.0.clone(),
            members: members_of(&hidden.0),
        }
    }

    pub fn builtin(role: Builtin) -> Access {
        let key = Builtin::ALL.iter().find(|(known, ..)| *known == role).map_or("", |(_, key, _)| key);
        Access::new(key, &role.grants(), &HiddenFields::default())
    }

    /// Returns the permissions in the order of the resources.
    pub fn grants(&self) -> Vec<Grant> {
        guarded().filter_map(|(name, _)| self.rights.get(name)).cloned().collect()
    }
}

/// Returns the members that show the fields, by resource.
fn members_of(fields: &[HiddenField]) -> HashMap<String, Vec<String>> {
    let mut members: HashMap<String, Vec<String>> = HashMap::new();
    for hidden in fields {
        let known = hideable_fields(&hidden.resource).iter().find(|field| field.name == hidden.field);
        let own = hidden.field.starts_with(OWN_FIELD).then_some(hidden.field.as_str());
        let shown = known.map_or(&[][..], |field| field.members).iter().copied().chain(own);
        members.entry(hidden.resource.clone()).or_default().extend(shown.map(str::to_owned));
    }
    members
}

/// The fields of a resource that roles can hide.
fn hideable_fields(resource: &str) -> &'static [HideableField] {
    hideable().find(|descriptor| descriptor.name == resource).map_or(&[], |descriptor| descriptor.hideable)
}

/// Checks the hidden fields of a custom role.
pub fn check_hidden(fields: &[HiddenField], bad: &mut Vec<FieldError>) {
    let resources = || hideable().map(|resource| resource.name);
    for (n, hidden) in fields.iter().enumerate() {
        let known = hideable_fields(&hidden.resource);
        if known.is_empty() {
            let detail = not_known(&hidden.resource, resources());
            let wrong = FieldError::member(format!("/hidden_fields/{n}/resource"), FieldCode::InvalidChoice, detail);
            bad.push(wrong.among(names_of(resources())));
        } else if !hidden.field.starts_with(OWN_FIELD) && !known.iter().any(|field| field.name == hidden.field) {
            let names: Vec<&str> = known.iter().map(|field| field.name).collect();
            let elsewhere = hideable().flat_map(|resource| resource.hideable).any(|field| field.name == hidden.field);
            let detail = format!("must be one of {}, or cf. followed by the key of a custom field", names.join(", "));
            // A schema cannot list the fields of each resource.
            let code = if elsewhere { FieldCode::Invalid } else { FieldCode::InvalidChoice };
            bad.push(FieldError::member(format!("/hidden_fields/{n}/field"), code, detail).among(names));
        }
    }
}

/// Returns each name once.
fn names_of(names: impl Iterator<Item = &'static str>) -> BTreeSet<&'static str> {
    names.collect()
}

/// Checks whether the resource has anything to read. For operations without records, a call may need a
/// weaker role than reading.
fn is_read(rights: Rights) -> bool {
    rights.read >= rights.write
}

/// Checks the permissions of a custom role: known resources, each once, and no `own` or `team` for records without
/// owners.
pub fn check_grants(grants: &[Grant], bad: &mut Vec<FieldError>) {
    for (n, grant) in grants.iter().enumerate() {
        let Some((name, rights)) = guarded().find(|(name, _)| *name == grant.resource) else {
            let detail = not_known(&grant.resource, guarded().map(|(name, _)| name));
            let wrong = FieldError::member(format!("/grants/{n}/resource"), FieldCode::InvalidChoice, detail);
            bad.push(wrong.among(names_of(guarded().map(|(name, _)| name))));
            continue;
        };
        if grants.iter().take(n).any(|earlier| earlier.resource == grant.resource) {
            bad.push(FieldError::member(
                format!("/grants/{n}/resource"),
                FieldCode::StatedTwice,
                "must not occur twice",
            ));
        }
        for action in Action::ALL {
            let far = grant.of(action);
            if !rights.owned && matches!(far, Visibility::Own | Visibility::Team) {
                let detail = format!("must be none or all, because {name} have no owners");
                bad.push(FieldError::member(format!("/grants/{n}/{}", action.as_str()), FieldCode::Invalid, detail));
            }
            // A role may create records for others without seeing them afterwards.
            if far > grant.read && is_read(rights) && !(action == Action::Create && grant.read > Visibility::None) {
                let detail = "must not reach further than read";
                bad.push(FieldError::member(format!("/grants/{n}/{}", action.as_str()), FieldCode::OutOfRange, detail));
            }
        }
    }
}
