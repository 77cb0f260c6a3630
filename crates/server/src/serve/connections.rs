//! [`Connections`], all that are open: who has them, what each of them is doing, and which has to go. One
//! task looks at all of them a few times a second, so that an open connection costs no timer.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tracing::debug;

use super::pace::{Moment, Pace, Patience};
use crate::config::{FrontSettings, Network};
use crate::limits::AddressKey;

/// How often it is looked at all of them.
const TICK: Duration = Duration::from_millis(250);

/// For how long a connection may end by itself once it was asked to, in milliseconds.
const PARTING: u64 = 5_000;

/// How long a connection that nothing was asked on may stay when all are told to end.
const NEWCOMERS: Duration = Duration::from_secs(1);

/// A transfer that its client has left alone for so long counts as stalled, in milliseconds.
const STALLED: u64 = 2_000;

/// How much memory stalled transfers may hold together, in bytes.
const STALLED_MEMORY: u64 = 64 << 20;

/// All open connections.
pub(super) struct Connections {
    rules: Rules,
    started: Instant,
    now: AtomicU64,
    open: Mutex<Open>,
    /// Told each time a connection has ended.
    ended: Notify,
}

struct Rules {
    most: usize,
    most_per_address: usize,
    exempt: Vec<Network>,
    head: u64,
    idle: u64,
    patience: Patience,
}

#[derive(Default)]
struct Open {
    by_id: HashMap<u64, Arc<Connection>>,
    by_address: HashMap<AddressKey, usize>,
    next: u64,
}

/// One open connection.
#[derive(Debug)]
pub(super) struct Connection {
    /// How many there were before it.
    number: u64,
    /// Requests under way.
    busy: AtomicUsize,
    /// When the last request ended, or the connection began.
    quiet_since: AtomicU64,
    /// When the head of a request began to arrive; 0 when none does.
    head_since: AtomicU64,
    /// Whether anything was ever asked on it.
    was_asked: AtomicBool,
    /// HTTP/2 says more than heads between requests.
    is_h2: AtomicBool,
    /// The client, waited for to take what is written.
    pub(super) writing: Pace,
    /// Bodies that the client is waited for, to send or to take them.
    bodies: Mutex<Vec<Arc<Pace>>>,
    /// Bytes of streamed answers that are in memory until the client takes them.
    pub(super) held: AtomicU64,
    order: AtomicU8,
    told: Notify,
}

/// What a connection is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// Nothing.
    Stay = 0,
    /// To take no further request, and to end when those under way have.
    Part = 1,
    /// To end at once.
    Cut = 2,
}

/// That one address has too many connections open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyOfOne;

/// A connection among the open ones, until it is dropped.
pub(super) struct Admitted {
    pub(super) all: Arc<Connections>,
    pub(super) connection: Arc<Connection>,
    id: u64,
    key: AddressKey,
}

impl Connections {
    /// None yet; at most `most` at a time.
    pub(super) fn new(front: &FrontSettings, most: usize) -> Self {
        let millis = |period: Duration| u64::try_from(period.as_millis()).unwrap_or(u64::MAX);
        let mut exempt = front.exempt.clone();
        // One proxy has the connections of all its clients.
        exempt.extend(&front.proxies.trusted);
        Self {
            rules: Rules {
                most,
                most_per_address: front.connections_per_address,
                exempt,
                head: millis(front.head),
                idle: millis(front.idle),
                patience: Patience::new(front.stall, front.slowest),
            },
            started: Instant::now(),
            now: AtomicU64::new(1),
            open: Mutex::default(),
            ended: Notify::new(),
        }
    }

    /// The present, as exact as it has to be.
    pub(super) fn now(&self) -> Moment {
        self.now.load(Ordering::Relaxed)
    }

    pub(super) fn patience(&self) -> Patience {
        self.rules.patience
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_full(&self) -> bool {
        self.open().by_id.len() >= self.rules.most
    }

    /// Takes a connection in.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr) -> Result<Admitted, TooManyOfOne> {
        let key = AddressKey::from(address);
        let mut open = self.open();
        let count = open.by_address.entry(key).or_default();
        if *count >= self.rules.most_per_address && !Network::any_has(&self.rules.exempt, address) {
            return Err(TooManyOfOne);
        }
        *count += 1;
        let id = open.next;
        open.next += 1;
        let connection = Arc::new(Connection {
            number: id,
            busy: AtomicUsize::new(0),
            quiet_since: AtomicU64::new(self.now()),
            head_since: AtomicU64::new(0),
            was_asked: AtomicBool::new(false),
            is_h2: AtomicBool::new(false),
            writing: Pace::new(self.rules.patience),
            bodies: Mutex::default(),
            held: AtomicU64::new(0),
            order: AtomicU8::new(Order::Stay as u8),
            told: Notify::new(),
        });
        open.by_id.insert(id, Arc::clone(&connection));
        drop(open);
        Ok(Admitted {
            all: Arc::clone(self),
            connection,
            id,
            key,
        })
    }

    /// Looks at all of them again and again. Never ends.
    pub(super) async fn watch(&self) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look();
        }
    }

    fn look(&self) {
        let since = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let now = since.max(1);
        self.now.store(now, Ordering::Relaxed);
        let mut stalled = Vec::new();
        let (mut count, mut busy) = (0_u32, 0_u32);
        for connection in self.open().by_id.values() {
            count += 1;
            busy += u32::from(connection.is_busy());
            match connection.fault(&self.rules, now) {
                Some(fault) => connection.end_for(fault),
                None => stalled.extend(connection.stalled(now)),
            }
        }
        metrics::gauge!("portcullis_connections", "state" => "busy").set(f64::from(busy));
        metrics::gauge!("portcullis_connections", "state" => "idle").set(f64::from(count - busy));
        relieve(stalled);
    }

    /// Ends some of those that have been idle for longest.
    pub(super) fn make_room(&self) {
        let open = self.open();
        let mut idle: Vec<&Arc<Connection>> = open
            .by_id
            .values()
            .filter(|connection| !connection.is_busy() && connection.order() != Order::Cut)
            .collect();
        let some = (self.rules.most / 64).clamp(1, 256).min(idle.len());
        if some == 0 {
            return;
        }
        // Of those that came within one tick, the first ones go first.
        let age = |one: &&Arc<Connection>| (one.quiet_since.load(Ordering::Relaxed), one.number);
        idle.select_nth_unstable_by_key(some - 1, age);
        for connection in &idle[..some] {
            connection.end_for(Fault::Crowded);
        }
    }

    /// Tells all of them to end when the requests under way have, and waits until they did. Those that have
    /// only just come have a moment to ask what they came for: their clients would not ask again.
    pub(super) async fn part(&self) {
        let everybody = async {
            tokio::time::sleep(NEWCOMERS).await;
            self.tell_all(Order::Part, |_| true);
            std::future::pending().await
        };
        let each_that_was_asked = async {
            loop {
                let ended = self.ended.notified();
                let mut ended = std::pin::pin!(ended);
                ended.as_mut().enable();
                let was_asked = |one: &Connection| one.was_asked.load(Ordering::Relaxed);
                if self.tell_all(Order::Part, was_asked) == 0 {
                    return;
                }
                ended.await;
            }
        };
        tokio::select! {
            () = each_that_was_asked => {}
            () = everybody => {}
        }
    }

    /// Tells those that `may` be told; how many are open.
    fn tell_all(&self, order: Order, may: impl Fn(&Connection) -> bool) -> usize {
        let open = self.open();
        let told = open.by_id.values().filter(|connection| may(connection));
        for connection in told {
            connection.tell(order);
        }
        open.by_id.len()
    }

    /// Ends all of them.
    pub(super) fn cut(&self) {
        self.tell_all(Order::Cut, |_| true);
    }

    /// Waits until one of them has ended.
    pub(super) async fn one_ended(&self) {
        self.ended.notified().await;
    }
}

/// Ends those that hold most, until stalled transfers hold no more than they may.
fn relieve(mut stalled: Vec<(u64, Arc<Connection>)>) {
    let mut held: u64 = stalled.iter().map(|(held, _)| held).sum();
    if held <= STALLED_MEMORY {
        return;
    }
    stalled.sort_by_key(|(held, _)| std::cmp::Reverse(*held));
    for (freed, connection) in stalled {
        if held <= STALLED_MEMORY {
            return;
        }
        connection.end_for(Fault::Memory);
        held -= freed;
    }
}

/// Why a connection has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// Nothing is asked on it.
    Idle,
    /// It was told to end, and has not.
    Lingering,
    /// The head of a request does not come to its end.
    Head,
    /// A transfer does not move.
    Stalled,
    /// Stalled transfers hold too much memory.
    Memory,
    /// Others need the room.
    Crowded,
}

impl Fault {
    const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Lingering => "lingering",
            Self::Head => "slow-head",
            Self::Stalled => "stalled",
            Self::Memory => "stalled-memory",
            Self::Crowded => "crowded",
        }
    }

    const fn order(self) -> Order {
        match self {
            Self::Idle => Order::Part,
            _ => Order::Cut,
        }
    }
}

impl Connection {
    fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// What it has been told.
    pub(super) fn order(&self) -> Order {
        match self.order.load(Ordering::Acquire) {
            0 => Order::Stay,
            1 => Order::Part,
            _ => Order::Cut,
        }
    }

    fn tell(&self, order: Order) {
        if self.order.fetch_max(order as u8, Ordering::AcqRel) < order as u8 {
            self.told.notify_one();
        }
    }

    /// Waits until it is told something new.
    pub(super) async fn told(&self) {
        self.told.notified().await;
    }

    fn end_for(&self, fault: Fault) {
        if self.order() >= fault.order() {
            return;
        }
        debug!("ending a connection: {}", fault.name());
        metrics::counter!("portcullis_connections_ended_total", "why" => fault.name()).increment(1);
        self.tell(fault.order());
    }

    fn fault(&self, rules: &Rules, now: Moment) -> Option<Fault> {
        if self.writing.is_overdue(now) {
            return Some(Fault::Stalled);
        }
        if self.is_busy() {
            let is_overdue = self.bodies().iter().any(|body| body.is_overdue(now));
            return is_overdue.then_some(Fault::Stalled);
        }
        if self.writing.waiting_for(now).is_some() {
            return None;
        }
        let quiet = now.saturating_sub(self.quiet_since.load(Ordering::Relaxed));
        if quiet > rules.idle.saturating_add(PARTING) {
            return Some(Fault::Lingering);
        }
        if quiet > rules.idle {
            return Some(Fault::Idle);
        }
        let head = self.head_since.load(Ordering::Relaxed);
        let is_slow = head != 0 && now.saturating_sub(head) > rules.head;
        (is_slow && !self.is_h2.load(Ordering::Relaxed)).then_some(Fault::Head)
    }

    /// How much memory it holds, if its client leaves its transfers alone.
    fn stalled(self: &Arc<Self>, now: Moment) -> Option<(u64, Arc<Self>)> {
        let held = self.held.load(Ordering::Relaxed);
        if held == 0 {
            return None;
        }
        let is_stalled = |pace: &Pace| pace.waiting_for(now).is_some_and(|time| time > STALLED);
        let any = is_stalled(&self.writing) || self.bodies().iter().any(|body| is_stalled(body));
        any.then(|| (held, Arc::clone(self)))
    }

    fn bodies(&self) -> MutexGuard<'_, Vec<Arc<Pace>>> {
        self.bodies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a body watched until [`Connection::forget_body`].
    pub(super) fn watch_body(&self, patience: Patience) -> Arc<Pace> {
        let pace = Arc::new(Pace::new(patience));
        self.bodies().push(Arc::clone(&pace));
        pace
    }

    pub(super) fn forget_body(&self, pace: &Arc<Pace>) {
        self.bodies().retain(|known| !Arc::ptr_eq(known, pace));
    }

    /// Bytes arrived: of the head of a request, when none is under way.
    pub(super) fn note_arrival(&self, now: Moment) {
        if !self.is_busy() && self.head_since.load(Ordering::Relaxed) == 0 {
            self.head_since.store(now, Ordering::Relaxed);
        }
    }

    /// What came until now was no head: a handshake.
    pub(super) fn begin_anew(&self, now: Moment) {
        self.quiet_since.store(now, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
    }

    /// A request has arrived.
    pub(super) fn begin(&self, version: http::Version) {
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.head_since.store(0, Ordering::Relaxed);
        self.was_asked.store(true, Ordering::Relaxed);
        if version == http::Version::HTTP_2 {
            self.is_h2.store(true, Ordering::Relaxed);
        }
    }

    /// A request is answered.
    pub(super) fn end(&self, now: Moment) {
        self.quiet_since.store(now, Ordering::Relaxed);
        self.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.all.open();
        open.by_id.remove(&self.id);
        if let Some(count) = open.by_address.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&self.key);
            }
        }
        drop(open);
        self.all.ended.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
