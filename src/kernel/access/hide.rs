//! Hidden fields. Every type in an answer implements `Hide`; `Answer::finish` calls it once, before it serialises the
//! answer. A type without it does not compile as an answer.
use crate::kernel::access::actor::Actor;
use crate::kernel::fields::kind::Kind;

/// Clears the fields that the caller's role hides.
pub trait Hide {
    fn hide(&mut self, actor: &Actor);
}

/// Marks a type without hideable fields.
pub trait NothingHidden {}

impl<T: NothingHidden> Hide for T {
    fn hide(&mut self, _: &Actor) {}
}

impl<T: Hide> Hide for Vec<T> {
    fn hide(&mut self, actor: &Actor) {
        self.iter_mut().for_each(|item| item.hide(actor));
    }
}

impl<T: Hide> Hide for Option<T> {
    fn hide(&mut self, actor: &Actor) {
        self.iter_mut().for_each(|value| value.hide(actor));
    }
}

/// A field that roles can hide, and the members of a record that show it.
#[derive(Clone, Copy, Debug)]
pub struct HideableField {
    pub name: &'static str,
    pub members: &'static [&'static str],
}

impl HideableField {
    pub const fn new(name: &'static str, members: &'static [&'static str]) -> HideableField {
        HideableField { name, members }
    }
}

/// An update that may set members that roles can hide.
pub trait HideableChanges {
    const KIND: Kind;

    /// Returns the given members with their pointers: `("/email", "email")`, `("/custom_fields/0", "cf.region")`.
    fn given(&self) -> Vec<(String, String)>;
}

/// Implements `HideableChanges` for the body of an update with the members that roles can hide. Custom fields are
/// always included.
#[macro_export]
macro_rules! hideable_changes {
    ($changes:ident of $kind:ident: $($member:ident),+) => {
        impl $crate::kernel::access::hide::HideableChanges for $changes {
            const KIND: $crate::kernel::fields::kind::Kind = $crate::kernel::fields::kind::Kind::$kind;

            fn given(&self) -> Vec<(String, String)> {
                let members = [$((stringify!($member), self.$member.is_some())),+];
                let given = members.into_iter().filter(|(_, given)| *given);
                let own = self.custom_fields.iter().flatten().enumerate();
                let own = own.map(|(n, value)| (format!("/custom_fields/{n}"), format!("cf.{}", value.key)));
                given.map(|(name, _)| (format!("/{name}"), name.to_owned())).chain(own).collect()
            }
        }
    };
}
