//! Trying a policy on what was really asked for: every file that was received or refused within a span
//! is judged under the policy in force and under the other one, with the clock as it was then and
//! everything else as it is known today. Nothing is fetched, recorded or changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use portcullis_core::index::Index;
use portcullis_core::policy::{Decision, Effect, Policy, RuleId};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::time::Timestamp;
use portcullis_store::replay::{self, Received, Refused, Span};
use serde::Serialize;

use super::gather::{Gathered, gather_known};
use crate::app::App;
use crate::error::FlowError;

/// What would change.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct DryRun {
    /// How many downloads were judged again.
    pub downloads: u64,
    /// How many refusals were judged again.
    pub refusals: u64,
    /// The files that would fare otherwise, in the order of their projects.
    pub changes: Vec<Change>,
    /// Downloads of files that are not on any page that is known, so that nothing can be said.
    pub unknown: u64,
}

/// A file, or a name, that would fare otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Change {
    /// The index.
    pub index: String,
    /// The project.
    pub project: ProjectName,
    /// The version, where the file name gives one.
    pub version: Option<String>,
    /// The file; `None` where it is about the name.
    pub filename: Option<String>,
    /// What the policy in force does.
    pub before: Effect,
    /// What the other policy would do.
    pub after: Effect,
    /// The rule that makes the difference: the one that refuses, before or after.
    pub rule: String,
    /// What it found.
    pub message: String,
    /// How many downloads by each team would have been concerned; empty for what was refused.
    pub teams: BTreeMap<String, u64>,
    /// When the first of them was.
    pub since: Timestamp,
}

impl Change {
    /// How many downloads would have been concerned.
    pub fn downloads(&self) -> u64 {
        self.teams.values().sum()
    }

    /// Whether the other policy refuses what passes now.
    pub fn is_refusal(&self) -> bool {
        self.after > Effect::Warn
    }
}

/// Tries `policy` for the index `index` on everything that was asked of it within `span`.
///
/// # Errors
/// [`FlowError`] when the database fails.
pub async fn dry_run(
    app: &Arc<App>,
    index: &Index,
    policy: &Policy,
    span: Span,
) -> Result<DryRun, FlowError> {
    let mut run = DryRun::default();
    for project in replay::projects(&app.db, span).await? {
        let is_ours = |name: &str| name == index.name.as_str();
        let mut received = replay::received(&app.db, &project, span).await?;
        received.retain(|row| is_ours(&row.index));
        let mut refused = replay::refused(&app.db, &project, span).await?;
        refused.retain(|row| is_ours(&row.index));
        if received.is_empty() && refused.is_empty() {
            continue;
        }
        let gathered = gather_known(app, index, &project).await?;
        let trial = Trial {
            app,
            gathered: &gathered,
            policy,
        };
        trial.downloads(&received, &mut run);
        trial.refusals(&refused, &mut run);
    }
    Ok(run)
}

/// One project under two policies.
struct Trial<'a> {
    app: &'a App,
    gathered: &'a Gathered,
    policy: &'a Policy,
}

/// What a file is called before and after, and why: downloads alike in this are told together.
type Likeness = (String, Effect, Effect, RuleId);

impl Trial<'_> {
    fn downloads(&self, received: &[Received], run: &mut DryRun) {
        let mut changes: BTreeMap<Likeness, Change> = BTreeMap::new();
        for row in received {
            let times = u64::try_from(row.times).unwrap_or(0);
            run.downloads += times;
            let Some((before, after)) = self.judge(&row.filename, row.at) else {
                run.unknown += times;
                continue;
            };
            let Some(change) = changed(&before, &after, row.at) else {
                continue;
            };
            let key = (
                row.filename.clone(),
                change.before,
                change.after,
                RuleId::from(change.rule.clone()),
            );
            let team = match row.team.as_str() {
                "" => "anonymous".to_owned(),
                team => team.to_owned(),
            };
            let change = changes.entry(key).or_insert(change);
            *change.teams.entry(team).or_default() += times;
        }
        run.changes.extend(changes.into_values());
    }

    fn refusals(&self, refused: &[Refused], run: &mut DryRun) {
        for row in refused {
            run.refusals += 1;
            let judged = match row.filename.as_str() {
                "" => Some(self.judge_name(row.at)),
                filename => self.judge(filename, row.at),
            };
            let change = judged.and_then(|(before, after)| changed(&before, &after, row.at));
            run.changes
                .extend(change.filter(|change| !change.is_refusal()));
        }
    }

    /// The decisions under both policies; `None` when no known page lists the file.
    fn judge(&self, filename: &str, at: Timestamp) -> Option<(Arc<Decision>, Arc<Decision>)> {
        let page = self.gathered.page.as_ref()?;
        let (_, facts) = page.file(filename)?;
        let in_force = self.app.policy(&self.gathered.facts.index);
        let under = |policy: &Policy| self.gathered.judge_file_under(self.app, facts, policy, at);
        Some((under(&in_force), under(self.policy)))
    }

    fn judge_name(&self, at: Timestamp) -> (Arc<Decision>, Arc<Decision>) {
        let in_force = self.app.policy(&self.gathered.facts.index);
        let under = |policy: &Policy| self.gathered.judge_name_under(policy, at);
        (under(&in_force), under(self.policy))
    }
}

/// The change between two decisions, if one lets through what the other refuses.
fn changed(before: &Decision, after: &Decision, at: Timestamp) -> Option<Change> {
    if before.lets_through() == after.lets_through() {
        return None;
    }
    let refusing = if before.lets_through() { after } else { before };
    let finding = refusing.decisive()?;
    let subject = after.subject();
    Some(Change {
        index: subject.index.to_string(),
        project: subject.project.clone(),
        version: subject.version.as_ref().map(ToString::to_string),
        filename: subject.filename.as_deref().map(str::to_owned),
        before: before.effect(),
        after: after.effect(),
        rule: finding.rule.to_string(),
        message: finding.message.clone(),
        teams: BTreeMap::new(),
        since: at,
    })
}
