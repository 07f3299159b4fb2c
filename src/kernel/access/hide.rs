//! Hidden fields. Every type in an answer implements `Hide`; `Answer::finish` calls it once, before it serialises the
//! answer. A type without it does not compile as an answer.
use crate::kernel::access::actor::Actor;

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

/// Declares the fields of a row that roles can hide, with the members that show them:
/// `hideable!(Boat: price => [price, prices])`, or `hideable!(custom Contact: …)` if the row has custom fields, which can
/// always be hidden. A hidden member becomes null, or an empty list.
#[macro_export]
macro_rules! hideable {
    (custom $row:ty: $($name:ident => $members:tt),+) => {
        $crate::hideable!(@ $row, custom, $($name => $members),+);
    };
    ($row:ty: $($name:ident => $members:tt),+) => {
        $crate::hideable!(@ $row, , $($name => $members),+);
    };
    (@ $row:ty, $($custom:ident)?, $($name:ident => [$($member:ident),+]),+) => {
        impl $row {
            pub const HIDEABLE: &[$crate::kernel::access::hide::HideableField] = &[$(
                $crate::kernel::access::hide::HideableField {
                    name: stringify!($name),
                    members: &[$(stringify!($member)),+],
                },
            )+];
        }

        impl $crate::kernel::access::hide::Hide for $row {
            fn hide(&mut self, actor: &$crate::kernel::access::actor::Actor) {
                for hidden in actor.access.hidden_members(<Self as $crate::kernel::fields::kind::Record>::KIND.path()) {
                    match hidden {
                        $($(stringify!($member) => self.$member = Default::default(),)+)+
                        _ => { $(self.$custom.remove(hidden);)? }
                    }
                }
            }
        }
    };
}
