//! What an expectation says of a project: where it comes from, whose name it is, and what the name
//! resembles. What people said of it is in `people`, what its page tells in `page`.

use std::str::FromStr;
use std::sync::Arc;

use super::{About, NOT_SAID, Unknowable, page, people};
use crate::fact::{Fact, Origin, Prohibition, ProjectFacts};
use crate::index::{IndexName, OwnedBy, Ownership, SourceKind, Trust};
use crate::pypi::name::NamePattern;
use crate::settings::Table;
use crate::similarity::{Resemblance, Similarity, WellKnown};

/// Reads what is said of the project.
pub(super) fn read(table: &mut Table<'_>, about: &About) -> ProjectFacts {
    let index = table.parsed::<IndexName>("index");
    let index = index.map_or_else(default_index, |index| index.value);
    let mut project = ProjectFacts::named(index, about.project.clone());
    project.origin = origin(table);
    let names = owned_names(table, about);
    project.resemblance = resemblance(about, names.all);
    project.ownership = names.own.map(|pattern| Ownership {
        pattern,
        origin: OwnedBy::Config,
        since: None,
    });
    project.prohibition = table.text("prohibited").map(|reason| Prohibition {
        pattern: about.project.as_str().into(),
        reason: reason.value.into(),
    });
    project.quarantines = people::quarantines(table, about);
    project.rulings = people::rulings(table, about);
    project.approvals = people::approvals(table, about);
    project.maintenance = Arc::new(page::maintenance(table, about));
    project.signals = Arc::new(page::signals(table, about));
    project
}

fn default_index() -> IndexName {
    "main".parse().expect("a label")
}

fn origin(table: &mut Table<'_>) -> Option<Origin> {
    let source = table.parsed::<Source>("source");
    let inside = table.boolean("inside");
    let kind = source.map_or(Some(SourceKind::Upstream), |source| source.value.0)?;
    let is_inside = inside.map_or(kind == SourceKind::Hosted, |inside| inside.value);
    Some(Origin {
        source: kind.to_string().parse().expect("a kind is a label"),
        kind,
        trust: match is_inside {
            true => Trust::Inside,
            false => Trust::Outside,
        },
    })
}

/// Patterns of owned names.
struct OwnedNames {
    /// That under which the project itself is.
    own: Option<NamePattern>,
    /// All of them.
    all: Vec<NamePattern>,
}

fn owned_names(table: &mut Table<'_>, about: &About) -> OwnedNames {
    let own = table.parsed::<NamePattern>("owned");
    let all = table.list::<NamePattern>("owned-names").unwrap_or_default();
    let is_meant = |pattern: &NamePattern| pattern.matches(&about.project);
    if let Some(own) = &own
        && about.is_named
        && !is_meant(&own.value)
    {
        let message = format!("{} does not match {}", own.value, about.project);
        let help = "what is owned beside the project stands in `owned-names`";
        table.mistake(own, message, Some(help));
    }
    let own = own.map(|own| own.value);
    let all = all
        .into_iter()
        .map(|pattern| pattern.value)
        .chain(own.clone());
    let all: Vec<NamePattern> = all.collect();
    OwnedNames {
        own: own.or_else(|| all.iter().find(|pattern| is_meant(pattern)).cloned()),
        all,
    }
}

/// What the name resembles, by the list of popular names that comes with the program.
fn resemblance(about: &About, owned: Vec<NamePattern>) -> Fact<Option<Arc<Resemblance>>> {
    if about.is_unknown(Unknowable::Similarity) {
        return Fact::Unknown(NOT_SAID.into());
    }
    let similarity = Similarity::new(WellKnown::embedded(), owned);
    Fact::Known(similarity.look(&about.project).map(Arc::new))
}

/// `hosted`, `upstream` or `folder`; `none` where no source that may be asked has the project.
struct Source(Option<SourceKind>);

impl FromStr for Source {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kinds = [SourceKind::Hosted, SourceKind::Upstream, SourceKind::Folder];
        match kinds.into_iter().find(|kind| kind.to_string() == text) {
            Some(kind) => Ok(Self(Some(kind))),
            None if text == "none" => Ok(Self(None)),
            None => Err(format!(
                "{text:?} is not one of hosted, upstream, folder, none"
            )),
        }
    }
}
