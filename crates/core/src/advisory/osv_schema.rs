//! The parts of the OSV schema (1.x) that are read, with the bounds of each. Every part is
//! optional, and a part of another type is as good as absent.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::lenient::{List, Object, Text};

/// The most elements of each kind in one record.
const MAX_PACKAGES: usize = 4096;
const MAX_RANGES: usize = 4096;
pub(super) const MAX_EVENTS: usize = 8192;
const MAX_VERSIONS: usize = 65_536;
const MAX_ALIASES: usize = 256;
const MAX_SEVERITIES: usize = 64;

/// A record.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawRecord<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    pub(super) modified: Text<'a>,
    pub(super) published: Text<'a>,
    pub(super) withdrawn: Text<'a>,
    pub(super) aliases: List<Text<'a>, MAX_ALIASES>,
    pub(super) summary: Text<'a>,
    pub(super) details: Text<'a>,
    pub(super) severity: List<Object<RawSeverity<'a>>, MAX_SEVERITIES>,
    pub(super) affected: List<Object<RawAffected<'a>>, MAX_PACKAGES>,
    pub(super) database_specific: Object<RawDatabase<'a>>,
}

/// A severity: the vector tells of which kind it is.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawSeverity<'a> {
    #[serde(borrow)]
    pub(super) score: Text<'a>,
}

/// What the record's database adds of its own.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawDatabase<'a> {
    #[serde(borrow)]
    pub(super) severity: Text<'a>,
    pub(super) cwe_ids: List<Text<'a>, MAX_ALIASES>,
    #[serde(rename = "malicious-packages-origins")]
    pub(super) malicious_origins: List<IgnoredAny, MAX_VERSIONS>,
}

/// A package and its versions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawAffected<'a> {
    #[serde(borrow)]
    pub(super) package: Object<RawPackage<'a>>,
    pub(super) ranges: List<Object<RawRange<'a>>, MAX_RANGES>,
    pub(super) versions: List<Text<'a>, MAX_VERSIONS>,
    pub(super) severity: List<Object<RawSeverity<'a>>, MAX_SEVERITIES>,
}

/// A package.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawPackage<'a> {
    #[serde(borrow)]
    pub(super) ecosystem: Text<'a>,
    pub(super) name: Text<'a>,
}

/// A range of versions.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawRange<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    pub(super) events: List<Object<RawEvent<'a>>, MAX_EVENTS>,
}

/// An event of a range; an honest one has one key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RawEvent<'a> {
    #[serde(borrow)]
    pub(super) introduced: Text<'a>,
    pub(super) fixed: Text<'a>,
    pub(super) last_affected: Text<'a>,
    pub(super) limit: Text<'a>,
}
