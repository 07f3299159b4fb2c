//! Hidden fields: every type that is answered says how it drops what the caller's role hides. `Answer::finish` asks it to, once, before
//! the answer is written; a type that does not say it cannot be answered.
use crate::kernel::actor::Actor;

/// A value of an answer, which drops what is hidden from the caller.
pub trait Hide {
    fn hide(&mut self, actor: &Actor);
}

/// Holds no field that a role can hide.
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

/// The fields of a record that roles can hide, each with the members that show it: `hideable!(Boat: price => [price, prices])`, or
/// `hideable!(custom Contact: …)` where the workspace's own fields can be hidden too. An empty member is null, or a list without items.
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
            pub const HIDEABLE: &[$crate::kernel::hide::HideableField] = &[$(
                $crate::kernel::hide::HideableField { name: stringify!($name), members: &[$(stringify!($member)),+] },
            )+];
        }

        impl $crate::kernel::hide::Hide for $row {
            fn hide(&mut self, actor: &$crate::kernel::actor::Actor) {
                for hidden in actor.access.hidden_members(<Self as $crate::kernel::kind::Record>::KIND.path()) {
                    match hidden {
                        $($(stringify!($member) => self.$member = Default::default(),)+)+
                        _ => { $(self.$custom.remove(hidden);)? }
                    }
                }
            }
        }
    };
}
