//! Sources, and clocks that are not ours.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use portcullis_core::pypi::name::ProjectName;
use portcullis_server::App;
use portcullis_server::sources::{Source, Upstream};
use portcullis_upstream::{Trouble, UpstreamError};

use super::{Check, Finding, timed};

/// A name that says nothing about who asks: every index is asked for it all the time.
const HARMLESS_NAME: &str = "pip";

/// Leases of jobs and signatures of object stores bear no more, in milliseconds.
const SKEW: i64 = 15_000;

fn harmless() -> ProjectName {
    ProjectName::new(HARMLESS_NAME).expect("a name")
}

/// Every source that is not ours.
pub(super) async fn sources(app: &App) -> Vec<Check> {
    let mut checks = Vec::new();
    for (name, source) in &app.sources {
        match &**source {
            Source::Hosted(_) => {}
            Source::Upstream(upstream) => {
                let look = look_at(app, upstream);
                checks.push(timed(format!("upstream {name}"), look).await);
            }
            Source::Folder(folder) => {
                let look = async {
                    match folder.open(&harmless(), "pip-0.tar.gz").await {
                        Ok(_) => Finding::well("can be read"),
                        Err(error) => Finding::fails(
                            error.to_string(),
                            "see that the folder is there and may be read by this user",
                        ),
                    }
                };
                checks.push(timed(format!("folder {name}"), look).await);
            }
        }
    }
    checks
}

async fn look_at(app: &App, upstream: &Upstream) -> Finding {
    let root = upstream.source.root().to_string();
    if app.is_offline() {
        let remedy = "go online with `portcullis offline off` to have it looked at";
        return Finding::warns("it is not asked: the gateway is offline", remedy);
    }
    match upstream.source.look(&harmless()).await {
        Ok(seen) => {
            let form = match &seen.api_version {
                Some(version) => format!("simple API {version} as JSON"),
                None => format!("{}, no JSON", seen.media_type),
            };
            let took = seen.first_byte.as_millis();
            Finding::well(format!("{root}: {form}, first byte after {took} ms"))
        }
        Err(error) => Finding::fails(error.to_string(), remedy(&error, upstream).await),
    }
}

/// What to do about an upstream, told apart by how far the request came.
async fn remedy(error: &UpstreamError, upstream: &Upstream) -> String {
    match error {
        UpstreamError::Unreachable {
            trouble: Trouble::Status(429),
            retry_after,
            ..
        } => format!(
            "it limits how often it is asked{}; ask less often (fresh-for), or ask its operator for more",
            retry_after.map_or(String::new(), |wait| format!(
                " and wants {} s",
                wait.as_secs()
            ))
        ),
        UpstreamError::Unreachable {
            trouble: Trouble::Status(_),
            ..
        } => {
            "it is down: what was fetched before goes on being served; tell its operator".to_owned()
        }
        UpstreamError::Unreachable {
            trouble: Trouble::Connect(_) | Trouble::Timeout(_),
            ..
        } => unconnected(upstream).await,
        UpstreamError::Refused { .. } => {
            "give it credentials (password-env, password-file or netrc) that it accepts".to_owned()
        }
        UpstreamError::Forbidden { .. } => {
            "name the host in allow-hosts of the source if it is to be asked".to_owned()
        }
        _ => "see that its url in portcullis.toml is the root of a simple index".to_owned(),
    }
}

async fn unconnected(upstream: &Upstream) -> String {
    let root = upstream.source.root();
    let host = root.host_str().unwrap_or_default().to_owned();
    let port = root.port_or_known_default().unwrap_or(443);
    let resolved = tokio::time::timeout(
        Duration::from_secs(5),
        tokio::net::lookup_host((host.as_str(), port)),
    );
    let addresses = match resolved.await {
        Ok(Ok(addresses)) => addresses.count(),
        Ok(Err(_)) | Err(_) => 0,
    };
    match addresses {
        0 => format!("{host} has no address: mend DNS on this machine, or its url"),
        _ => format!(
            "{host} has an address and takes no connection on port {port}: look at firewalls, at `proxy`, \
             and, where certificates are spoken of, at `ca-file`"
        ),
    }
}

/// This machine's clock against those of others.
pub(super) async fn clocks(app: &App) -> Vec<Check> {
    let mut checks = Vec::new();
    let database = async {
        match app.db.clock().await {
            Ok(Some(theirs)) => skew("the database", app.now().since(theirs)),
            Ok(None) => Finding::well("an embedded database has this machine's clock"),
            Err(error) => Finding::unknown(error.to_string(), "see what the database says"),
        }
    };
    checks.push(timed("clock and database", database).await);
    for (name, source) in &app.sources {
        let Source::Upstream(upstream) = &**source else {
            continue;
        };
        if app.is_offline() {
            continue;
        }
        let look = async {
            let seen = upstream.source.look(&harmless()).await;
            match seen.map(|seen| seen.date) {
                Ok(Some(date)) => skew(name.as_str(), app.now().as_millis() - millis(date)),
                Ok(None) => Finding::well("it does not tell what time it is there"),
                Err(_) => Finding::unknown("it does not answer", "see what is said of the source"),
            }
        };
        checks.push(timed(format!("clock and {name}"), look).await);
    }
    checks
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// `ahead` is how far this machine is ahead, in milliseconds.
fn skew(who: &str, ahead: i64) -> Finding {
    let word = if ahead < 0 { "behind" } else { "ahead of" };
    let says = format!("{:.1} s {word} {who}", ahead.unsigned_abs() as f64 / 1000.0);
    match ahead.abs() > SKEW {
        true => Finding::fails(
            says,
            "set the clock right, by NTP: ages of releases, leases of jobs and expiry of tokens go by it",
        ),
        false => Finding::well(says),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn a_clock_may_be_some_seconds_off() {
        for (ahead, state) in [
            (0, State::Well),
            (-14_000, State::Well),
            (15_001, State::Fails),
            (-60_000, State::Fails),
        ] {
            assert_eq!(skew("x", ahead).state, state, "{ahead}");
        }
        assert_eq!(skew("pypi", -1500).says, "1.5 s behind pypi");
    }
}
