//! Exceptions that nobody needs: expired, for a rule that is off, or never used by a decision that
//! was recorded.

use std::str::FromStr as _;

use portcullis_core::policy::{Exception, Policy};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::version::{Version, admits};
use portcullis_core::time::Timestamp;
use portcullis_store::decisions::{self, RecordedDecision};
use portcullis_store::{Db, StoreError};
use serde_json::Value;

use super::check::Problem;

/// How many decisions are read at once.
const PAGE: u32 = 1000;

/// A recorded decision in which an exception lifted a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Use {
    index: String,
    project: ProjectName,
    version: Option<String>,
    rule: String,
}

/// Every use on record; `None` where no decision was ever recorded, so that nothing can be said.
pub(super) async fn uses(db: &Db) -> Result<Option<Vec<Use>>, StoreError> {
    if decisions::recent(db, Timestamp::from_millis(0), 1)
        .await?
        .is_empty()
    {
        return Ok(None);
    }
    let mut uses: Vec<Use> = Vec::new();
    let mut after = String::new();
    loop {
        let page = decisions::excepted(db, &after, PAGE).await?;
        for decision in &page {
            uses.extend(lifted(decision));
        }
        uses.sort_by(|one, other| key(one).cmp(&key(other)));
        uses.dedup();
        match page.last() {
            Some(last) => after.clone_from(&last.id),
            None => return Ok(Some(uses)),
        }
    }
}

fn key(used: &Use) -> (&str, &str, &str, Option<&str>) {
    (
        &used.rule,
        &used.index,
        used.project.as_str(),
        used.version.as_deref(),
    )
}

fn lifted(decision: &RecordedDecision) -> Vec<Use> {
    let evidence: Value = serde_json::from_str(&decision.evidence).unwrap_or_default();
    let findings = evidence["findings"].as_array().into_iter().flatten();
    findings
        .filter(|finding| finding["standing"] == "excepted")
        .filter_map(|finding| finding["rule"].as_str())
        .map(|rule| Use {
            index: decision.index.clone(),
            project: decision.project.clone(),
            version: decision.version.clone(),
            rule: rule.to_owned(),
        })
        .collect()
}

/// What is wrong with the exceptions of a policy that the `indexes` use.
pub(super) fn problems(
    policy: &Policy,
    indexes: &[String],
    uses: Option<&[Use]>,
    now: Timestamp,
) -> Vec<Problem> {
    let problem = |exception: &Exception| {
        let (kind, message, remedy) = if let Some(expires) =
            exception.expires.filter(|at| *at <= now)
        {
            let expired = format!("expired {}", expires.to_minute());
            ("expired", expired, "remove it, or give it a new end")
        } else if policy.rules().iter().all(|rule| rule.id != exception.rule) {
            let off = format!("is for {}, which is off", exception.rule);
            ("rule-off", off, "remove it, or switch the rule on")
        } else if uses.is_some_and(|uses| !uses.iter().any(|used| is_use(used, exception, indexes)))
        {
            let unused = "was used by no decision on record".to_owned();
            (
                "unused",
                unused,
                "remove it, unless it is for what is yet to come",
            )
        } else {
            return None;
        };
        Some(Problem {
            kind,
            place: exception.line.to_string(),
            message: format!(
                "the exception of {} for {} {message}",
                exception.owner, exception.project
            ),
            mistakes: 1,
            remedy: Some(remedy),
        })
    };
    policy.exceptions().iter().filter_map(problem).collect()
}

fn is_use(used: &Use, exception: &Exception, indexes: &[String]) -> bool {
    let version = used.version.as_deref();
    let version = version.and_then(|version| Version::from_str(version).ok());
    used.rule == exception.rule
        && (indexes.is_empty() || indexes.contains(&used.index))
        && exception.project.matches(&used.project)
        && match (&exception.version, version) {
            (None, _) => true,
            (Some(specifiers), Some(version)) => admits(specifiers, &version),
            (Some(_), None) => false,
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(policy: &str, uses: Option<&[Use]>) -> Vec<&'static str> {
        let policy = Policy::parse("policy.toml", policy).unwrap_or_else(|error| panic!("{error}"));
        let now = "2026-11-21".parse().expect("a date");
        let found = problems(&policy, &["main".to_owned()], uses, now);
        found.into_iter().map(|problem| problem.kind).collect()
    }

    fn used(project: &str, version: &str) -> Use {
        Use {
            index: "main".to_owned(),
            project: project.parse().expect(project),
            version: Some(version.to_owned()),
            rule: "too-young".to_owned(),
        }
    }

    const EXCEPTION: &str = "[[exceptions]]\nproject = 'flask'\nversion = '==3.1.3'\n\
                             rule = 'too-young'\nreason = 'r'\nowner = 'o'\n";

    #[test]
    fn an_exception_that_nobody_needs_is_told_once_and_why() {
        let flask = used("flask", "3.1.3");
        assert_eq!(
            kinds(EXCEPTION, Some(std::slice::from_ref(&flask))),
            [""; 0]
        );
        assert_eq!(kinds(EXCEPTION, None), [""; 0]);
        for other in [used("flask", "3.1.2"), used("django", "3.1.3")] {
            assert_eq!(kinds(EXCEPTION, Some(&[other])), ["unused"]);
        }
        let expired = format!("{EXCEPTION}expires = 2026-11-20\n");
        assert_eq!(kinds(&expired, Some(&[flask])), ["expired"]);
        let off = format!("[rules.too-young]\nmode = 'off'\n{EXCEPTION}");
        assert_eq!(kinds(&off, None), ["rule-off"]);
    }
}
