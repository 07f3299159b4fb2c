//! Caches actors: role, session and settings are read from the database every few seconds.
use crate::db::fair_queue::Account;
use crate::kernel::access::actor::Actor;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long an actor is cached, and thus how long a role change or sign-out on another server may take.
const CACHE_TTL: Duration = Duration::from_secs(2);
const CACHE_MAX: usize = 10_000;

/// The cached actors of API keys by hash, and of sessions by id.
#[derive(Debug, Default)]
pub struct Actors {
    cache: Mutex<HashMap<Vec<u8>, (Instant, Actor)>>,
}

impl Actors {
    pub fn cached(&self, id: &[u8]) -> Option<Actor> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(id).filter(|(read, _)| read.elapsed() < CACHE_TTL).map(|(_, actor)| actor.clone())
    }

    /// Returns the account of an API key from an expired cache entry. Used only for the fair queue.
    pub fn last_account(&self, id: &[u8]) -> Account {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |actor: &Actor| Account { workspace: actor.workspace, user: actor.user };
        cache.get(id).map_or(Account::ANONYMOUS, |(_, actor)| of(actor))
    }

    pub fn remember(&self, id: Vec<u8>, actor: &Actor) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE_MAX {
            cache.retain(|_, (read, _)| read.elapsed() < CACHE_TTL);
        }
        cache.insert(id, (Instant::now(), actor.clone()));
    }

    /// Clears the cache, after a sign-out or a role change on this server.
    pub fn forget(&self) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
