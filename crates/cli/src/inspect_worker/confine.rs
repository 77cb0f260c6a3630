//! Giving up every right that an inspection does not need: bounds on what it may use, Landlock against
//! files and addresses, and a list of the system calls that are left (`system_calls`). What a system does
//! not have is left out and told; bounds are everywhere.

use std::time::Duration;

use portcullis_server::inspection::protocol::Request;

/// How much a worker may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Of processor time.
    time: Duration,
    /// Of address space, in bytes.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "not bounded there")
    )]
    memory: u64,
}

/// What is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    /// Bounds.
    pub(super) limits: bool,
    /// The version of Landlock.
    pub(super) landlock: Option<u32>,
    /// Whether only the system calls of the list are left.
    pub(super) seccomp: bool,
}

/// As much as an inspection has where nothing else is configured.
const PROBE: Bounds = Bounds {
    time: Duration::from_secs(10),
    memory: 1536 << 20,
};

impl Bounds {
    /// What `request` allows. The gateway ends a worker by the clock; the bound on processor time is for one
    /// whose gateway has died.
    pub(super) fn of(request: &Request) -> Self {
        Self {
            time: request.time() + Duration::from_secs(1),
            memory: request.memory,
        }
    }

    /// Enough for finding out what is in force.
    pub(super) fn for_probing() -> Self {
        PROBE
    }
}

/// Gives everything up. There is no way back.
///
/// # Errors
/// Those of the system, where it has bounds and refuses them. What it does not have is no error.
pub(super) fn confine(bounds: &Bounds) -> anyhow::Result<Held> {
    let limits = limit(bounds)?;
    let (landlock, seccomp) = give_up_rights()?;
    Ok(Held {
        limits,
        landlock,
        seccomp,
    })
}

/// Bounds, soft and hard, that nothing in the process can raise. The number of processes is left alone: it
/// counts the threads of everything that runs for the same user.
#[cfg(unix)]
fn limit(bounds: &Bounds) -> anyhow::Result<bool> {
    use rustix::process::Resource;
    let seconds = bounds.time.as_secs() + u64::from(bounds.time.subsec_nanos() > 0);
    for (resource, most) in [
        (Resource::Core, 0),
        (Resource::Cpu, seconds),
        (Resource::Nofile, 16),
        #[cfg(target_os = "linux")]
        (Resource::As, bounds.memory),
        // Pipes are not files in this sense.
        (Resource::Fsize, 0),
    ] {
        lower(resource, most)?;
    }
    Ok(true)
}

#[cfg(unix)]
fn lower(resource: rustix::process::Resource, most: u64) -> anyhow::Result<()> {
    use rustix::process::{Rlimit, getrlimit, setrlimit};
    let before = getrlimit(resource).maximum;
    let most = Some(before.map_or(most, |before| before.min(most)));
    let new = Rlimit {
        current: most,
        maximum: most,
    };
    setrlimit(resource, new)
        .map_err(|error| anyhow::anyhow!("the bound on {resource:?} cannot be set: {error}"))
}

/// Bounds of this kind are there on Unix alone.
#[cfg(not(unix))]
fn limit(_: &Bounds) -> anyhow::Result<bool> {
    Ok(false)
}

#[cfg(target_os = "linux")]
fn give_up_rights() -> anyhow::Result<(Option<u32>, bool)> {
    let landlock = landlock();
    Ok((landlock, super::system_calls::restrict().is_ok()))
}

/// Landlock and seccomp are Linux's.
#[cfg(not(target_os = "linux"))]
fn give_up_rights() -> anyhow::Result<(Option<u32>, bool)> {
    Ok((None, false))
}

/// Takes every right to files, addresses and other processes that this kernel's Landlock knows of, and says
/// which version it has.
#[cfg(target_os = "linux")]
fn landlock() -> Option<u32> {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, LandlockStatus,
        Ruleset, RulesetAttr as _, RulesetStatus, Scope,
    };
    // What the kernel does not know of this newest version is left out.
    let newest = ABI::V9;
    let rules = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(newest)))
        .and_then(|rules| rules.scope(Scope::from_all(newest)))
        .and_then(|rules| rules.create())
        .and_then(|rules| rules.restrict_self());
    let status = rules.ok()?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => None,
        (_, LandlockStatus::Available { effective_abi, .. }) => Some(effective_abi as u32),
        _ => None,
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
