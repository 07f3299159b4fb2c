//! Rate limits: a token bucket per principal (or per address before sign-in), and a smaller one for sign-in.
use crate::kernel::error::{Code, Error, Result};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The largest number of requests at once.
const BURST: u32 = 100;
/// Sign-in attempts from one address per minute.
const SIGN_INS: u32 = 10;
/// Registrations from one address per minute.
const REGISTRATIONS: u32 = 30;
/// Wrong passwords for one e-mail address from one IP address, within the window. The key contains both, so that nobody
/// can lock out another user.
const FAILURES: u32 = 5;
const WINDOW: Duration = Duration::from_secs(15 * 60);
const KEPT_MAX: usize = 100_000;

/// The owner of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateLimitKey {
    Principal(Uuid),
    Address(IpAddr),
}

type Buckets<K> = RateLimiter<K, DashMapStateStore<K>, DefaultClock, StateInformationMiddleware>;

/// The limits of one server. They apply per server: with two servers, a workspace has twice the limit.
#[derive(Debug)]
pub struct Limits {
    per_minute: u32,
    general: Buckets<RateLimitKey>,
    sign_in: Buckets<IpAddr>,
    registrations: Buckets<IpAddr>,
    failures: Mutex<HashMap<(String, IpAddr), (u32, Instant)>>,
}

/// The remaining requests, for the `RateLimit` headers (draft-ietf-httpapi-ratelimit-headers).
#[derive(Clone, Copy, Debug)]
pub struct Remaining {
    pub per_minute: u32,
    pub remaining: u32,
    /// The seconds until the bucket is full again.
    pub reset: u32,
}

fn buckets<K: std::hash::Hash + Eq + Clone>(per_minute: NonZeroU32, burst: u32) -> Buckets<K> {
    let burst = NonZeroU32::new(burst.min(per_minute.get())).unwrap_or(NonZeroU32::MIN);
    RateLimiter::dashmap(Quota::per_minute(per_minute).allow_burst(burst)).with_middleware()
}

impl Limits {
    /// Creates the limits; returns none if `per_minute` is 0, which disables all limits.
    pub fn new(per_minute: u32) -> Option<Limits> {
        let rate = NonZeroU32::new(per_minute)?;
        let (sign_ins, registrations) = (NonZeroU32::new(SIGN_INS)?, NonZeroU32::new(REGISTRATIONS)?);
        Some(Limits {
            per_minute,
            general: buckets(rate, BURST),
            sign_in: buckets(sign_ins, SIGN_INS),
            registrations: buckets(registrations, REGISTRATIONS),
            failures: Mutex::default(),
        })
    }

    /// Takes a token, or returns an error with the waiting time.
    pub fn take(&self, key: RateLimitKey) -> Result<Remaining> {
        self.remove_idle_buckets();
        match self.general.check_key(&key) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                let missing = BURST.min(self.per_minute).saturating_sub(remaining);
                Ok(Remaining {
                    per_minute: self.per_minute,
                    remaining,
                    reset: (missing * 60).div_ceil(self.per_minute),
                })
            }
            Err(wait) => Err(limited(wait.wait_time_from(DefaultClock::default().now()))),
        }
    }

    /// Checks the limits before a password is verified.
    pub fn check_sign_in(&self, email: &str, from: IpAddr) -> Result<()> {
        self.check_attempts(&self.sign_in, email, from)
    }

    /// Checks the limits before a registration.
    pub fn check_registration(&self, email: &str, from: IpAddr) -> Result<()> {
        self.check_attempts(&self.registrations, email, from)
    }

    fn check_attempts(&self, attempts: &Buckets<IpAddr>, email: &str, from: IpAddr) -> Result<()> {
        if let Err(wait) = attempts.check_key(&from) {
            return Err(limited(wait.wait_time_from(DefaultClock::default().now())));
        }
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        match failures.get(&(email.to_owned(), from)) {
            Some((count, since)) if *count >= FAILURES && since.elapsed() < WINDOW => {
                Err(limited(WINDOW.saturating_sub(since.elapsed())))
            }
            _ => Ok(()),
        }
    }

    /// Records the result of a password check.
    pub fn record_sign_in(&self, email: &str, from: IpAddr, success: bool) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= KEPT_MAX {
            failures.retain(|_, (_, since)| since.elapsed() < WINDOW);
        }
        let key = (email.to_owned(), from);
        if success {
            failures.remove(&key);
            return;
        }
        let entry = failures.entry(key).or_insert((0, Instant::now()));
        *entry = if entry.1.elapsed() < WINDOW { (entry.0 + 1, entry.1) } else { (1, Instant::now()) };
    }

    fn remove_idle_buckets(&self) {
        if self.general.len() > KEPT_MAX {
            self.general.retain_recent();
            self.sign_in.retain_recent();
            self.registrations.retain_recent();
        }
    }
}

fn limited(wait: Duration) -> Error {
    let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    Error::new(Code::RateLimited, format!("too many requests; try again in {seconds} seconds"))
        .with(|problem| problem.retry_after = Some(seconds))
}
