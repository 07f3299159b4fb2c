//! A memory budget for the bodies of each workspace. Bodies beyond it wait before they are read, and too many of them
//! are refused, so a workspace that sends many large files at once delays only itself.
use crate::kernel::error::{Code, Error, Result};
use crate::web::caller::Identity;
use actix_web::{HttpMessage, HttpRequest, web};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

/// Per workspace: three of the largest files, or of the largest batches.
const BUDGET: usize = 192 << 20;
/// Smaller bodies are not counted.
const UNIT_BYTES: usize = 64 << 10;
/// The number of requests per workspace that may wait for memory.
const WAITING_MAX: usize = 32;
const WAIT: Duration = Duration::from_secs(15);
/// The limit of bodies from unauthenticated callers, who only sign in.
pub const STRANGER_MAX: usize = UNIT_BYTES;

/// The remaining budget of each workspace.
#[derive(Debug, Default)]
pub struct Budget(Mutex<HashMap<Uuid, Arc<WorkspaceBudget>>>);

#[derive(Debug)]
struct WorkspaceBudget {
    units: Arc<Semaphore>,
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
    units: usize,
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

/// Waits until the workspace has the budget for a body of `bytes`, each of which needs `each` bytes of memory. A later
/// call with more bytes waits for the difference.
pub async fn take(request: &HttpRequest, bytes: usize, each: usize) -> Result<()> {
    let (Some(workspace), Some(budget)) = (workspace(request), request.app_data::<web::Data<Budget>>()) else {
        return Ok(());
    };
    let wanted = if bytes < UNIT_BYTES { 0 } else { (bytes * each / UNIT_BYTES).min(BUDGET / UNIT_BYTES) };
    let held = request.extensions_mut().remove::<Share>();
    let mut share =
        held.unwrap_or_else(|| Share { workspace_budget: budget.of(workspace), permits: Vec::new(), units: 0 });
    let missing = wanted.saturating_sub(share.units);
    if missing > 0 {
        let permit = share.workspace_budget.acquire(missing).await?;
        share.permits.push(permit);
        share.units = wanted;
    }
    request.extensions_mut().insert(share);
    Ok(())
}

impl WorkspaceBudget {
    fn full() -> WorkspaceBudget {
        WorkspaceBudget { units: Arc::new(Semaphore::new(BUDGET / UNIT_BYTES)), waiting: AtomicUsize::new(0) }
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
    use super::{BUDGET, Budget, UNIT_BYTES, WAITING_MAX, WorkspaceBudget};
    use crate::kernel::error::Code;
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use uuid::Uuid;

    #[tokio::test]
    async fn requests_wait_for_memory_and_too_many_are_refused() {
        let workspace_budget = Arc::new(WorkspaceBudget::full());
        let all = workspace_budget.acquire(BUDGET / UNIT_BYTES).await.unwrap();
        let ask = || {
            let workspace_budget = Arc::clone(&workspace_budget);
            tokio::spawn(async move { workspace_budget.acquire(1).await.map(drop) })
        };
        let waiting: Vec<_> = (0..WAITING_MAX).map(|_| ask()).collect();
        while workspace_budget.waiting.load(Ordering::Relaxed) < WAITING_MAX {
            tokio::task::yield_now().await;
        }
        assert_eq!(ask().await.unwrap().unwrap_err().code(), Code::Overloaded);
        drop(all);
        for one in waiting {
            one.await.unwrap().unwrap();
        }
        assert_eq!(workspace_budget.waiting.load(Ordering::Relaxed), 0);
        drop(workspace_budget.acquire(BUDGET / UNIT_BYTES).await.unwrap());
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
