//! The variables of conditions, one entry each. To add one, add an entry to [`VARIABLES`]: the type check
//! and the reference follow.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use cel::Value;

use super::facts::Reading::{Days, OfFile, OfInspection, OfProject, OfRelease};
use super::facts::{Reading, Variable, text};
use super::types::{Item, Type};
use super::vulnerabilities::{self, ADVISORY};
use crate::fact::{Fact, Facts, FileFacts};
use crate::inspection::{CapabilityEntry, Inspected, InspectionRule};
use crate::policy::rule::Need;
use crate::pypi::filename::{DistKind, WheelTags};
use crate::pypi::simple::Yanked;
use crate::signals::SignalKind;
use crate::time::Timestamp;

const ONLY_A_NAME: &str = "only the name is judged";
const NO_SOURCE: &str = "no source has it";
const NO_VERSION: &str = "its file name gives no version";

const fn bool(name: &'static str, doc: &'static str, read: Reading) -> Variable {
    Variable::new(name, Type::BOOL, doc, read)
}

const fn int(name: &'static str, doc: &'static str, read: Reading) -> Variable {
    Variable::new(name, Type::INT, doc, read)
}

const fn double(name: &'static str, doc: &'static str, read: Reading) -> Variable {
    Variable::new(name, Type::DOUBLE, doc, read)
}

const fn string(name: &'static str, doc: &'static str, read: Reading) -> Variable {
    Variable::new(name, Type::STRING, doc, read)
}

const fn strings(name: &'static str, doc: &'static str, read: Reading) -> Variable {
    Variable::new(name, Type::STRINGS, doc, read)
}

/// Every variable, in the order of the reference.
pub static VARIABLES: &[Variable] = &[
    string(
        "project",
        "the project's name, normalised",
        OfProject(|facts| Fact::Known(text(&facts.project.project))),
    ),
    string(
        "index",
        "the index that was asked",
        OfProject(|facts| Fact::Known(text(&facts.project.index))),
    ),
    string(
        "source",
        "the name of the source that has the project",
        OfProject(|facts| {
            let origin = facts.project.origin.as_ref();
            Fact::known_or(origin.map(|origin| text(&origin.source)), NO_SOURCE)
        }),
    ),
    string(
        "source_kind",
        "what kind of source that is: `hosted`, `folder` or `upstream`",
        OfProject(|facts| {
            let origin = facts.project.origin.as_ref();
            Fact::known_or(origin.map(|origin| text(origin.kind)), NO_SOURCE)
        }),
    ),
    bool(
        "outside",
        "whether it comes from outside the organisation",
        OfProject(|facts| {
            let origin = facts.project.origin.as_ref();
            let outside = origin.map(|_| Value::Bool(facts.is_from_outside()));
            Fact::known_or(outside, NO_SOURCE)
        }),
    ),
    bool(
        "owned",
        "whether the name is the organisation's own",
        OfProject(|facts| Fact::Known(Value::Bool(facts.project.ownership.is_some()))),
    ),
    bool(
        "approved",
        "whether an entry of the list of approvals names the project",
        OfProject(|facts| {
            let approvals = facts.project.approvals.as_ref();
            approvals.map(|approvals| Value::Bool(!approvals.is_empty()))
        }),
    ),
    string(
        "similar_to",
        "the well-known or owned name that the project's name resembles; empty when there is none",
        OfProject(|facts| {
            let resemblance = facts.project.resemblance.as_ref();
            resemblance.map(|found| {
                found
                    .as_ref()
                    .map_or_else(|| text(""), |found| text(&found.target))
            })
        }),
    )
    .identifying(),
    double(
        "similar_score",
        "how sure that is, 0 to 1",
        OfProject(|facts| {
            let score = |found: &Option<Arc<crate::similarity::Resemblance>>| {
                found.as_ref().map_or(0.0, |found| f64::from(found.score))
            };
            facts
                .project
                .resemblance
                .as_ref()
                .map(|found| Value::Float(score(found)))
        }),
    ),
    string(
        "status",
        "the project's status: `active`, `archived`, `quarantined`, `deprecated` (PEP 792)",
        OfProject(|facts| {
            let status = facts.project.maintenance.status.fact.as_ref();
            status.map(|marked| text(&marked.status))
        }),
    ),
    int(
        "releases",
        "how many versions the project has",
        OfProject(|facts| {
            let releases = facts.project.maintenance.releases.fact.as_ref();
            releases.map(|releases| Value::Int(i64::from(*releases)))
        }),
    ),
    int(
        "project_age_days",
        "whole days since the project's first version was uploaded",
        Days(|facts| facts.project.maintenance.first_release.fact.clone()),
    )
    .about_the_project(),
    int(
        "last_release_days",
        "whole days since the project's last version was uploaded",
        Days(|facts| facts.project.maintenance.last_release.fact.clone()),
    )
    .about_the_project(),
    double(
        "yanked_share",
        "the share of the project's versions that are yanked, 0 to 1",
        OfProject(|facts| {
            let share = facts.project.maintenance.yanked.fact.as_ref();
            share.map(|share| Value::Float(f64::from(share.part) / f64::from(share.whole)))
        }),
    ),
    double(
        "scorecard",
        "the score of OpenSSF Scorecard, 0 to 10",
        OfProject(|facts| signal(facts, SignalKind::Scorecard)),
    )
    .needing(Need::Signals),
    double(
        "stars",
        "the stars of the repository",
        OfProject(|facts| signal(facts, SignalKind::Stars)),
    )
    .needing(Need::Signals),
    double(
        "dependents",
        "how many packages depend on the project",
        OfProject(|facts| signal(facts, SignalKind::Dependents)),
    )
    .needing(Need::Signals),
    string(
        "version",
        "the version",
        OfFile(|file| file.version.as_ref().map(text)),
    ),
    bool(
        "prerelease",
        "whether the version is a pre-release",
        OfFile(|file| {
            file.version
                .as_ref()
                .map(|version| Value::Bool(version.any_prerelease()))
        }),
    ),
    int(
        "newer",
        "how many newer versions there are, pre-releases and yanked ones not counted",
        OfRelease(|release| {
            release
                .newer
                .as_ref()
                .map(|newer| Value::Int(i64::from(*newer)))
        }),
    ),
    int(
        "release_age_days",
        "whole days since the version's first file was uploaded",
        Days(|facts| {
            of_moment(
                facts.release.map(|release| &release.first_upload),
                NO_VERSION,
            )
        }),
    ),
    string(
        "licence",
        "the licence as an SPDX expression, for example `MIT OR Apache-2.0`",
        OfRelease(|release| match release.metadata.as_ref() {
            Fact::Known(metadata) => metadata.licence.expression().map(text),
            Fact::Unknown(why) => Fact::Unknown(why),
        }),
    )
    .needing(Need::Metadata)
    .identifying(),
    strings(
        "licences",
        "the licences that the expression names, each as it is written",
        OfRelease(|release| {
            let expression = match release.metadata.as_ref() {
                Fact::Known(metadata) => metadata.licence.expression(),
                Fact::Unknown(why) => return Fact::Unknown(why),
            };
            expression.map(|expression| list(expression.terms().map(|term| text(&term.text))))
        }),
    )
    .needing(Need::Metadata)
    .identifying(),
    Variable::new(
        "advisories",
        Type::List(Some(Item::Record(ADVISORY))),
        "the vulnerabilities that the version has, as records",
        OfRelease(vulnerabilities::records),
    )
    .identifying(),
    double(
        "cvss",
        "the highest CVSS score that their records state, 0 to 10; 0 without any",
        OfRelease(vulnerabilities::cvss),
    ),
    double(
        "epss",
        "the highest EPSS score among them, 0 to 1; 0 without any",
        OfRelease(vulnerabilities::epss),
    ),
    bool(
        "kev",
        "whether one of them is known to be exploited",
        OfRelease(vulnerabilities::kev),
    ),
    bool(
        "malicious",
        "whether a record calls the version malicious",
        OfRelease(vulnerabilities::malicious),
    ),
    string(
        "filename",
        "the file's name",
        OfFile(|file| Fact::Known(text(&file.filename))),
    ),
    string(
        "kind",
        "what the file is: `wheel`, `sdist` or `other`",
        OfFile(|file| {
            Fact::Known(text(match file.kind {
                DistKind::Wheel(_) => "wheel",
                DistKind::Sdist => "sdist",
                DistKind::Other => "other",
            }))
        }),
    ),
    int(
        "size",
        "the file's size in bytes",
        OfFile(|file| {
            let size = file.size.as_ref();
            size.map(|size| Value::Int(i64::try_from(*size).unwrap_or(i64::MAX)))
        }),
    ),
    string(
        "sha256",
        "the file's SHA-256, in hexadecimal",
        OfFile(|file| file.sha256.as_ref().map(text)),
    ),
    int(
        "age_days",
        "whole days since the file was uploaded, as its index says",
        Days(|facts| of_moment(facts.file.map(|file| &file.upload_time), ONLY_A_NAME)),
    ),
    int(
        "seen_days",
        "whole days since this gateway saw the file first",
        Days(|facts| of_moment(facts.file.map(|file| &file.first_seen), ONLY_A_NAME)),
    ),
    bool(
        "yanked",
        "whether the file was yanked (PEP 592)",
        OfFile(|file| Fact::Known(Value::Bool(file.yanked != Yanked::No))),
    ),
    strings(
        "python_tags",
        "the Python tags of a wheel, for example `cp312`",
        OfFile(|file| tags(file, |tags| &tags.python)),
    ),
    strings(
        "abi_tags",
        "the ABI tags of a wheel, for example `abi3`",
        OfFile(|file| tags(file, |tags| &tags.abi)),
    ),
    strings(
        "platform_tags",
        "the platform tags of a wheel, for example `any`",
        OfFile(|file| tags(file, |tags| &tags.platform)),
    ),
    bool(
        "has_wheel",
        "whether the version has a wheel",
        OfFile(|file| Fact::Known(Value::Bool(file.release.wheels > 0))),
    ),
    bool(
        "has_sdist",
        "whether the version has a source distribution",
        OfFile(|file| Fact::Known(Value::Bool(file.release.sdists > 0))),
    ),
    bool(
        "inspected",
        "whether the inspection has looked at all that is in the file",
        OfInspection(|inspection| {
            let seen = inspection.known();
            Fact::Known(Value::Bool(seen.is_some_and(|seen| seen.complete)))
        }),
    ),
    strings(
        "findings",
        "the ids of what the inspection saw in the file, for example `NET-001`",
        OfInspection(|inspection| {
            entries(inspection, |seen| {
                let findings = seen.observations.iter();
                findings.map(|seen| seen.rule.to_string()).collect()
            })
        }),
    )
    .naming(|id| id.parse::<InspectionRule>().map(drop).map_err(in_words))
    .identifying(),
    strings(
        "capabilities",
        "what the code is able to do and when, for example `network@import`",
        OfInspection(|inspection| {
            entries(inspection, |seen| {
                seen.capabilities
                    .iter()
                    .map(|one| one.entry().to_string())
                    .collect()
            })
        }),
    )
    .naming(|entry| entry.parse::<CapabilityEntry>().map(drop).map_err(in_words))
    .identifying(),
];

/// What an inspection saw, each thing once and in the order of the alphabet.
fn entries(
    inspection: &Fact<Arc<Inspected>>,
    of: fn(&Inspected) -> BTreeSet<String>,
) -> Fact<Value> {
    let seen = inspection.as_ref();
    seen.map(|seen| list(of(seen).into_iter().map(text)))
}

fn in_words(error: impl std::error::Error) -> String {
    error.to_string()
}

fn list(items: impl Iterator<Item = Value>) -> Value {
    Value::List(Arc::new(items.collect()))
}

/// A tag set of a wheel's file name, tag by tag; nothing for other files.
fn tags(file: &FileFacts, set: fn(&WheelTags) -> &str) -> Fact<Value> {
    Fact::Known(match &file.kind {
        DistKind::Wheel(tags) => list(set(tags).split('.').map(text)),
        DistKind::Sdist | DistKind::Other => list(std::iter::empty()),
    })
}

fn signal(facts: Facts<'_>, kind: SignalKind) -> Fact<Value> {
    let signal = facts.project.signals.get(kind);
    let value = signal.map(|signal| Value::Float(signal.value));
    Fact::known_or(value, "no provider of signals has said it")
}

fn of_moment(fact: Option<&Fact<Timestamp>>, otherwise: &'static str) -> Fact<Timestamp> {
    fact.cloned()
        .unwrap_or(Fact::Unknown(Cow::Borrowed(otherwise)))
}
