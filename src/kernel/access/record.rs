//! What all records have in common.
use crate::kernel::access::hide::Hide;
use crate::kernel::fields::kind::Kind;

/// What all records of the API have in common.
pub trait Record: serde::Serialize + Hide {
    const KIND: Kind;
    fn id(&self) -> uuid::Uuid;
    fn version(&self) -> i64;
}

#[macro_export]
macro_rules! record {
    ($row:ty, $kind:ident) => {
        impl $crate::kernel::access::record::Record for $row {
            const KIND: $crate::kernel::fields::kind::Kind = $crate::kernel::fields::kind::Kind::$kind;
            fn id(&self) -> uuid::Uuid {
                self.id
            }
            fn version(&self) -> i64 {
                self.version
            }
        }
    };
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
                $crate::kernel::access::hide::HideableField::new(stringify!($name), &[$(stringify!($member)),+]),
            )+];
        }

        impl $crate::kernel::access::hide::Hide for $row {
            fn hide(&mut self, actor: &$crate::kernel::access::actor::Actor) {
                let path = <Self as $crate::kernel::access::record::Record>::KIND.path();
                for hidden in actor.access.hidden_members(path) {
                    match hidden {
                        $($(stringify!($member) => self.$member = Default::default(),)+)+
                        _ => { $(self.$custom.remove(hidden);)? }
                    }
                }
            }
        }
    };
}
