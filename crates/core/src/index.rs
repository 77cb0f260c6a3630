//! The routing law: which sources of an index may be asked for a name. This is the whole answer to
//! dependency confusion, and it is pure: no configuration of sources, no outage and no spelling can
//! make an owned name be looked up outside.
//!
//! **Invariant:** [`Index::route`] never names an outside source for an owned name, and names inside
//! sources before outside ones whatever their configured order.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::pypi::name::{NamePattern, ProjectName};
use crate::time::Timestamp;

macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidLabel;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match is_label(text) {
                    true => Ok(Self(text.into())),
                    false => Err(InvalidLabel { what: $what, text: text.chars().take(80).collect() }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

label!(
    /// The name of an index: the first segment of its URLs, `/{index}/simple/`.
    IndexName,
    "an index name"
);
label!(
    /// The name of a source in the configuration.
    SourceName,
    "a source name"
);

/// A name that cannot stand in a URL segment or a configuration key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not {what}: {text:?} (lower-case letters, digits, '-' and '_', at most 64, a letter first)"
)]
pub struct InvalidLabel {
    what: &'static str,
    text: String,
}

fn is_label(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

/// What kind of place files come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// Published here.
    Hosted,
    /// A remote simple index.
    Upstream,
    /// A directory of wheels and sdists.
    Folder,
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hosted => "hosted",
            Self::Upstream => "upstream",
            Self::Folder => "folder",
        })
    }
}

/// Whether the names of a source are the organisation's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// May be asked for owned names: every hosted source, and others that the operator marks.
    Inside,
    /// Must never learn an owned name.
    Outside,
}

/// One source of an index, as the routing law sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexSource {
    /// The source's name.
    pub name: SourceName,
    /// What kind of source it is.
    pub kind: SourceKind,
    /// Whether it may learn owned names. Hosted sources always may.
    pub trust: Trust,
}

/// A named, ordered list of sources: what installers point at.
#[derive(Clone, Debug)]
pub struct Index {
    /// The index's name.
    pub name: IndexName,
    sources: Vec<IndexSource>,
}

/// Which sources may be asked for a name, in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The sources to ask. The first that has the project gives it whole.
    pub ask: Vec<IndexSource>,
    /// The sources of the index that must not be asked, because the name is owned.
    pub spared: Vec<IndexSource>,
    /// Why the name is owned, if it is.
    pub ownership: Option<Ownership>,
}

impl Index {
    /// An index over `sources` in the configured order.
    pub fn new(name: IndexName, sources: Vec<IndexSource>) -> Self {
        Self { name, sources }
    }

    /// The sources in the configured order.
    pub fn sources(&self) -> &[IndexSource] {
        &self.sources
    }

    /// The sources that may be asked for `project`: hosted ones first, then other inside ones, then
    /// outside ones, each group in the configured order; no outside one for an owned name.
    pub fn route(&self, project: &ProjectName, names: &OwnedNames) -> Route {
        let ownership = names.ownership(project);
        let mut ask: Vec<IndexSource> = self.sources.clone();
        ask.sort_by_key(precedence);
        let spared = match ownership {
            Some(_) => ask
                .extract_if(.., |source| precedence(source) == OUTSIDE)
                .collect(),
            None => Vec::new(),
        };
        Route {
            ask,
            spared,
            ownership,
        }
    }
}

const OUTSIDE: u8 = 2;

fn precedence(source: &IndexSource) -> u8 {
    match (source.kind, source.trust) {
        (SourceKind::Hosted, _) => 0,
        (_, Trust::Inside) => 1,
        (_, Trust::Outside) => OUTSIDE,
    }
}

/// Why a name is owned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Ownership {
    /// The name or prefix that matched.
    pub pattern: NamePattern,
    /// How it came to be owned.
    pub origin: OwnedBy,
    /// Since when, where that is recorded.
    pub since: Option<Timestamp>,
}

/// How a name came to be owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OwnedBy {
    /// `[names] owned` in the configuration.
    Config,
    /// `portcullis names own`.
    Admin,
    /// The first publication of the project here.
    Published,
}

impl fmt::Display for OwnedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "config",
            Self::Admin => "admin",
            Self::Published => "published",
        })
    }
}

/// All names and prefixes that are owned, ready to be asked about one name.
#[derive(Clone, Debug, Default)]
pub struct OwnedNames {
    exact: HashMap<ProjectName, Ownership>,
    prefixes: Vec<Ownership>,
}

impl OwnedNames {
    /// The set of these ownerships. Where several are about the same name, the first one stays.
    pub fn new(ownerships: impl IntoIterator<Item = Ownership>) -> Self {
        let mut names = Self::default();
        for ownership in ownerships {
            match &ownership.pattern {
                NamePattern::Exact(name) => {
                    names.exact.entry(name.clone()).or_insert(ownership);
                }
                NamePattern::Prefix(_) => names.prefixes.push(ownership),
            }
        }
        names
    }

    /// Why `project` is owned, if it is. An exact name is reported before a prefix.
    pub fn ownership(&self, project: &ProjectName) -> Option<Ownership> {
        let prefix = || {
            self.prefixes
                .iter()
                .find(|owned| owned.pattern.matches(project))
        };
        self.exact.get(project).or_else(prefix).cloned()
    }

    /// The names and prefixes, in no particular order.
    pub fn patterns(&self) -> impl Iterator<Item = &NamePattern> {
        let exact = self.exact.values();
        exact.chain(&self.prefixes).map(|owned| &owned.pattern)
    }

    /// The PEP 752 namespaces among the owned prefixes, sorted.
    pub fn namespaces(&self) -> Vec<ProjectName> {
        let mut found: Vec<_> = self
            .prefixes
            .iter()
            .filter_map(|owned| owned.pattern.namespace())
            .collect();
        found.sort();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source(name: &str, kind: SourceKind, trust: Trust) -> IndexSource {
        IndexSource {
            name: name.parse().expect(name),
            kind,
            trust,
        }
    }

    fn owned(pattern: &str) -> Ownership {
        let pattern = pattern.parse().expect(pattern);
        Ownership {
            pattern,
            origin: OwnedBy::Config,
            since: None,
        }
    }

    fn asked(index: &Index, spelling: &str, names: &OwnedNames) -> Vec<String> {
        let project = ProjectName::new(spelling).expect(spelling);
        index
            .route(&project, names)
            .ask
            .iter()
            .map(|source| source.name.to_string())
            .collect()
    }

    fn upstream_first() -> Index {
        Index::new(
            "main".parse().expect("a label"),
            vec![
                source("pypi", SourceKind::Upstream, Trust::Outside),
                source("partner", SourceKind::Upstream, Trust::Inside),
                source("internal", SourceKind::Hosted, Trust::Inside),
                source("mirror", SourceKind::Folder, Trust::Outside),
            ],
        )
    }

    #[test]
    fn hosted_is_asked_first_whatever_the_order() {
        let asked = asked(&upstream_first(), "flask", &OwnedNames::default());
        assert_eq!(asked, ["internal", "partner", "pypi", "mirror"]);
    }

    #[test]
    fn an_owned_name_is_asked_for_inside_only_in_every_spelling() {
        let names = OwnedNames::new([owned("acme-*"), owned("secretproject")]);
        for spelling in [
            "acme-billing",
            "Acme_Billing",
            "acme.billing",
            "ACME--x",
            "SecretProject",
        ] {
            assert_eq!(
                asked(&upstream_first(), spelling, &names),
                ["internal", "partner"]
            );
        }
        assert_eq!(asked(&upstream_first(), "acmebilling", &names).len(), 4);
    }

    #[test]
    fn labels_fit_urls_and_keys() {
        for text in ["", "A", "a b", "a/b", "1a", "ä", &"a".repeat(65)] {
            assert!(text.parse::<IndexName>().is_err(), "{text:?}");
        }
        assert!("main-2_x".parse::<SourceName>().is_ok());
    }

    fn any_source() -> impl Strategy<Value = IndexSource> {
        let kind = prop_oneof![
            Just(SourceKind::Hosted),
            Just(SourceKind::Upstream),
            Just(SourceKind::Folder)
        ];
        let trust = prop_oneof![Just(Trust::Inside), Just(Trust::Outside)];
        ("[a-z]{1,6}", kind, trust).prop_map(|(name, kind, trust)| source(&name, kind, trust))
    }

    proptest! {
        #[test]
        fn no_order_of_sources_lets_an_owned_name_out(
            sources in proptest::collection::vec(any_source(), 0..8),
            separators in proptest::collection::vec("[-_.]{1,3}", 1),
            upper in any::<bool>(),
            rest in "[a-z0-9]{1,8}",
        ) {
            let index = Index::new("main".parse().expect("a label"), sources.clone());
            let names = OwnedNames::new([owned("acme-*")]);
            let mut spelling = format!("acme{}{rest}", separators[0]);
            if upper { spelling = spelling.to_uppercase(); }
            let project = ProjectName::new(&spelling).expect("a valid spelling");
            let route = index.route(&project, &names);
            prop_assert!(route.ownership.is_some());
            prop_assert!(route.ask.iter().all(|s| s.kind == SourceKind::Hosted || s.trust == Trust::Inside));
            prop_assert_eq!(route.ask.len() + route.spared.len(), sources.len());
        }

        #[test]
        fn every_source_is_asked_once_and_hosted_ones_come_first(
            sources in proptest::collection::vec(any_source(), 0..8),
            spelling in "[a-z][a-z0-9]{0,8}",
        ) {
            let index = Index::new("main".parse().expect("a label"), sources.clone());
            let project = ProjectName::new(&spelling).expect("a valid name");
            let route = index.route(&project, &OwnedNames::default());
            prop_assert_eq!(route.ask.len(), sources.len());
            let ranks: Vec<u8> = route.ask.iter().map(precedence).collect();
            prop_assert!(ranks.is_sorted());
        }
    }
}
