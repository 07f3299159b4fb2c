//! The line before password hashing. A hash takes a core for some hundredths of a second, so few are computed at once; whoever waits
//! has a deadline, devices that are known come first, and ranges of addresses take turns: many wrong passwords from one place do not keep the
//! right one from another place waiting.
use crate::kernel::error::{Code, Error, Result};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot::{Sender, channel};

/// Hashes that may be computed at once; each takes a core and 19 MiB.
const SLOTS: usize = 2;
/// Who has waited this long is answered with 503.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many may wait from one range of addresses.
const FROM_RANGE: usize = 64;
/// How many may wait in one line.
const WAITING: usize = 1_000;

static LINE: LazyLock<Mutex<Line>> =
    LazyLock::new(|| Mutex::new(Line { free: SLOTS, known: Lane::default(), others: Lane::default() }));

/// Who waits: from which range of addresses, and whether the device has signed in before.
#[derive(Clone, Copy, Debug)]
pub struct Waiter {
    range: IpAddr,
    known: bool,
}

impl Waiter {
    pub fn new(address: Option<IpAddr>, known: bool) -> Waiter {
        Waiter { range: range(address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))), known }
    }
}

/// The first address of the /24 (IPv4) or /48 (IPv6): what one customer of a network usually has at most.
fn range(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
    }
}

/// A place at the hashing; the next in line gets it when it is dropped.
#[derive(Debug)]
pub struct Turn {
    held: bool,
}

impl Drop for Turn {
    fn drop(&mut self) {
        if self.held {
            pass_on();
        }
    }
}

#[derive(Debug)]
struct Line {
    free: usize,
    known: Lane,
    others: Lane,
}

/// Ranges that take turns, and who waits in each.
#[derive(Debug, Default)]
struct Lane {
    ranges: HashMap<IpAddr, VecDeque<Sender<Turn>>>,
    order: VecDeque<IpAddr>,
    waiting: usize,
}

impl Lane {
    /// Takes a place in line, unless the range has its share already.
    fn join(&mut self, range: IpAddr, waiter: Sender<Turn>) -> bool {
        self.forget_who_left(range);
        let queue = self.ranges.entry(range).or_default();
        if self.waiting >= WAITING || queue.len() >= FROM_RANGE {
            return false;
        }
        if queue.is_empty() {
            self.order.push_back(range);
        }
        queue.push_back(waiter);
        self.waiting += 1;
        true
    }

    fn forget_who_left(&mut self, range: IpAddr) {
        let Some(queue) = self.ranges.get_mut(&range) else { return };
        let before = queue.len();
        queue.retain(|waiter| !waiter.is_closed());
        self.waiting -= before - queue.len();
        if queue.is_empty() {
            self.ranges.remove(&range);
            self.order.retain(|known| *known != range);
        }
    }

    /// Who comes next: the first of the range whose turn it is.
    fn next(&mut self) -> Option<Sender<Turn>> {
        let range = self.order.pop_front()?;
        let queue = self.ranges.get_mut(&range)?;
        let next = queue.pop_front();
        self.waiting -= usize::from(next.is_some());
        if queue.is_empty() {
            self.ranges.remove(&range);
        } else {
            self.order.push_back(range);
        }
        next
    }
}

fn locked<T>(work: impl FnOnce(&mut Line) -> T) -> T {
    work(&mut LINE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Gives a place to whoever is next and still waits.
fn pass_on() {
    loop {
        let next = locked(|line| {
            let next = line.known.next().or_else(|| line.others.next());
            line.free += usize::from(next.is_none());
            next
        });
        let Some(next) = next else { return };
        match next.send(Turn { held: true }) {
            Ok(()) => return,
            Err(mut refused) => refused.held = false,
        }
    }
}

/// Waits for a turn, but never longer than the deadline.
pub async fn take(waiter: Waiter) -> Result<Turn> {
    let (ready, wait) = channel();
    let joined = locked(|line| {
        if line.free > 0 {
            line.free -= 1;
            return None;
        }
        let lane = if waiter.known { &mut line.known } else { &mut line.others };
        Some(lane.join(waiter.range, ready))
    });
    match joined {
        None => return Ok(Turn { held: true }),
        Some(false) => return Err(overloaded()),
        Some(true) => {}
    }
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(Ok(turn)) => Ok(turn),
        Ok(Err(_)) | Err(_) => Err(overloaded()),
    }
}

fn overloaded() -> Error {
    Error::new(Code::Overloaded, "too many passwords are being checked; try again soon")
        .with(|problem| problem.retry_after = Some(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(joins: &[(&str, usize)]) -> (Lane, Vec<tokio::sync::oneshot::Receiver<Turn>>) {
        let (mut lane, mut waiting) = (Lane::default(), Vec::new());
        for (address, times) in joins {
            for _ in 0..*times {
                let (ready, wait) = channel();
                if lane.join(range(address.parse().unwrap()), ready) {
                    waiting.push(wait);
                }
            }
        }
        (lane, waiting)
    }

    #[test]
    fn a_range_is_a_network() {
        for (address, expected) in [
            ("203.0.113.77", "203.0.113.0"),
            ("::ffff:203.0.113.77", "203.0.113.0"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
            ("2001:db8:2::1", "2001:db8:2::"),
        ] {
            assert_eq!(range(address.parse().unwrap()).to_string(), expected, "{address}");
        }
    }

    #[test]
    fn ranges_take_turns_and_have_a_share() {
        let (mut lane, mut waiting) = lane(&[("203.0.113.1", 900), ("198.51.100.7", 1), ("203.0.113.2", 5)]);
        assert_eq!((lane.waiting, waiting.len()), (FROM_RANGE + 1, FROM_RANGE + 1));
        // The second turn is the other range's, whoever came before.
        drop(lane.next());
        let second = lane.next().unwrap();
        assert!(second.send(Turn { held: false }).is_ok());
        assert!(waiting.last_mut().unwrap().try_recv().is_ok());
        assert_eq!(lane.order.len(), 1);
    }

    #[test]
    fn who_left_makes_room() {
        let (mut lane, waiting) = lane(&[("203.0.113.1", 900)]);
        drop(waiting);
        let (ready, _wait) = channel();
        assert!(lane.join(range("203.0.113.9".parse().unwrap()), ready));
        assert_eq!((lane.waiting, lane.order.len()), (1, 1));
        assert!(lane.next().is_some() && lane.next().is_none());
        assert_eq!((lane.waiting, lane.ranges.len()), (0, 0));
    }
}
