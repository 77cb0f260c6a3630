//! What is found about the subject of a review right now: the decisions that pages and downloads make,
//! put together over all the files that are meant.

use std::cmp::Reverse;
use std::sync::Arc;

use portcullis_core::index::Index;
use portcullis_core::policy::rules::is_law;
use portcullis_core::policy::{Decision, Effect, Finding, Standing};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::{Version, VersionSpecifiers, admits};
use portcullis_store::reviews::{self, Judgement, KeptFinding, Review, State};

use super::{index_of, kept_specifiers};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::gather::{Gathered, gather};

/// How many versions a finding names.
const MOST_VERSIONS: usize = 20;

/// The subject of a review as it is judged now.
pub(super) struct Subject {
    pub(super) gathered: Arc<Gathered>,
    /// The decisions about every file of the page, in its order.
    pub(super) decisions: Vec<Arc<Decision>>,
    /// The places of the files that are meant.
    pub(super) meant: Vec<usize>,
    name: Arc<Decision>,
}

/// Gathers and judges what `specifiers` mean of `project`; all of it where there are none.
///
/// # Errors
/// [`FlowError`]: absent where nothing is meant, or a source that cannot be asked.
pub(super) async fn look(
    app: &Arc<App>,
    index: &Index,
    project: &ProjectName,
    specifiers: Option<&VersionSpecifiers>,
) -> Result<Subject, FlowError> {
    let gathered = Arc::new(gather(app, index, project).await?);
    let decisions = gathered.judge_files(app);
    let is_meant = |version: Option<&Version>| match (specifiers, version) {
        (None, _) => true,
        (Some(specifiers), Some(version)) => admits(specifiers, version),
        (Some(_), None) => false,
    };
    let files = gathered.page.iter().flat_map(|page| &page.facts);
    let meant: Vec<usize> = files
        .enumerate()
        .filter(|(_, file)| is_meant(file.version.known()))
        .map(|(place, _)| place)
        .collect();
    let name = gathered.judge_name(app);
    if meant.is_empty() && name.lets_through() {
        let what = match gathered.page {
            None => format!("no source of index {} has {project}", index.name),
            Some(_) => format!("no file of {project} is meant"),
        };
        return Err(FlowError::Absent(what));
    }
    Ok(Subject {
        gathered,
        decisions,
        meant,
        name,
    })
}

/// Judges the subject of a review again.
///
/// # Errors
/// See [`look`].
pub(super) async fn look_again(app: &Arc<App>, review: &Review) -> Result<Subject, FlowError> {
    let specifiers = match review.state {
        State::Approved => review.decided_specifiers.as_deref(),
        _ => None,
    };
    let specifiers = kept_specifiers(specifiers.unwrap_or(&review.specifiers))?;
    let index = index_of(app, review)?;
    look(app, index, &review.project, specifiers.as_ref()).await
}

/// Keeps what is found now. A request that nothing refuses any more closes itself.
///
/// # Errors
/// [`FlowError`] when the database fails.
pub(super) async fn keep(
    app: &App,
    review: &Review,
    judgement: &Judgement,
) -> Result<(), FlowError> {
    let now = app.now();
    let refused = review.findings.iter().filter(|finding| finding.refuses());
    let refused: Vec<&str> = refused.map(|finding| finding.rule.as_str()).collect();
    let is_over = !refused.is_empty() && !judgement.findings.iter().any(KeptFinding::refuses);
    if review.state == State::Requested && is_over {
        let reason = format!("nothing refuses it any more; it was {}", refused.join(", "));
        reviews::resolve(&app.db, review, &reason, now).await?;
        return Ok(());
    }
    reviews::keep_judgement(&app.db, review, judgement, now).await?;
    Ok(())
}

impl Subject {
    /// The decisions about what is meant, those about the newest versions first.
    fn about(&self) -> Vec<&Decision> {
        let mut about: Vec<&Decision> = self.meant.iter().map(|at| &*self.decisions[*at]).collect();
        if about.is_empty() {
            about.push(&self.name);
        }
        about.sort_by_key(|decision| Reverse(decision.subject().version.clone()));
        about
    }

    /// What is found, put together.
    pub(super) fn judgement(&self) -> Judgement {
        let about = self.about();
        let mut findings: Vec<KeptFinding> = Vec::new();
        for decision in &about {
            let version = decision.subject().version.as_ref();
            for finding in decision.findings() {
                add(&mut findings, finding, version);
            }
        }
        findings.sort_by_key(|finding| Reverse((finding.refuses(), finding.effect)));
        let effect = about.iter().map(|decision| decision.effect()).max();
        Judgement {
            effect: effect.unwrap_or(Effect::Allow),
            risk: risk(&findings),
            findings,
        }
    }
}

fn standing_word(standing: &Standing) -> &'static str {
    match standing {
        Standing::Enforced => "enforced",
        Standing::Observed => "observed",
        Standing::Excepted(_) => "excepted",
        Standing::Waived(_) => "waived",
    }
}

/// Adds a finding to those of the other files. What one rule finds is told once, in the words that it has
/// for the newest version on which it is strictest.
fn add(findings: &mut Vec<KeptFinding>, finding: &Finding, version: Option<&Version>) {
    let kept = kept(finding);
    let same =
        |other: &&mut KeptFinding| other.rule == kept.rule && other.standing == kept.standing;
    let entry = match findings.iter_mut().find(same) {
        Some(entry) => entry,
        None => {
            findings.push(kept.clone());
            findings.last_mut().expect("it was pushed")
        }
    };
    if kept.effect > entry.effect {
        let before = std::mem::replace(entry, kept.clone());
        entry.about = before.about;
        entry.versions = before.versions;
    }
    let version = version.map(ToString::to_string);
    let new = version.filter(|version| !entry.versions.contains(version));
    if entry.versions.len() < MOST_VERSIONS {
        entry.versions.extend(new);
    }
    let about = kept.about.into_iter();
    let about: Vec<String> = about.filter(|one| !entry.about.contains(one)).collect();
    entry.about.extend(about);
    entry.about.sort_unstable();
}

fn kept(finding: &Finding) -> KeptFinding {
    let evidence = finding.evidence.iter();
    KeptFinding {
        rule: finding.rule.to_string(),
        effect: finding.effect,
        standing: standing_word(&finding.standing).to_owned(),
        message: finding.message.clone(),
        evidence: evidence
            .map(|(label, value)| ((*label).to_owned(), value.clone()))
            .collect(),
        remedy: finding.remedy.clone(),
        policy_line: finding.line.to_string(),
        about: finding.about.clone(),
        versions: Vec::new(),
        until: finding.until,
        is_law: is_law(&finding.rule),
    }
}

/// How much it matters to look at a case soon: first what happens to the subject, then how bad what was
/// found usually turns out to be, then how much of it there is.
fn risk(findings: &[KeptFinding]) -> i64 {
    let one = |finding: &KeptFinding| {
        let effect = match (finding.standing.as_str(), finding.effect) {
            ("enforced", Effect::Deny) => 3,
            ("enforced", Effect::Hold) => 2,
            ("enforced", Effect::Warn) => 1,
            _ => 0,
        };
        effect * 100 + severity(finding) * 10
    };
    let worst = findings.iter().map(one).max().unwrap_or(0);
    let counting = findings.iter().filter(|finding| one(finding) >= 100);
    let more = counting.count().saturating_sub(1).min(9);
    worst + i64::try_from(more).unwrap_or(9)
}

/// How bad what a rule finds usually turns out to be, from 0 to 9. What passes with time is mild.
fn severity(finding: &KeptFinding) -> i64 {
    match finding.rule.as_str() {
        "malicious" | "quarantined" => 9,
        "owned-name" | "changed-hash" => 8,
        "similar-name" | "reported-name" | "stdlib-name" | "prohibited-name"
        | "denied-by-review" => 7,
        "known-vulnerability" => 6,
        _ if finding.until.is_some() => 2,
        _ => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(rule: &str, effect: Effect, standing: &str) -> KeptFinding {
        KeptFinding {
            rule: rule.to_owned(),
            effect,
            standing: standing.to_owned(),
            message: String::new(),
            evidence: Vec::new(),
            remedy: String::new(),
            policy_line: String::new(),
            about: Vec::new(),
            versions: Vec::new(),
            until: None,
            is_law: false,
        }
    }

    #[test]
    fn what_is_denied_for_worse_reasons_is_looked_at_first() {
        use Effect::{Deny, Hold, Warn};
        let cases = [
            vec![finding("malicious", Deny, "enforced")],
            vec![
                finding("wheel-only", Deny, "enforced"),
                finding("yanked", Warn, "enforced"),
            ],
            vec![finding("wheel-only", Deny, "enforced")],
            vec![finding("similar-name", Hold, "enforced")],
            vec![finding("malicious", Deny, "observed")],
            vec![],
        ];
        let risks: Vec<i64> = cases.iter().map(|findings| risk(findings)).collect();
        assert!(risks.is_sorted_by(|a, b| a > b), "{risks:?}");
    }
}
