//! What advisories say of a release, as conditions see it: one record for each vulnerability, and the worst
//! of them in single values.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use cel::Value;

use super::facts::text;
use super::types::{Field, Scalar};
use crate::advisory::Affecting;
use crate::fact::{Fact, ReleaseFacts};

/// The fields of a record of `advisories`.
pub(super) static ADVISORY: &[Field] = &[
    Field {
        name: "id",
        of: Scalar::String,
        doc: "its id",
    },
    Field {
        name: "summary",
        of: Scalar::String,
        doc: "one line about it; may be empty",
    },
    Field {
        name: "cvss",
        of: Scalar::Double,
        doc: "its CVSS score, 0 to 10, where a record states one",
    },
    Field {
        name: "epss",
        of: Scalar::Double,
        doc: "its EPSS score, 0 to 1, where it has one",
    },
    Field {
        name: "kev",
        of: Scalar::Bool,
        doc: "whether it is known to be exploited, where the catalogue was loaded",
    },
    Field {
        name: "malicious",
        of: Scalar::Bool,
        doc: "whether it is malice and not a mistake",
    },
    Field {
        name: "fixed",
        of: Scalar::Bool,
        doc: "whether a later version has a fix",
    },
];

/// A record for each vulnerability.
pub(super) fn records(release: &ReleaseFacts) -> Fact<Value> {
    let advisories = release.advisories.as_ref();
    advisories.map(|all| Value::List(Arc::new(all.iter().map(record).collect())))
}

/// What is not known is left out of a record, so that reading it makes the outcome unknown.
fn record(affecting: &Affecting) -> Value {
    let group = &affecting.group;
    let exploited = group.exploited.known().map(Option::is_some);
    let fields = [
        ("id", Some(text(&group.id))),
        ("summary", Some(text(&group.summary))),
        ("cvss", cvss_of(affecting).map(Value::Float)),
        ("epss", epss_of(affecting).map(Value::Float)),
        ("kev", exploited.map(Value::Bool)),
        (
            "malicious",
            Some(Value::Bool(affecting.malicious.is_some())),
        ),
        ("fixed", Some(Value::Bool(affecting.lowest_fix.is_some()))),
    ];
    let known = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    Value::from(known.collect::<HashMap<&str, Value>>())
}

fn cvss_of(affecting: &Affecting) -> Option<f64> {
    let severity = affecting.group.severity.as_ref();
    severity.map(|severity| severity.score.value())
}

fn epss_of(affecting: &Affecting) -> Option<f64> {
    let epss = affecting.group.epss.known()?.as_ref()?;
    Some(epss.probability.value())
}

/// The highest score that is stated.
pub(super) fn cvss(release: &ReleaseFacts) -> Fact<Value> {
    highest(
        release,
        cvss_of,
        "no record of its vulnerabilities states a CVSS score",
    )
}

/// The highest score that is given.
pub(super) fn epss(release: &ReleaseFacts) -> Fact<Value> {
    highest(
        release,
        epss_of,
        "none of its vulnerabilities has an EPSS score",
    )
}

fn highest(
    release: &ReleaseFacts,
    score: fn(&Affecting) -> Option<f64>,
    without_any: &'static str,
) -> Fact<Value> {
    let all = match release.advisories.as_ref() {
        Fact::Known(all) if all.is_empty() => return Fact::Known(Value::Float(0.0)),
        Fact::Known(all) => all,
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let highest = all.iter().filter_map(score).max_by(f64::total_cmp);
    Fact::known_or(highest.map(Value::Float), without_any)
}

/// Whether one is known to be exploited; not known while the catalogue is not and none is known to be.
pub(super) fn kev(release: &ReleaseFacts) -> Fact<Value> {
    let all = match release.advisories.as_ref() {
        Fact::Known(all) => all,
        Fact::Unknown(why) => return Fact::Unknown(why),
    };
    let mut unknown: Option<Cow<'static, str>> = None;
    for affecting in all {
        match &affecting.group.exploited {
            Fact::Known(Some(_)) => return Fact::Known(Value::Bool(true)),
            Fact::Known(None) => {}
            Fact::Unknown(why) => unknown = Some(why.clone()),
        }
    }
    unknown.map_or(Fact::Known(Value::Bool(false)), Fact::Unknown)
}

/// Whether a record calls it malicious.
pub(super) fn malicious(release: &ReleaseFacts) -> Fact<Value> {
    let advisories = release.advisories.as_ref();
    let is_malicious = |all: &Vec<Affecting>| all.iter().any(|one| one.malicious.is_some());
    advisories.map(|all| Value::Bool(is_malicious(all)))
}
