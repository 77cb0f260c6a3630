//! Putting on record what was decided and what was noticed. Recording never changes an answer: what is
//! refused stays refused when the record cannot be written, and that is logged.

use std::sync::Arc;

use portcullis_core::explain;
use portcullis_core::fact::Fact;
use portcullis_core::policy::{Decision, Effect};
use portcullis_store::decisions::{self, NewDecision};
use portcullis_store::{StoreError, alerts};
use serde_json::json;
use tracing::{error, info, warn};

use crate::app::App;
use crate::error::FlowError;
use crate::source_page::SourcePage;

/// How many decisions are recorded in one transaction.
const BATCH: usize = 500;

/// Records a decision that was acted on, unless it is on record as it is.
///
/// # Errors
/// [`FlowError::Store`] when the database fails.
pub async fn record(app: &Arc<App>, decision: &Arc<Decision>) -> Result<(), FlowError> {
    let id = decision.id();
    if app.recorded.contains_key(&id) {
        return Ok(());
    }
    let start = || {
        let (app, decision, id) = (Arc::clone(app), Arc::clone(decision), id.clone());
        async move {
            decisions::record(&app.db, &as_row(&decision), app.now())
                .await
                .map_err(FlowError::from)?;
            app.recorded.insert(id, ());
            Ok(())
        }
    };
    app.decision_flights
        .run(id.clone(), start)
        .await
        .map_err(|_| FlowError::Stopping)?
}

/// The error for a decision that does not let a file or a name through, put on record.
pub async fn refuse(app: &Arc<App>, decision: &Arc<Decision>) -> FlowError {
    let rule = decision
        .decisive()
        .map_or_else(String::new, |finding| finding.rule.to_string());
    let effect = decision.effect();
    metrics::counter!("portcullis_refusals_total", "rule" => rule.clone(), "effect" => effect.to_string())
        .increment(1);
    let subject = decision.subject();
    info!(
        index = %subject.index, project = %subject.project, decision = decision.id(), rule,
        "{}", decision.sentence()
    );
    if let Err(error) = record(app, decision).await {
        error!(
            decision = decision.id(),
            "could not record a refusal: {error}"
        );
    }
    let refusal = portcullis_core::gate::Refusal {
        decision: Arc::clone(decision),
    };
    FlowError::Refused(refusal)
}

/// Records, in the background, the decisions that a page shows: what is hidden, yanked or refused.
pub fn record_shown(app: &Arc<App>, decisions: &[Arc<Decision>]) {
    let is_new = |decision: &&Arc<Decision>| {
        decision.effect() > Effect::Warn && !app.recorded.contains_key(&decision.id())
    };
    let new: Vec<Arc<Decision>> = decisions.iter().filter(is_new).cloned().collect();
    if new.is_empty() {
        return;
    }
    let app = Arc::clone(app);
    tokio::spawn(async move {
        for batch in new.chunks(BATCH) {
            let rows: Vec<NewDecision> = batch.iter().map(|decision| as_row(decision)).collect();
            match decisions::record_many(&app.db, &rows, app.now()).await {
                Ok(_) => batch
                    .iter()
                    .for_each(|decision| app.recorded.insert(decision.id(), ())),
                Err(error) => warn!("could not record the decisions of a page: {error}"),
            }
        }
    });
}

fn as_row(decision: &Decision) -> NewDecision {
    let subject = decision.subject();
    let finding = decision.decisive();
    NewDecision {
        id: decision.id(),
        index: subject.index.to_string(),
        project: subject.project.clone(),
        filename: subject.filename.as_deref().unwrap_or_default().to_owned(),
        version: subject.version.as_ref().map(ToString::to_string),
        sha256: subject.sha256,
        effect: decision.effect(),
        rule: finding.map_or_else(String::new, |finding| finding.rule.to_string()),
        policy: decision.policy(),
        policy_line: finding
            .map(|finding| finding.line.to_string())
            .unwrap_or_default(),
        evidence: explain::decision(decision).to_string(),
    }
}

/// Raises an alert, in the background, for every file of a new page whose digest is not what it first
/// was. Both digests are kept as evidence.
pub fn report_changed_hashes(app: &Arc<App>, page: &SourcePage) {
    for facts in &page.facts {
        let (Some(first), Fact::Known(now)) = (facts.first_sha256, &facts.sha256) else {
            continue;
        };
        if first == *now {
            continue;
        }
        let source = &page.origin.source;
        let subject = format!("{source}/{}/{}", page.page.name, facts.filename);
        let detail = json!({ "first": first, "now": now, "seen": "page" });
        raise(app, "changed-hash", subject, detail);
    }
}

/// Raises an alert in the background.
pub fn raise(app: &Arc<App>, kind: &'static str, subject: String, detail: serde_json::Value) {
    warn!(kind, subject, %detail, "alert: {kind} of {subject}");
    metrics::counter!("portcullis_alerts_total", "kind" => kind).increment(1);
    let app = Arc::clone(app);
    tokio::spawn(async move {
        let raised: Result<(), StoreError> =
            alerts::raise(&app.db, kind, &subject, &detail, app.now()).await;
        if let Err(error) = raised {
            error!(kind, subject, "could not record an alert: {error}");
        }
    });
}
