//! `wrong-hash`: hashes that are not those of the release for which they are given.

use crate::fact::Fact;
use crate::inspection::Severity;
use crate::lint::contents::{GivenHash, LockedOrigin, Origin};
use crate::lint::project::{KnownRelease, Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};
use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, exact_version};

/// The rule.
#[derive(Debug)]
pub(super) struct WrongHash;

impl Rule for WrongHash {
    fn id(&self) -> &'static str {
        "wrong-hash"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "a hash belongs to no file of the release for which it is given"
    }

    fn manual(&self) -> &'static str {
        "A hash says which bytes may be installed. One that the index knows of no file of the release allows \
         something else: another release, a file that was replaced, or what somebody put into the lock who wants \
         it to be installed. A reviewer does not see the difference.\n\n\
         A release of which some hashes are right and others unknown is told more mildly: files are removed from \
         an index, and other indexes have wheels of their own. Nothing is found where the index does not give the \
         digests of all files of the release.\n\n\
         Lock again from the index, and compare: what changes without reason wants an explanation."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "flask==3.1.0 --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000\n",
        )
    }

    fn reads_an_index(&self) -> bool {
        true
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            for (name, version, hashes) in hashed(file) {
                let Some(Fact::Known(known)) = project.known.get(&(name.clone(), version.clone()))
                else {
                    continue;
                };
                let title = format!("{name} {version}");
                found.extend(judge(self, file, &title, known, &hashes));
            }
        }
    }
}

type Hashed<'f> = (&'f ProjectName, &'f Version, Vec<&'f GivenHash>);

/// The releases for which `file` gives hashes of SHA-256.
fn hashed(file: &ProjectFile) -> impl Iterator<Item = Hashed<'_>> {
    let wanted = file.contents.wanted.iter().filter_map(|wanted| {
        let Origin::Index(specifiers) = &wanted.origin else {
            return None;
        };
        let version = exact_version(specifiers)?;
        Some((wanted.name.as_ref()?, version, of_sha256(&wanted.hashes)))
    });
    let locked = file.contents.locked.iter().filter_map(|package| {
        if !matches!(package.origin, LockedOrigin::Index(_)) {
            return None;
        }
        let files = package.files.iter().flat_map(|file| &file.hashes);
        let mut hashes = of_sha256(&package.hashes);
        hashes.extend(files.filter(|hash| hash.algorithm == "sha256"));
        Some((&package.name, package.version.as_ref()?, hashes))
    });
    wanted.chain(locked)
}

fn of_sha256(hashes: &[GivenHash]) -> Vec<&GivenHash> {
    let sha256 = hashes.iter().filter(|hash| hash.algorithm == "sha256");
    sha256.collect()
}

fn judge(
    rule: &WrongHash,
    file: &ProjectFile,
    title: &str,
    known: &KnownRelease,
    hashes: &[&GivenHash],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if known.files.is_empty() {
        return findings;
    }
    let is_right = |hash: &&&GivenHash| {
        let mut digests = known.files.iter().map(|(digest, _)| digest);
        digests.any(|digest| digest.eq_ignore_ascii_case(&hash.digest))
    };
    let some_are_right = hashes.iter().any(|hash| is_right(&hash));
    let mut strangers = Vec::new();
    for hash in hashes.iter().filter(|hash| !is_right(hash)) {
        let mut elsewhere = known.elsewhere.iter();
        let owner = elsewhere.find(|(digest, _)| digest.eq_ignore_ascii_case(&hash.digest));
        match owner {
            Some((_, filename)) => findings.push(
                Finding::new(
                    rule,
                    file,
                    &hash.at,
                    format!("a hash of {title} is that of {filename}"),
                )
                .because("another file than the one that is named may be installed")
                .help("lock again from the index"),
            ),
            None => strangers.push(*hash),
        }
    }
    let said = match some_are_right {
        false => (
            Severity::High,
            format!("no file of {title} on the index has the hash that is given"),
        ),
        true => (
            Severity::Low,
            format!("no file of {title} on the index has one of the hashes"),
        ),
    };
    findings.extend(of_strangers(rule, file, &strangers, said));
    findings
}

/// One finding about the hashes that are nobody's.
fn of_strangers(
    rule: &WrongHash,
    file: &ProjectFile,
    strangers: &[&GivenHash],
    (severity, message): (Severity, String),
) -> Option<Finding> {
    let (first, others) = strangers.split_first()?;
    let also = others.iter().map(|hash| hash.at.clone()).collect();
    Some(
        Finding::new(rule, file, &first.at, message)
            .severity(severity)
            .because("other bytes than those that the index has are allowed")
            .help("lock again from the index, and find out where the hash came from")
            .also(also),
    )
}
