//! What an expectation says that people said of a project: quarantines, reviewers' denials and waivers,
//! and approvals.

use std::sync::Arc;

use super::{About, NOT_SAID};
use crate::approval::{ApprovalOrigin, Approved};
use crate::fact::Fact;
use crate::policy::{Decision, rules};
use crate::pypi::name::NamePattern;
use crate::pypi::version::{Version, VersionSpecifiers};
use crate::quarantine::Quarantine;
use crate::ruling::Ruling;
use crate::settings::Table;
use crate::waiver::Waiver;

/// Who said it, since expectations name nobody.
const SOMEBODY: &str = "a reviewer";

/// The number of every made-up review, quarantine and approval.
const NUMBER: i64 = 1;

/// `quarantined = "reason"`, of the version where there is one.
pub(super) fn quarantines(table: &mut Table<'_>, about: &About) -> Vec<Arc<Quarantine>> {
    let reason = table.text("quarantined");
    let quarantine = reason.map(|reason| {
        Arc::new(Quarantine {
            id: NUMBER,
            project: about.project.clone(),
            specifiers: only(about.version.as_ref()).unwrap_or_else(VersionSpecifiers::empty),
            sha256: None,
            reason: reason.value.into(),
            since: about.now,
        })
    });
    quarantine.into_iter().collect()
}

/// `denied-by-review = "reason"`, of the version where there is one.
pub(super) fn rulings(table: &mut Table<'_>, about: &About) -> Vec<Arc<Ruling>> {
    let reason = table.text("denied-by-review");
    let ruling = reason.map(|reason| {
        Arc::new(Ruling {
            review: NUMBER,
            index: None,
            versions: only(about.version.as_ref()),
            reason: reason.value.into(),
            owner: SOMEBODY.into(),
            expires: None,
        })
    });
    ruling.into_iter().collect()
}

fn only(version: Option<&Version>) -> Option<VersionSpecifiers> {
    let version = version?;
    Some(
        format!("=={version}")
            .parse()
            .expect("a version is matched"),
    )
}

/// `approved`, and `approved-versions` where not all of them are.
pub(super) fn approvals(table: &mut Table<'_>, about: &About) -> Fact<Vec<Arc<Approved>>> {
    let approved = table.boolean("approved");
    let versions = table.parsed::<VersionSpecifiers>("approved-versions");
    match (approved.map(|approved| approved.value), versions) {
        (None, None) => Fact::Unknown(NOT_SAID.into()),
        (Some(false), None) => Fact::Known(Vec::new()),
        (Some(false), Some(versions)) => {
            table.mistake(
                &versions,
                "nothing is approved, and these versions are",
                None,
            );
            Fact::Known(Vec::new())
        }
        (Some(true) | None, versions) => Fact::Known(vec![Arc::new(Approved {
            id: NUMBER,
            projects: NamePattern::Exact(about.project.clone()),
            versions: versions.map(|versions| versions.value),
            files: Vec::new(),
            origin: ApprovalOrigin::Typed,
            reason: "".into(),
        })]),
    }
}

/// A waiver before it is known what its rule finds.
#[derive(Debug)]
pub(super) struct Waived {
    rule: String,
    reason: Arc<str>,
    /// What it was given for; what the rule finds, where the expectation does not say.
    about: Option<Vec<String>>,
}

/// `waived = [{ rule = …, reason = … }]`.
pub(super) fn waived(table: &mut Table<'_>) -> Vec<Waived> {
    let tables = table.tables("waived").into_iter();
    tables.filter_map(one_waived).collect()
}

fn one_waived(mut table: Table<'_>) -> Option<Waived> {
    let rule = table.text("rule");
    let reason = table.text("reason");
    let about = table.list::<String>("about");
    match &rule {
        None => table.mistake_here("this waiver has no `rule`", None),
        Some(rule) if rules::is_law(&rule.value) => {
            let message = format!("{} states a promise: nobody waives it", rule.value);
            table.mistake(rule, message, None);
        }
        Some(_) => {}
    }
    table.finish();
    Some(Waived {
        rule: rule?.value,
        reason: reason.map_or_else(|| "".into(), |reason| reason.value.into()),
        about: about.map(|about| about.into_iter().map(|one| one.value).collect()),
    })
}

impl Waived {
    /// The waiver as a reviewer would have given it when `found` was decided.
    pub(super) fn given_for(&self, found: &Decision) -> Waiver {
        let finding = found
            .findings()
            .iter()
            .find(|finding| finding.rule == self.rule);
        let found_now = finding.map(|finding| finding.about.clone());
        Waiver {
            review: NUMBER,
            index: None,
            project: found.subject().project.clone(),
            versions: only(found.subject().version.as_ref()),
            rule: self.rule.clone().into(),
            about: self.about.clone().or(found_now).unwrap_or_default(),
            reason: Arc::clone(&self.reason),
            owner: SOMEBODY.into(),
            expires: None,
        }
    }
}
