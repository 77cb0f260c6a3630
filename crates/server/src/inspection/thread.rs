//! An inspection in a thread of the gateway: for tests, and where no processes can be started. A panic is
//! caught; running out of stack or memory is not.

use std::fs::File;

use portcullis_inspect::own_rules::OwnRules;
use tokio::sync::OwnedSemaphorePermit;

use super::protocol::{self, Answer, Request};
use super::runner::Outcome;

/// Inspects `file`. A thread cannot be ended: one that takes too long keeps its turn until it ends by
/// itself, which the budget of the analysis sees to.
pub(super) async fn run(
    file: File,
    request: &Request,
    own_rules: &OwnRules,
    turn: OwnedSemaphorePermit,
) -> Outcome {
    let (asked, own_rules) = (request.clone(), own_rules.clone());
    let inspecting = tokio::task::spawn_blocking(move || {
        let answer = protocol::inspect_with(file, &asked, &own_rules);
        drop(turn);
        answer
    });
    match tokio::time::timeout(request.time(), inspecting).await {
        Ok(Ok(Answer::Inspected { inspection, .. })) => Outcome::Seen(inspection),
        Ok(Ok(Answer::Unreadable { why })) => Outcome::Failed(why),
        Ok(Err(error)) if error.is_panic() => Outcome::Crashed("it panicked".to_owned()),
        Ok(Err(_)) => Outcome::Failed("the server is stopping".to_owned()),
        Err(_) => Outcome::Crashed(format!("it took longer than {:?}", request.time())),
    }
}
