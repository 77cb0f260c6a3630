//! An exposure for people: what it comes to, who received what, who has it locked, and what to do next.

use portcullis_server::flow::exposure::{Exposure, Identity, Received, Subject, Summary};
use portcullis_store::downloads::Download;

use super::Question;
use crate::output::{count, paragraph, print, table};

pub(super) fn show(question: &Question, found: &Exposure) -> anyhow::Result<()> {
    print(&summary(question, &found.summary))?;
    if !found.receipts.is_empty() {
        let head = ["when (UTC)", "who", "from", "client", "file"];
        print(&format!(
            "\n{}",
            table(head, found.receipts.iter().map(cells))
        ))?;
    }
    let more = found.all_receipts - found.receipts.len() as u64;
    if more > 0 {
        print(&format!(
            "\n{more} more:  --limit N, or all of them with --format csv"
        ))?;
    }
    if !found.waiting.is_empty() {
        print(&format!("\n{}", waiting(found)))?;
    }
    if let Some(next) = next(question, found) {
        print(&format!("Next:  {next}"))?;
    }
    Ok(())
}

/// `17 downloads of 2 files by 9 identities, 2026-03-24 08:31 to 2026-03-24 10:58 UTC`.
fn summary(question: &Question, summary: &Summary) -> String {
    let subject = &question.subject;
    let mut text = match (summary.first, summary.last) {
        (Some(first), Some(last)) => {
            let (first, last) = (first.to_minute(), last.to_minute());
            let when = match first == last {
                true => first,
                false => format!("{} to {last}", first.trim_end_matches(" UTC")),
            };
            format!(
                "{} of {} by {}, {when}",
                count(summary.downloads, "download"),
                count(summary.files, "file"),
                count(summary.identities, "identity"),
            )
        }
        _ => format!("nobody has received {subject} in this time"),
    };
    if summary.metadata_only > 0 {
        let requests = count(summary.metadata_only, "request");
        text.push_str(&format!("\n{requests} for metadata alone"));
    }
    text.push('\n');
    text
}

fn cells(received: &Received) -> [String; 5] {
    let receipt = &received.receipt;
    let minute = |at: portcullis_core::time::Timestamp| {
        let text = at.to_minute();
        text.trim_end_matches(" UTC").to_owned()
    };
    let (first, last) = (minute(receipt.first_at), minute(receipt.last_at));
    let when = match receipt.times {
        1 => first,
        times if first == last => format!("{first}, {times} times"),
        times => format!("{first} to {last}, {times} times"),
    };
    [
        when,
        Identity::of(receipt).to_string(),
        receipt.client_addr.clone().unwrap_or_default(),
        received.latest.as_ref().map(client).unwrap_or_default(),
        receipt.filename.clone(),
    ]
}

fn client(download: &Download) -> String {
    match (&download.installer, &download.installer_version) {
        (Some(installer), Some(version)) => format!("{installer} {version}"),
        (Some(installer), None) => installer.clone(),
        (None, _) => {
            let said = download.user_agent.as_deref().unwrap_or_default();
            said.split_whitespace()
                .next()
                .unwrap_or_default()
                .to_owned()
        }
    }
}

fn waiting(found: &Exposure) -> String {
    let names: Vec<String> = found
        .waiting
        .iter()
        .map(|waiting| waiting.lock.to_string())
        .collect();
    let (locks, verbs) = match names.len() {
        1 => ("1 lock".to_owned(), "names it and has"),
        number => (format!("{number} locks"), "name it and have"),
    };
    let text = format!("{locks} {verbs} not fetched it: {}", names.join(", "));
    paragraph(0, &text)
}

fn next(question: &Question, found: &Exposure) -> Option<String> {
    match &question.subject {
        Subject::Releases(requirement) if !requirement.specifiers.is_empty() => {
            let bare = requirement.to_string().replace(", ", ",");
            Some(format!(
                "portcullis quarantine '{bare}' --reason WHY --tell"
            ))
        }
        Subject::Content(sha256) => {
            let project = &found.receipts.first()?.receipt.project;
            Some(format!(
                "portcullis quarantine {project} --sha256 {sha256} --reason WHY --tell"
            ))
        }
        _ => None,
    }
}
