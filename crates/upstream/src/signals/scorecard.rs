//! OpenSSF Scorecard's REST API: `projects/{host}/{owner}/{name}` under a configured base URL.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::{Measurements, Scores, SignalHost, SignalProvider, Subject};
use crate::error::UpstreamError;

/// The provider. It knows repositories only, so that a project whose metadata names none is not measured.
#[derive(Debug)]
pub struct Scorecard {
    host: SignalHost,
}

impl Scorecard {
    /// The provider at this host.
    pub fn new(host: SignalHost) -> Self {
        Self { host }
    }

    async fn ask(&self, subject: &Subject) -> Result<Measurements, UpstreamError> {
        let Some(repository) = &subject.repository else {
            return Ok(Measurements::new());
        };
        let mut segments = vec!["projects"];
        segments.extend(repository.split('/'));
        let scores: Option<Scores> = self.host.get(&segments).await?;
        Ok(scores
            .map(|scores| scores.measurements())
            .unwrap_or_default())
    }
}

impl SignalProvider for Scorecard {
    fn fetch<'a>(
        &'a self,
        subject: &'a Subject,
    ) -> BoxFuture<'a, Result<Measurements, UpstreamError>> {
        self.ask(subject).boxed()
    }
}
