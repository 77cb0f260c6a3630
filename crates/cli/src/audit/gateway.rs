//! Asking a gateway for all that it knows of the projects, in one question. What it answers is a table as `--update`
//! keeps one, so that versions are compared here as without a gateway, exploits and EPSS scores included.

use anyhow::Context as _;
use portcullis_core::advisory::AdvisoryTable;
use portcullis_core::pypi::name::ProjectName;
use serde::Serialize;
use url::Url;

use super::known::Known;
use crate::context::wait_for_answer;
use crate::gateway::{Client, Remedies};

const REMEDIES: Remedies = Remedies {
    forbidden: "use a token with the scope read",
    absent: "see whether --gateway is the address of a gateway, and the gateway of this version",
    conflict: "see what the gateway's operator says",
    unavailable: "load advisories there: `portcullis advisories update`",
};

#[derive(Serialize)]
struct Question<'q> {
    projects: Vec<&'q ProjectName>,
}

/// What is known of `projects`. Of none, nothing is asked.
pub(super) fn ask<'p>(
    gateway: &Url,
    projects: impl Iterator<Item = &'p ProjectName>,
) -> anyhow::Result<Known> {
    let mut projects: Vec<&ProjectName> = projects.collect();
    projects.sort_unstable();
    projects.dedup();
    if projects.is_empty() {
        return Ok(Known::default());
    }
    let question = Question { projects };
    wait_for_answer(async {
        let client = Client::new(gateway.clone())?.remedies(REMEDIES);
        let bytes = client.post_for_bytes("advisories", &question).await?;
        let table = AdvisoryTable::read(&bytes).with_context(|| client.strange())?;
        let mut known = Known::of_table(&table, question.projects.iter().copied());
        for head in &mut known.heads {
            head.source = format!("the gateway at {}", client.place());
        }
        Ok(known)
    })
}
