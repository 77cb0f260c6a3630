//! The job that looks again into files that an older revision of the inspection saw, or whose inspection
//! crashed: new rules see what old ones missed, and who received it hears of it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use portcullis_core::digest::Sha256;
use portcullis_core::inspection::Inspected;
use portcullis_core::policy::Effect;
use portcullis_core::pypi::filename::DistFilename;
use portcullis_inspect::inspection::REVISION;
use portcullis_store::holdings::{self, Holder};
use portcullis_store::inspections::{self, Outdated};
use tracing::debug;

use super::schedule::{Job, Reach};
use crate::app::App;
use crate::error::FlowError;
use crate::flow::contents::{Finding, tell};
use crate::inspection::{self, Look, Place, Subject};

/// How often it is asked whether there is anything to look into again.
const EVERY: Duration = Duration::from_secs(60 * 60);

/// How many contents are asked for in one statement.
const BATCH: u32 = 200;

/// How long one inspection may take before the next one is begun; it goes on in the background.
const PATIENCE: Duration = Duration::from_secs(60);

/// The job.
pub(super) static INSPECTIONS: Job = Job {
    name: "inspect-again",
    summary: "look again into files that an older engine saw",
    reach: Reach::Inside,
    every: |_| Some(EVERY),
    run: |app| async move { look_again(&app).await }.boxed(),
};

/// What came of a run.
#[derive(Debug, Default)]
struct Tally {
    looked: u32,
    worse: u32,
    gone: u32,
}

async fn look_again(app: &Arc<App>) -> Result<String, FlowError> {
    let mut tally = Tally::default();
    let mut after = None;
    loop {
        let wanted = Outdated {
            revision: REVISION,
            now: app.now(),
            after,
            limit: BATCH,
        };
        let outdated = inspections::outdated(&app.db, wanted).await?;
        let Some(last) = outdated.last().copied() else {
            break;
        };
        for sha256 in outdated {
            one(app, &sha256, &mut tally).await?;
        }
        after = Some(last);
    }
    Ok(match tally.looked + tally.gone {
        0 => "everything was seen by the present revision".to_owned(),
        _ => format!(
            "{} files were looked into again, {} of them are worse than before, {} are gone",
            tally.looked, tally.worse, tally.gone
        ),
    })
}

async fn one(app: &Arc<App>, sha256: &Sha256, tally: &mut Tally) -> Result<(), FlowError> {
    let holders = holdings::of_content(&app.db, sha256).await?;
    let named = holders.iter().find_map(|holder| {
        let filename = DistFilename::parse(&holder.filename, Some(&holder.project));
        Some((holder, filename.ok()?))
    });
    let Some((holder, filename)) = named else {
        tally.gone += 1;
        return Ok(());
    };
    if !app.blobs.exists(sha256).await? {
        tally.gone += 1;
        return Ok(());
    }
    let before = inspections::find(&app.db, sha256).await?;
    let before: Option<Inspected> =
        before.and_then(|before| serde_json::from_str(&before.record).ok());
    let subject = Subject {
        sha256: *sha256,
        filename,
        size: holder.size,
        place: Place::Vault,
    };
    match inspection::look_again(app, &subject, PATIENCE).await {
        Look::Seen(now) => {
            tally.looked += 1;
            let was = before.map_or(Effect::Allow, |before| before.found());
            if now.found() > was {
                tally.worse += 1;
                tell_all(app, &holders, &now).await;
            }
        }
        Look::UnderWay { .. } => tally.looked += 1,
        Look::Unavailable(error) => return Err(error),
        Look::Failed { why } => debug!(%sha256, "{sha256} was not looked into again: {why}"),
    }
    Ok(())
}

/// Pages of every project that has the content show something else now.
async fn tell_all(app: &App, holders: &[Holder], inspected: &Inspected) {
    for holder in holders {
        app.contents.forget(&holder.project);
        app.forget_rendered(&holder.project);
    }
    if let Some(holder) = holders.first() {
        let source = holder.source.parse().ok();
        let finding = Finding {
            source: source.as_ref(),
            project: &holder.project,
            filename: &holder.filename,
            inspected,
        };
        tell(app, &finding).await;
    }
}
