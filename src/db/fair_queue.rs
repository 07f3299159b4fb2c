//! The fair queue. Tasks wait in a queue per workspace and user. A free thread takes the next task by rotation over the
//! workspaces, and within a workspace over its users. No one can hold all threads, and only the account with too many
//! waiting tasks is refused.
use std::collections::{HashMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use uuid::Uuid;

/// The workspace and user that a task belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    pub workspace: Uuid,
    pub user: Uuid,
}

impl Account {
    /// Unauthenticated callers: sign-ins, links in e-mails, lookups of tokens.
    pub const ANONYMOUS: Account = Account { workspace: Uuid::nil(), user: Uuid::nil() };
    /// Tasks of the operator, such as health checks, which do not wait behind sign-ins.
    pub const SYSTEM: Account = Account { workspace: Uuid::max(), user: Uuid::max() };
}

/// The maximum numbers of threads held at once and of waiting tasks.
#[derive(Clone, Copy, Debug)]
pub struct Shares {
    pub workspace: usize,
    pub user: usize,
    pub waiting: usize,
    pub waiting_of_workspace: usize,
    pub waiting_of_user: usize,
}

impl Shares {
    /// Returns the shares for a number of threads: no workspace can use the last quarter of the threads (at least one,
    /// if there are several), and no user the last quarter of the share of a workspace.
    pub fn of(threads: usize) -> Shares {
        let most = |all: usize| all.saturating_sub((all / 4).max(1)).max(1);
        let workspace = most(threads);
        Shares { workspace, user: most(workspace), waiting: 1000, waiting_of_workspace: 200, waiting_of_user: 100 }
    }

    fn of_user(&self, account: Account) -> usize {
        if account == Account::ANONYMOUS { self.workspace } else { self.user }
    }
}

/// The queue is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

#[derive(Debug)]
struct User<J> {
    running: usize,
    jobs: VecDeque<J>,
}

#[derive(Debug)]
struct Workspace<J> {
    running: usize,
    waiting: usize,
    users: HashMap<Uuid, User<J>>,
    /// Users with waiting tasks, in the order of rotation.
    order: VecDeque<Uuid>,
}

impl<J> Workspace<J> {
    fn new() -> Workspace<J> {
        Workspace { running: 0, waiting: 0, users: HashMap::new(), order: VecDeque::new() }
    }

    /// Returns the position of the next user, unless all waiting users have used their share.
    fn next(&self, workspace: Uuid, shares: &Shares) -> Option<usize> {
        let may = |user: &Uuid| {
            let most = shares.of_user(Account { workspace, user: *user });
            self.users.get(user).is_some_and(|user| user.running < most)
        };
        self.order.iter().position(may).filter(|_| self.running < shares.workspace)
    }

    fn take(&mut self, place: usize) -> Option<(Uuid, J)> {
        let id = self.order.remove(place)?;
        let user = self.users.get_mut(&id)?;
        let job = user.jobs.pop_front()?;
        user.running += 1;
        if !user.jobs.is_empty() {
            self.order.push_back(id);
        }
        self.running += 1;
        self.waiting -= 1;
        Some((id, job))
    }
}

/// The waiting tasks, and the number of running tasks per account.
#[derive(Debug)]
struct Scheduler<J> {
    shares: Shares,
    waiting: usize,
    workspaces: HashMap<Uuid, Workspace<J>>,
    /// Workspaces with waiting tasks, in the order of rotation.
    order: VecDeque<Uuid>,
}

impl<J> Scheduler<J> {
    fn new(shares: Shares) -> Scheduler<J> {
        Scheduler { shares, waiting: 0, workspaces: HashMap::new(), order: VecDeque::new() }
    }

    fn push(&mut self, account: Account, job: J) -> Result<(), Full> {
        let mine = self.workspaces.get(&account.workspace);
        let of_user = mine.and_then(|mine| mine.users.get(&account.user)).map_or(0, |user| user.jobs.len());
        let most =
            if account == Account::ANONYMOUS { self.shares.waiting_of_workspace } else { self.shares.waiting_of_user };
        let of_workspace = mine.map_or(0, |mine| mine.waiting);
        if self.waiting >= self.shares.waiting || of_workspace >= self.shares.waiting_of_workspace || of_user >= most {
            return Err(Full);
        }
        let mine = self.workspaces.entry(account.workspace).or_insert_with(Workspace::new);
        let user = mine.users.entry(account.user).or_insert_with(|| User { running: 0, jobs: VecDeque::new() });
        user.jobs.push_back(job);
        if user.jobs.len() == 1 {
            mine.order.push_back(account.user);
        }
        mine.waiting += 1;
        if mine.waiting == 1 {
            self.order.push_back(account.workspace);
        }
        self.waiting += 1;
        Ok(())
    }

    fn take(&mut self) -> Option<(Account, J)> {
        let next = |id: &Uuid| self.workspaces.get(id)?.next(*id, &self.shares);
        let (place, user) = self.order.iter().enumerate().find_map(|(place, id)| Some((place, next(id)?)))?;
        let id = self.order.remove(place)?;
        let mine = self.workspaces.get_mut(&id)?;
        let (user, job) = mine.take(user)?;
        if mine.waiting > 0 {
            self.order.push_back(id);
        }
        self.waiting -= 1;
        Some((Account { workspace: id, user }, job))
    }

    fn done(&mut self, account: Account) {
        let Some(mine) = self.workspaces.get_mut(&account.workspace) else { return };
        mine.running = mine.running.saturating_sub(1);
        if let Some(user) = mine.users.get_mut(&account.user) {
            user.running = user.running.saturating_sub(1);
            if user.running == 0 && user.jobs.is_empty() {
                mine.users.remove(&account.user);
            }
        }
        if mine.users.is_empty() {
            self.workspaces.remove(&account.workspace);
        }
    }
}

/// A running task, released with `done`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

#[derive(Debug)]
struct State<J> {
    queue: Scheduler<J>,
    running: HashMap<Ticket, Account>,
    tickets: u64,
    closed: bool,
}

/// The queue between requests and threads.
#[derive(Debug)]
pub struct FairQueue<J> {
    state: Mutex<State<J>>,
    ready: Condvar,
}

impl<J> FairQueue<J> {
    pub fn new(shares: Shares) -> FairQueue<J> {
        let state = State { queue: Scheduler::new(shares), running: HashMap::new(), tickets: 0, closed: false };
        FairQueue { state: Mutex::new(state), ready: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn push(&self, account: Account, job: J) -> Result<(), Full> {
        self.state().queue.push(account, job)?;
        self.ready.notify_one();
        Ok(())
    }

    /// Waits for the next task; returns none when the queue is closed.
    pub fn take(&self) -> Option<(Ticket, J)> {
        let mut state = self.state();
        loop {
            if let Some((account, job)) = state.queue.take() {
                state.tickets += 1;
                let ticket = Ticket(state.tickets);
                state.running.insert(ticket, account);
                return Some((ticket, job));
            }
            if state.closed {
                return None;
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Releases a task that has finished or whose thread was replaced. A second call has no effect.
    pub fn done(&self, ticket: Ticket) {
        let mut state = self.state();
        if let Some(account) = state.running.remove(&ticket) {
            state.queue.done(account);
            self.ready.notify_one();
        }
    }

    pub fn close(&self) {
        self.state().closed = true;
        self.ready.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::{Account, Full, Scheduler, Shares};
    use proptest::prelude::*;
    use std::collections::HashMap;
    use uuid::Uuid;

    fn account(workspace: u128, user: u128) -> Account {
        Account { workspace: Uuid::from_u128(workspace), user: Uuid::from_u128(workspace * 1000 + user) }
    }

    #[test]
    fn shares_leave_room_for_others() {
        for (threads, workspace, user) in [(1, 1, 1), (2, 1, 1), (3, 2, 1), (4, 3, 2), (8, 6, 5), (16, 12, 9)] {
            let shares = Shares::of(threads);
            assert_eq!(shares.workspace, workspace, "{threads} threads");
            assert_eq!(shares.user, user, "{threads} threads");
        }
    }

    #[test]
    fn latecomers_are_served_next() {
        let mut queue = Scheduler::new(Shares::of(4));
        (0..100).for_each(|n| queue.push(account(1, 1), n).unwrap());
        queue.push(account(1, 2), 1000).unwrap();
        queue.push(account(2, 1), 2000).unwrap();
        let mut taken = || queue.take().map(|(_, job)| job);
        assert_eq!([taken(), taken(), taken()], [Some(0), Some(2000), Some(1000)]);
        // One of the four threads stays free for other workspaces.
        assert_eq!([taken(), taken()], [Some(1), None]);
        queue.push(account(3, 1), 3000).unwrap();
        assert_eq!(queue.take().map(|(_, job)| job), Some(3000));
    }

    #[test]
    fn only_the_flooding_account_is_refused() {
        let mut queue = Scheduler::new(Shares::of(4));
        let accepted = (0..1000).filter(|n| queue.push(account(1, 1), *n).is_ok()).count();
        assert_eq!(accepted, queue.shares.waiting_of_user);
        let accepted = (0..1000).filter(|n| queue.push(account(1, 2 + n % 50), *n).is_ok()).count();
        assert_eq!(accepted, queue.shares.waiting_of_workspace - queue.shares.waiting_of_user);
        assert_eq!(queue.push(account(2, 1), 1), Ok(()));
        let others = (0..10_000).filter(|n| queue.push(account(3 + n % 500, 1), *n).is_ok()).count();
        assert_eq!(others + 201, queue.shares.waiting);
        assert_eq!(queue.push(account(9999, 1), 1), Err(Full));
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(u128, u128),
        Take,
        Done(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            3 => (1..4_u128, 1..4_u128).prop_map(|(workspace, user)| Step::Push(workspace, user)),
            2 => Just(Step::Take),
            2 => (0..16_usize).prop_map(Step::Done),
        ];
        proptest::collection::vec(step, 1..300)
    }

    proptest! {
        /// For any sequence of steps: the tasks of a user run in order, no one exceeds a share, and a free thread never
        /// waits if a task may run.
        #[test]
        fn scheduling_is_fair(threads in 1..9_usize, steps in steps()) {
            let mut queue = Scheduler::new(Shares::of(threads));
            let shares = queue.shares;
            let (mut held, mut next): (Vec<Account>, u64) = (Vec::new(), 0);
            let mut waiting: HashMap<Account, Vec<u64>> = HashMap::new();
            for step in steps {
                match step {
                    Step::Push(workspace, user) => {
                        next += 1;
                        if queue.push(account(workspace, user), next).is_ok() {
                            waiting.entry(account(workspace, user)).or_default().push(next);
                        }
                    }
                    Step::Take if held.len() < threads => {
                        let of = |whose: &dyn Fn(&Account) -> bool| held.iter().filter(|held| whose(held)).count();
                        let may = |who: &Account| {
                            of(&|held| held.workspace == who.workspace) < shares.workspace && of(&|held| held == who) < shares.user
                        };
                        let possible = waiting.iter().any(|(who, jobs)| !jobs.is_empty() && may(who));
                        let taken = queue.take();
                        prop_assert_eq!(taken.is_some(), possible);
                        if let Some((who, job)) = taken {
                            prop_assert!(may(&who));
                            prop_assert_eq!(waiting.get_mut(&who).unwrap().remove(0), job);
                            held.push(who);
                        }
                    }
                    Step::Take => {}
                    Step::Done(n) => {
                        if n < held.len() {
                            queue.done(held.swap_remove(n));
                        }
                    }
                }
                prop_assert_eq!(queue.waiting, waiting.values().map(Vec::len).sum::<usize>());
            }
            while let Some((who, _)) = queue.take() {
                queue.done(who);
            }
            held.into_iter().for_each(|who| queue.done(who));
            while let Some((who, _)) = queue.take() {
                queue.done(who);
            }
            prop_assert!(queue.workspaces.is_empty() && queue.order.is_empty() && queue.waiting == 0);
        }
    }
}
