//! Budgets of memory and disk for the bodies of each workspace. Bodies beyond them wait before they are read, and too
//! many of them are refused, so a workspace that sends many large bodies at once delays only itself.
use crate::kernel::error::{Code, Error, Result};
use crate::web::caller::Identity;
use actix_web::{HttpMessage, HttpRequest, web};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Memory per workspace: three of the largest batches, or seven of the largest attachments.
const MEMORY: usize = 192 << 20;
/// Disk per workspace: sixteen of the largest files.
const DISK: usize = 1 << 30;
/// Smaller bodies are not counted.
const UNIT_BYTES: usize = 64 << 10;
/// The number of requests per workspace that may wait for memory, and for disk.
const WAITING_MAX: usize = 32;
const WAIT: Duration = Duration::from_secs(15);
/// The limit of bodies from unauthenticated callers, who only sign in.
pub const STRANGER_MAX: usize = UNIT_BYTES;

/// The remaining budget of each workspace.
#[derive(Debug, Default)]
pub struct Budget(Mutex<HashMap<Uuid, Arc<WorkspaceBudget>>>);

/// Where a body is while it is handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Medium {
    Memory,
    Disk,
}

#[derive(Debug)]
struct WorkspaceBudget {
    memory: Supply,
    disk: Supply,
}

/// The units of one medium that are left.
#[derive(Debug)]
struct Supply {
    units: Arc<Semaphore>,
    all: usize,
    waiting: AtomicUsize,
}

impl Budget {
    fn of(&self, workspace: Uuid) -> Arc<WorkspaceBudget> {
        let mut workspaces = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A budget that no request uses is full again.
        workspaces.retain(|id, workspace_budget| *id == workspace || Arc::strong_count(workspace_budget) > 1);
        Arc::clone(workspaces.entry(workspace).or_insert_with(|| Arc::new(WorkspaceBudget::full())))
    }
}

/// The part of the budget that a request uses; it is released with the request.
#[derive(Debug)]
struct Share {
    workspace_budget: Arc<WorkspaceBudget>,
    permits: Vec<OwnedSemaphorePermit>,
    memory: usize,
    disk: usize,
}

/// Checks whether the caller is authenticated.
pub fn is_known(request: &HttpRequest) -> bool {
    workspace(request).is_some()
}

fn workspace(request: &HttpRequest) -> Option<Uuid> {
    match request.extensions().get::<Identity>() {
        Some(Identity::Known(actor)) => Some(actor.workspace),
        _ => None,
    }
}

/// Waits until the workspace has the memory for a body of `bytes`, each of which needs `each` bytes of memory. A later
/// call with more bytes waits for the difference.
pub async fn take(request: &HttpRequest, bytes: usize, each: usize) -> Result<()> {
    let bytes = if bytes < UNIT_BYTES { 0 } else { bytes * each };
    acquire(request, Medium::Memory, bytes).await
}

/// Waits until the workspace has the disk for a file of `bytes`.
pub async fn take_disk(request: &HttpRequest, bytes: usize) -> Result<()> {
    acquire(request, Medium::Disk, bytes).await
}

async fn acquire(request: &HttpRequest, medium: Medium, bytes: usize) -> Result<()> {
    let (Some(workspace), Some(budget)) = (workspace(request), request.app_data::<web::Data<Budget>>()) else {
        return Ok(());
    };
    let held = request.extensions_mut().remove::<Share>();
    let mut share = held.unwrap_or_else(|| Share::new(budget.of(workspace)));
    let supply = share.workspace_budget.supply(medium);
    let wanted = (bytes / UNIT_BYTES).min(supply.all);
    let held = if medium == Medium::Memory { share.memory } else { share.disk };
    if wanted > held {
        share.permits.push(supply.acquire(wanted - held).await?);
        *(if medium == Medium::Memory { &mut share.memory } else { &mut share.disk }) = wanted;
    }
    request.extensions_mut().insert(share);
    Ok(())
}

impl Share {
    fn new(workspace_budget: Arc<WorkspaceBudget>) -> Share {
        Share { workspace_budget, permits: Vec::new(), memory: 0, disk: 0 }
    }
}

impl WorkspaceBudget {
    fn full() -> WorkspaceBudget {
        WorkspaceBudget { memory: Supply::of(MEMORY), disk: Supply::of(DISK) }
    }

    const fn supply(&self, medium: Medium) -> &Supply {
        match medium {
            Medium::Memory => &self.memory,
            Medium::Disk => &self.disk,
        }
    }
}

impl Supply {
    fn of(bytes: usize) -> Supply {
        let all = bytes / UNIT_BYTES;
        Supply { units: Arc::new(Semaphore::new(all)), all, waiting: AtomicUsize::new(0) }
    }

    async fn acquire(&self, units: usize) -> Result<OwnedSemaphorePermit> {
        let count = u32::try_from(units).map_err(Error::internal)?;
        if let Ok(permit) = Arc::clone(&self.units).try_acquire_many_owned(count) {
            return Ok(permit);
        }
        let busy = || {
            let detail = "your workspace is sending too many large bodies at once; send them one after another";
            Error::new(Code::Overloaded, detail).with(|problem| problem.retry_after = Some(5))
        };
        let _slot = WaitingSlot::take(&self.waiting).ok_or_else(busy)?;
        let permit = tokio::time::timeout(WAIT, Arc::clone(&self.units).acquire_many_owned(count)).await;
        permit.map_err(|_| busy())?.map_err(Error::internal)
    }
}

/// A place among the waiting requests.
struct WaitingSlot<'p>(&'p AtomicUsize);

impl<'p> WaitingSlot<'p> {
    fn take(waiting: &'p AtomicUsize) -> Option<WaitingSlot<'p>> {
        let slot = WaitingSlot(waiting);
        (waiting.fetch_add(1, Ordering::Relaxed) < WAITING_MAX).then_some(slot)
    }
}

impl Drop for WaitingSlot<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{Budget, MEMORY, Supply, WAITING_MAX};
    use crate::kernel::error::Code;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use uuid::Uuid;

    #[tokio::test]
    async fn requests_wait_for_memory_and_too_many_are_refused() {
        let supply = Arc::new(Supply::of(MEMORY));
        let all = supply.acquire(supply.all).await.unwrap();
        let ask = || {
            let supply = Arc::clone(&supply);
            tokio::spawn(async move { supply.acquire(1).await.map(drop) })
        };
        let waiting: Vec<_> = (0..WAITING_MAX).map(|_| ask()).collect();
        while supply.waiting.load(Ordering::Relaxed) < WAITING_MAX {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask().await.unwrap().unwrap_err().code(), Code::Overloaded);
        drop(all);
        for one in waiting {
            one.await.unwrap().unwrap();
        }
        assert_eq!(supply.waiting.load(Ordering::Relaxed), 0);
        drop(supply.acquire(supply.all).await.unwrap());
    }

    #[test]
    fn workspaces_do_not_share() {
        let budget = Budget::default();
        let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let (held, again) = (budget.of(one), budget.of(one));
        assert!(Arc::ptr_eq(&held, &again) && !Arc::ptr_eq(&held, &budget.of(other)));
        // An unused budget is removed.
        drop((held, again));
        budget.of(other);
        assert_eq!(budget.0.lock().unwrap().len(), 1);
    }
}
