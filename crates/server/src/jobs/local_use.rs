//! The job that counts which projects this gateway's own clients use day by day, so that what is at home
//! here counts as well known although the world hardly knows it. How much use is enough is
//! `core::similarity`'s to say.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use portcullis_core::similarity::{FEWEST_CLIENTS, FEWEST_DAYS, LocalUse};
use portcullis_core::time::Timestamp;
use portcullis_store::local_use::{self, Visit};

use super::schedule::{Job, Reach};
use crate::app::App;
use crate::error::FlowError;

/// How far back is looked, in days.
const DAYS: i64 = 120;

/// The job.
pub(super) static LOCAL_USE: Job = Job {
    name: "local-use",
    summary: "count which projects are used here day by day",
    reach: Reach::Inside,
    every: |_| Some(Duration::from_secs(24 * 60 * 60)),
    run: |app| async move { count(&app).await }.boxed(),
};

async fn count(app: &Arc<App>) -> Result<String, FlowError> {
    let now = app.now();
    let since = now.plus_millis(-DAYS * Timestamp::DAY);
    let mut used = Vec::new();
    let least = FEWEST_CLIENTS.max(FEWEST_DAYS);
    for project in local_use::often_received(&app.db, since, least).await? {
        let visits = local_use::visits(&app.db, &project, since).await?;
        let (clients, days) = counted(&visits);
        if clients >= FEWEST_CLIENTS && days >= FEWEST_DAYS {
            used.push(LocalUse {
                project,
                clients,
                days,
            });
        }
    }
    let before = local_use::all(&app.db).await?;
    let names =
        |used: &[LocalUse]| -> Vec<_> { used.iter().map(|used| used.project.clone()).collect() };
    if names(&before) != names(&used) {
        local_use::replace(&app.db, &used, now).await?;
    }
    Ok(format!("{} projects are used here day by day", used.len()))
}

/// How many identities on how many days. Whoever shows no token is known by their network: addresses
/// are cheap.
fn counted(visits: &[Visit]) -> (u32, u32) {
    let identity = |visit: &Visit| match (&visit.token, &visit.client_addr) {
        (Some(token), _) => format!("token {token}"),
        (None, Some(address)) => address.parse().map_or_else(|_| address.clone(), network),
        (None, None) => String::new(),
    };
    let identities: BTreeSet<String> = visits.iter().map(identity).collect();
    let days: BTreeSet<i64> = visits.iter().map(|visit| visit.day).collect();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (count(identities.len()), count(days.len()))
}

/// The network of an address: /24 of IPv4, /48 of IPv6.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(token: Option<&str>, address: Option<&str>, day: i64) -> Visit {
        Visit {
            token: token.map(str::to_owned),
            client_addr: address.map(str::to_owned),
            day,
        }
    }

    #[test]
    fn addresses_of_one_network_are_one_client() {
        let visits = [
            visit(None, Some("192.0.2.1"), 1),
            visit(None, Some("192.0.2.9"), 1),
            visit(None, Some("::ffff:192.0.2.7"), 2),
            visit(None, Some("2001:db8::1"), 2),
            visit(None, Some("2001:db8:0:9::1"), 3),
            visit(Some("ci"), None, 3),
            visit(None, None, 3),
        ];
        assert_eq!(counted(&visits), (4, 3));
    }
}
