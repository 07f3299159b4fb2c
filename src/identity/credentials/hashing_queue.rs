//! The queue for password hashing. A hash occupies a core for some hundredths of a second, so only a few are computed
//! at once. Waiting requests have a deadline, known devices come first, and address ranges are served round-robin, so
//! that many attempts from one network do not delay sign-ins from another.
use crate::kernel::error::{Code, Error, Result};
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot::{Sender, channel};

/// Maximum concurrent hashes. Each occupies a core and 19 MiB.
const PERMITS: usize = 2;
/// A request that has waited this long gets 503.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Maximum waiting requests per address range.
const MAX_PER_RANGE: usize = 64;
/// Maximum waiting requests per queue.
const MAX_WAITING: usize = 1_000;

static QUEUE: LazyLock<Mutex<HashingQueue>> = LazyLock::new(|| {
    Mutex::new(HashingQueue { free: PERMITS, known: RangeQueues::default(), others: RangeQueues::default() })
});

/// A waiting request: its address range, and whether the device has signed in before.
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

/// Returns the first address of the /24 (IPv4) or /48 (IPv6), usually the most that one customer of a network has.
fn range(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & (u32::MAX << 8))),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
    }
}

/// The permit to compute a hash. Dropping it passes it to the next request in the queue.
#[derive(Debug)]
pub struct HashPermit {
    active: bool,
}

impl Drop for HashPermit {
    fn drop(&mut self) {
        if self.active {
            release();
        }
    }
}

#[derive(Debug)]
struct HashingQueue {
    free: usize,
    known: RangeQueues,
    others: RangeQueues,
}

/// A round-robin of address ranges with the requests waiting in each.
#[derive(Debug, Default)]
struct RangeQueues {
    ranges: HashMap<IpAddr, VecDeque<Sender<HashPermit>>>,
    order: VecDeque<IpAddr>,
    waiting: usize,
}

impl RangeQueues {
    /// Adds a request to the queue. Returns false if the queue or the share of the range is full.
    fn join(&mut self, range: IpAddr, waiter: Sender<HashPermit>) -> bool {
        self.remove_closed(range);
        let queue = self.ranges.entry(range).or_default();
        if self.waiting >= MAX_WAITING || queue.len() >= MAX_PER_RANGE {
            return false;
        }
        if queue.is_empty() {
            self.order.push_back(range);
        }
        queue.push_back(waiter);
        self.waiting += 1;
        true
    }

    fn remove_closed(&mut self, range: IpAddr) {
        let Some(queue) = self.ranges.get_mut(&range) else { return };
        let before = queue.len();
        queue.retain(|waiter| !waiter.is_closed());
        self.waiting -= before - queue.len();
        if queue.is_empty() {
            self.ranges.remove(&range);
            self.order.retain(|known| *known != range);
        }
    }

    /// Removes the first request of the next range.
    fn next(&mut self) -> Option<Sender<HashPermit>> {
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

fn locked<T>(work: impl FnOnce(&mut HashingQueue) -> T) -> T {
    work(&mut QUEUE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Passes the permit to the next request that is still waiting.
fn release() {
    loop {
        let next = locked(|hashing| {
            let next = hashing.known.next().or_else(|| hashing.others.next());
            hashing.free += usize::from(next.is_none());
            next
        });
        let Some(next) = next else { return };
        match next.send(HashPermit { active: true }) {
            Ok(()) => return,
            Err(mut refused) => refused.active = false,
        }
    }
}

/// Waits for a permit until the deadline.
pub async fn acquire(waiter: Waiter) -> Result<HashPermit> {
    let (ready, wait) = channel();
    let joined = locked(|hashing| {
        if hashing.free > 0 {
            hashing.free -= 1;
            return None;
        }
        let queues = if waiter.known { &mut hashing.known } else { &mut hashing.others };
        Some(queues.join(waiter.range, ready))
    });
    match joined {
        None => return Ok(HashPermit { active: true }),
        Some(false) => return Err(overloaded()),
        Some(true) => {}
    }
    match tokio::time::timeout(MAX_WAIT, wait).await {
        Ok(Ok(permit)) => Ok(permit),
        Ok(Err(_)) | Err(_) => Err(overloaded()),
    }
}

fn overloaded() -> Error {
    Error::new(Code::Overloaded, "too many password checks are in progress; try again later")
        .with(|problem| problem.retry_after = Some(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queues(joins: &[(&str, usize)]) -> (RangeQueues, Vec<tokio::sync::oneshot::Receiver<HashPermit>>) {
        let (mut queues, mut waiting) = (RangeQueues::default(), Vec::new());
        for (address, times) in joins {
            for _ in 0..*times {
                let (ready, wait) = channel();
                if queues.join(range(address.parse().unwrap()), ready) {
                    waiting.push(wait);
                }
            }
        }
        (queues, waiting)
    }

    #[test]
    fn a_range_is_a_network_prefix() {
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
    fn ranges_are_served_round_robin_and_have_a_limit() {
        let (mut queues, mut waiting) = queues(&[("203.0.113.1", 900), ("198.51.100.7", 1), ("203.0.113.2", 5)]);
        assert_eq!(queues.waiting, MAX_PER_RANGE + 1);
        assert_eq!(waiting.len(), MAX_PER_RANGE + 1);
        // The second permit goes to the other range, although requests of the first range came earlier.
        drop(queues.next());
        let second = queues.next().unwrap();
        assert!(second.send(HashPermit { active: false }).is_ok());
        assert!(waiting.last_mut().unwrap().try_recv().is_ok());
        assert_eq!(queues.order.len(), 1);
    }

    #[test]
    fn cancelled_requests_free_their_place() {
        let (mut queues, waiting) = queues(&[("203.0.113.1", 900)]);
        drop(waiting);
        let (ready, _wait) = channel();
        assert!(queues.join(range("203.0.113.9".parse().unwrap()), ready));
        assert_eq!(queues.waiting, 1);
        assert_eq!(queues.order.len(), 1);
        assert!(queues.next().is_some() && queues.next().is_none());
        assert_eq!(queues.waiting, 0);
        assert_eq!(queues.ranges.len(), 0);
    }
}
