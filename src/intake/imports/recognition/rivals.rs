//! Two columns for one field: the better one feeds it, the other is told.
use crate::intake::imports::recognition::fields::{self, AddressKind, Resource};
use crate::intake::imports::recognition::mapping::{Target, Unread};
use std::cmp::Reverse;

/// What one column wants to feed.
#[derive(Clone, Debug)]
pub struct Wish {
    pub column: usize,
    pub score: u8,
    /// How many values the column has.
    pub filled: u64,
    pub targets: Vec<Target>,
}

/// A field of a kind of address, which one column can feed.
type Slot = (String, Option<AddressKind>, Option<u8>);

fn slot(resource: Resource, target: &Target) -> Option<Slot> {
    let many = fields::field(resource, &target.path).is_some_and(|field| field.many);
    (!many).then(|| (target.path.clone(), target.kind, target.number))
}

/// Returns the wishes that are fulfilled, and why the others are not, by column.
pub fn settle(resource: Resource, mut wishes: Vec<Wish>) -> (Vec<Wish>, Vec<(usize, Unread)>) {
    wishes.sort_by_key(|wish| (Reverse(wish.score), Reverse(wish.filled), wish.column));
    let mut taken: Vec<(Slot, usize)> = Vec::new();
    let (mut kept, mut refused) = (Vec::new(), Vec::new());
    for mut wish in wishes {
        let mut lost: Option<Unread> = None;
        wish.targets.retain(|target| {
            let Some(slot) = slot(resource, target) else { return true };
            let by = taken.iter().find(|(known, _)| *known == slot).map(|(_, by)| *by);
            if let Some(by) = by {
                lost = Some(Unread::Taken { path: target.path.clone(), by, header: String::new() });
                return by == wish.column;
            }
            taken.push((slot, wish.column));
            true
        });
        match lost {
            Some(why) if wish.targets.is_empty() => refused.push((wish.column, why)),
            _ => kept.push(wish),
        }
    }
    let paths: Vec<Slot> = kept
        .iter()
        .flat_map(|wish| &wish.targets)
        .map(|target| (target.path.clone(), target.kind, target.number))
        .collect();
    for wish in &kept {
        if let [target] = wish.targets.as_slice()
            && is_in_parts(target, &paths)
        {
            refused.push((wish.column, Unread::InParts { path: target.path.clone() }));
        }
    }
    kept.retain(|wish| !refused.iter().any(|(column, _)| *column == wish.column));
    (kept, refused)
}

/// Checks whether other columns have the first and last name, or the street and city.
fn is_in_parts(target: &Target, paths: &[Slot]) -> bool {
    let has = |part: &str| {
        paths.iter().any(|(path, kind, number)| path == part && *kind == target.kind && *number == target.number)
    };
    let (prefix, last) = target.path.rsplit_once('.').map_or(("", target.path.as_str()), |split| split);
    let at = |name: &str| if prefix.is_empty() { name.to_owned() } else { format!("{prefix}.{name}") };
    match last {
        "name" => has(&at("first_name")) && has(&at("last_name")),
        "address" => has(&at("address.street")) && has(&at("address.city")),
        _ => false,
    }
}
