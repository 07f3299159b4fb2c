//! Who was here a moment ago: role, session and settings are read from the database at most every few seconds.
use crate::db::fair_queue::Account;
use crate::kernel::actor::Actor;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a demotion or sign-out may take to act.
const FRESH: Duration = Duration::from_secs(2);
const CACHE_MAX: usize = 10_000;

/// The actors of API keys, by hash, and of sessions, by id.
#[derive(Debug, Default)]
pub struct Actors {
    cache: Mutex<HashMap<Vec<u8>, (Instant, Actor)>>,
}

impl Actors {
    pub fn cached(&self, id: &[u8]) -> Option<Actor> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(id).filter(|(read, _)| read.elapsed() < FRESH).map(|(_, actor)| actor.clone())
    }

    /// Whose key it was when it was last looked up, for the queue alone.
    pub fn last_account(&self, id: &[u8]) -> Account {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let of = |actor: &Actor| Account { workspace: actor.workspace, user: actor.user };
        cache.get(id).map_or(Account::ANONYMOUS, |(_, actor)| of(actor))
    }

    pub fn remember(&self, id: Vec<u8>, actor: &Actor) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if cache.len() >= CACHE_MAX {
            cache.retain(|_, (read, _)| read.elapsed() < FRESH);
        }
        cache.insert(id, (Instant::now(), actor.clone()));
    }

    /// Forgets everything at once, after a sign-out or a change of role on this server.
    pub fn forget(&self) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
