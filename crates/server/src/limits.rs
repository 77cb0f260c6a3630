//! How often one client may ask: for anything, for an upload, and with tokens that are none. A client is the
//! token that it has proved, or its address; of IPv6 the network, since one machine has all of a /64. How
//! many connections there may be is the business of `serve`.

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, MonotonicClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use http::HeaderMap;
use moka::sync::Cache;
use portcullis_core::digest::Sha256;

use crate::config::{FrontSettings, Network, Rate, RateSetting};
use crate::error::FlowError;
use crate::identity;

/// The limits on what one client may ask for, and where each client stands.
pub struct ClientLimits {
    requests: Option<Limiter<Client>>,
    uploads: Option<Limiter<Client>>,
    failed_logins: Option<Limiter<AddressKey>>,
    /// Addresses that showed so many wrong tokens that none is looked up for them, and until when.
    locked_out: Cache<AddressKey, Instant>,
    /// Tokens that were live a while ago. Their owners are not taken for somebody who guesses.
    proven: Cache<Sha256, ()>,
    exempt: Vec<Network>,
}

/// Who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Client {
    /// A token that was live a while ago.
    Token(Sha256),
    Address(AddressKey),
}

/// An address as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct AddressKey(IpAddr);

impl From<IpAddr> for AddressKey {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let network = address.to_bits() >> 64 << 64;
                Self(Ipv6Addr::from_bits(network).into())
            }
        }
    }
}

/// How long a token that was live is remembered as such.
const PROVEN: Duration = Duration::from_secs(600);

/// The most tokens and addresses that are remembered in each memory.
const MEMORY: u64 = 100_000;

/// How often one of many may do something. What it remembers of somebody who could do it at once as often
/// as a stranger is forgotten by [`Limiter::forget`].
struct Limiter<K: std::hash::Hash + Eq + Clone> {
    rate: Rate,
    clock: MonotonicClock,
    limiter: RateLimiter<K, DashMapStateStore<K>, MonotonicClock>,
}

impl<K: std::hash::Hash + Eq + Clone> Limiter<K> {
    fn new(setting: RateSetting) -> Option<Self> {
        let rate = setting.0?;
        let each = rate.period.duration() / rate.times.get();
        let quota = Quota::with_period(each.max(Duration::from_nanos(1)))?;
        let clock = MonotonicClock;
        Some(Self {
            rate,
            limiter: RateLimiter::dashmap_with_clock(quota.allow_burst(rate.burst), clock.clone()),
            clock,
        })
    }

    /// Counts one; `Err` with how long to wait when it is one too many.
    fn count(&self, who: &K) -> Result<(), Duration> {
        let counted = self.limiter.check_key(who);
        counted.map_err(|too_early| too_early.wait_time_from(self.clock.now()))
    }

    fn forget(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }
}

impl ClientLimits {
    /// What the configuration says.
    pub fn new(front: &FrontSettings) -> Self {
        Self {
            requests: Limiter::new(front.requests),
            uploads: Limiter::new(front.uploads),
            failed_logins: Limiter::new(front.failed_logins),
            locked_out: Cache::builder()
                .max_capacity(MEMORY)
                .time_to_live(Duration::from_secs(60))
                .build(),
            proven: Cache::builder()
                .max_capacity(MEMORY)
                .time_to_live(PROVEN)
                .build(),
            exempt: front.exempt.clone(),
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// [`FlowError::TooFast`] when its client has asked too often.
    pub(crate) fn count_request(
        &self,
        address: IpAddr,
        headers: &HeaderMap,
    ) -> Result<(), FlowError> {
        self.count("requests", self.requests.as_ref(), address, headers)
    }

    /// Counts an upload.
    ///
    /// # Errors
    /// [`FlowError::TooFast`] when its client has published too often.
    pub(crate) fn count_upload(
        &self,
        address: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Result<(), FlowError> {
        let Some(address) = address else {
            return Ok(());
        };
        self.count("uploads", self.uploads.as_ref(), address, headers)
    }

    fn count(
        &self,
        what: &'static str,
        limiter: Option<&Limiter<Client>>,
        address: IpAddr,
        headers: &HeaderMap,
    ) -> Result<(), FlowError> {
        let Some(limiter) = limiter.filter(|_| !Network::any_has(&self.exempt, address)) else {
            return Ok(());
        };
        let shown = identity::shown_token(headers).filter(|token| self.proven.contains_key(token));
        let client = shown.map_or_else(|| Client::Address(address.into()), Client::Token);
        limiter.count(&client).map_err(|after| {
            let who = match client {
                Client::Token(_) => "this token",
                Client::Address(_) => "this address",
            };
            too_fast(what, who, limiter.rate, after)
        })
    }

    /// That a token may be looked up for this address, which showed not too many wrong ones.
    ///
    /// # Errors
    /// [`FlowError::TooFast`].
    pub(crate) fn may_show(
        &self,
        address: Option<IpAddr>,
        token: Option<&Sha256>,
    ) -> Result<(), FlowError> {
        let (Some(address), Some(limiter)) = (address, &self.failed_logins) else {
            return Ok(());
        };
        if token.is_some_and(|token| self.proven.contains_key(token)) {
            return Ok(());
        }
        let until = self.locked_out.get(&AddressKey::from(address));
        let left = until.and_then(|until| until.checked_duration_since(Instant::now()));
        match left {
            Some(left) => Err(too_fast(
                "failed-logins",
                "this address",
                limiter.rate,
                left,
            )),
            None => Ok(()),
        }
    }

    /// Notes that a token is live.
    pub(crate) fn note_proven(&self, token: Sha256) {
        if !self.proven.contains_key(&token) {
            self.proven.insert(token, ());
        }
    }

    /// Notes that an address showed a token that is none.
    pub(crate) fn note_failed(&self, address: Option<IpAddr>) {
        let (Some(address), Some(limiter)) = (address, &self.failed_logins) else {
            return;
        };
        if Network::any_has(&self.exempt, address) {
            return;
        }
        let key = AddressKey::from(address);
        if let Err(after) = limiter.count(&key) {
            self.locked_out.insert(key, Instant::now() + after);
        }
    }

    /// Forgets those who could ask again as often as somebody who never asked.
    pub(crate) fn forget(&self) {
        self.requests.iter().for_each(Limiter::forget);
        self.uploads.iter().for_each(Limiter::forget);
        self.failed_logins.iter().for_each(Limiter::forget);
    }
}

fn too_fast(what: &'static str, who: &str, rate: Rate, after: Duration) -> FlowError {
    metrics::counter!("portcullis_limited_total", "limit" => what).increment(1);
    let done = match what {
        "uploads" => "publishes",
        "failed-logins" => "shows wrong tokens",
        _ => "asks",
    };
    let seconds = whole_seconds(after);
    let (times, period, burst) = (rate.times, rate.period.name(), rate.burst);
    let what = format!(
        "{who} {done} too often: {times} a {period} and {burst} at once are the limit; try again in \
         {seconds} s"
    );
    FlowError::TooFast { what, after }
}

/// Rounded up, and at least one: nobody is told to come back at once.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    (time.as_secs() + u64::from(time.subsec_nanos() > 0)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(keys: &str) -> ClientLimits {
        let text = format!("[limits]\n{keys}\n");
        let place = std::path::Path::new("portcullis.toml");
        let config = crate::Config::parse(&text, place, &crate::config::Overrides::default());
        ClientLimits::new(&config.expect("sound").front)
    }

    fn asks(limits: &ClientLimits, address: &str) -> Result<(), FlowError> {
        limits.count_request(address.parse().expect("an address"), &HeaderMap::new())
    }

    #[test]
    fn each_address_has_its_own_count_and_a_network_of_ipv6_one() {
        let limits = limits("requests = '1/h burst 2'");
        for (address, expected) in [
            ("192.0.2.1", true),
            ("::ffff:192.0.2.1", true),
            ("192.0.2.1", false),
            ("192.0.2.2", true),
            ("2001:db8:0:1::1", true),
            ("2001:db8:0:1:ffff::2", true),
            ("2001:db8:0:1::3", false),
            ("2001:db8:0:2::3", true),
        ] {
            assert_eq!(asks(&limits, address).is_ok(), expected, "{address}");
        }
    }

    #[test]
    fn exempt_addresses_are_not_counted() {
        let limits = limits("requests = '1/h'\nexempt = ['192.0.2.0/24']");
        for _ in 0..3 {
            assert!(asks(&limits, "192.0.2.7").is_ok());
        }
        assert!(asks(&limits, "127.0.0.1").is_ok());
        assert!(asks(&limits, "127.0.0.1").is_err());
    }

    #[test]
    fn who_is_told_to_wait_is_told_how_long() {
        let limits = limits("requests = '2/m burst 1'");
        assert!(asks(&limits, "192.0.2.1").is_ok());
        let error = asks(&limits, "192.0.2.1").expect_err("too fast");
        let after = error.retry_after().expect("a time");
        assert!((29..=30).contains(&after.as_secs()), "{after:?}");
        insta::assert_snapshot!(error, @"this address asks too often: 2 a minute and 1 at once are the limit; try again in 30 s");
    }

    #[test]
    fn wrong_tokens_lock_an_address_out_but_not_the_proven_tokens_behind_it() {
        let limits = limits("failed-logins = '1/h burst 2'");
        let address = "192.0.2.1".parse().ok();
        let (good, other) = (Sha256::of(b"good"), Sha256::of(b"other"));
        limits.note_proven(good);
        for _ in 0..3 {
            assert!(limits.may_show(address, Some(&other)).is_ok());
            limits.note_failed(address);
        }
        assert!(limits.may_show(address, Some(&other)).is_err());
        assert!(limits.may_show(address, None).is_err());
        assert!(limits.may_show(address, Some(&good)).is_ok());
        assert!(limits.may_show("192.0.2.2".parse().ok(), None).is_ok());
    }

    #[test]
    fn those_who_asked_long_ago_take_no_memory() {
        let limits = limits("requests = '1000/s burst 10'");
        for low in 0..=255_u8 {
            for high in 0..=15_u8 {
                assert!(asks(&limits, &format!("10.0.{high}.{low}")).is_ok());
            }
        }
        let known = |limits: &ClientLimits| limits.requests.as_ref().map(|one| one.limiter.len());
        assert_eq!(known(&limits), Some(4096));
        std::thread::sleep(Duration::from_millis(20));
        limits.forget();
        assert_eq!(known(&limits), Some(0));
    }
}
