//! Asking a gateway through its OSV API: one batch for all pins, then each advisory once.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use portcullis_core::advisory::AdvisoryBook;
use portcullis_core::time::Timestamp;
use reqwest::{Client, RequestBuilder, StatusCode, redirect};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::known::{Asked, Known};
use crate::context::wait_for;
use crate::exit::failure;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The largest answer that is read, in bytes.
const MOST: usize = 64 << 20;
/// As many questions as OSV takes in a batch.
const BATCH: usize = 1000;
/// How many advisories are asked for at once.
const AT_ONCE: usize = 16;
/// Since when no advisory is known to have been missed.
const AS_OF: &str = "x-portcullis-advisories-as-of";

#[derive(Deserialize)]
struct Answers {
    results: Vec<Answer>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    vulns: Vec<Brief>,
    /// OSV hands long answers out in pages; a gateway does not.
    next_page_token: Option<String>,
}

#[derive(Deserialize)]
struct Brief {
    id: String,
}

/// A gateway's OSV API.
struct Osv {
    root: Url,
    client: Client,
    token: Option<String>,
}

/// What is known of what is asked about.
pub(super) fn ask(gateway: &Url, asked: &[Asked<'_>]) -> anyhow::Result<Known> {
    wait_for(async {
        let osv = Osv::new(gateway)?;
        let mut as_of: Option<Option<Timestamp>> = None;
        let mut ids = BTreeSet::new();
        for batch in asked.chunks(BATCH) {
            let told = osv.batch(batch, &mut ids).await?;
            as_of = Some(match as_of {
                None => told,
                Some(before) => before.zip(told).map(|(one, other)| one.min(other)),
            });
        }
        let records = stream::iter(&ids)
            .map(|id| osv.record(id))
            .buffer_unordered(AT_ONCE);
        let records: Vec<(String, Vec<u8>)> = records.try_collect().await?;
        let mut book = AdvisoryBook::default();
        for (id, record) in &records {
            book.take(id, record);
        }
        let mut head = book.head(&osv.shown(), as_of.flatten());
        // Nothing being known against any of them is an answer, too: a gateway without advisories gives none.
        head.records = head.records.max(1);
        let heads = match asked.is_empty() {
            true => Vec::new(),
            false => vec![head],
        };
        Ok(Known {
            answer: book.answer(asked.iter().map(|(project, _)| *project)),
            heads,
            doubts: Vec::new(),
        })
    })
}

impl Osv {
    fn new(gateway: &Url) -> anyhow::Result<Self> {
        let mut root = gateway.clone();
        if !matches!(root.scheme(), "http" | "https") || root.host().is_none() {
            return Err(failure(
                "a gateway has an http or https address",
                "give --gateway as people reach it, such as http://gateway.example",
            ));
        }
        let in_url = root.password().map(str::to_owned);
        // Both fail only for addresses that cannot have credentials.
        let _ = root.set_password(None);
        let _ = root.set_username("");
        let path = root
            .path()
            .trim_end_matches('/')
            .trim_end_matches("/simple");
        root.set_path(&format!("{path}/osv/v1/"));
        let token = std::env::var("PORTCULLIS_TOKEN").ok();
        let token = token.filter(|token| !token.trim().is_empty());
        // A redirect could lead the token elsewhere.
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .timeout(PATIENCE)
            .user_agent(concat!("portcullis/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self {
            root,
            client,
            token: token.or(in_url),
        })
    }

    /// Asks about some pins. Their ids are added to `ids`; how old the advisories are is the answer.
    async fn batch(
        &self,
        pins: &[Asked<'_>],
        ids: &mut BTreeSet<String>,
    ) -> anyhow::Result<Option<Timestamp>> {
        let query = |(project, version): &Asked<'_>| {
            let mut query = json!({ "package": { "name": project, "ecosystem": "PyPI" } });
            if let Some(version) = version {
                query["version"] = json!(version.to_string());
            }
            query
        };
        let queries: Vec<Value> = pins.iter().map(query).collect();
        let request = self.client.post(self.root.join("querybatch")?);
        let (as_of, body) = self
            .answer(request.json(&json!({ "queries": queries })))
            .await?;
        let answers: Answers = serde_json::from_slice(&body).with_context(|| self.strange())?;
        let is_whole = answers.results.len() == pins.len()
            && answers
                .results
                .iter()
                .all(|one| one.next_page_token.is_none());
        anyhow::ensure!(
            is_whole,
            "{}: not every question was answered",
            self.strange()
        );
        let briefs = answers.results.into_iter().flat_map(|answer| answer.vulns);
        ids.extend(briefs.map(|brief| brief.id));
        Ok(as_of)
    }

    async fn record(&self, id: &str) -> anyhow::Result<(String, Vec<u8>)> {
        let mut url = self.root.join("vulns/")?;
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().push(id);
        }
        let (_, body) = self.answer(self.client.get(url)).await?;
        Ok((id.to_owned(), body))
    }

    async fn answer(
        &self,
        request: RequestBuilder,
    ) -> anyhow::Result<(Option<Timestamp>, Vec<u8>)> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let unreachable = |error: reqwest::Error| {
            failure(
                format!("{} cannot be asked: {}", self.shown(), error.without_url()),
                "see whether --gateway is right and the gateway runs",
            )
        };
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let as_of = response.headers().get(AS_OF);
        let as_of = as_of.and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = Vec::new();
        let mut pieces = response.bytes_stream();
        while let Some(piece) = pieces.next().await {
            body.extend_from_slice(&piece.map_err(unreachable)?);
            anyhow::ensure!(body.len() <= MOST, "the answer is larger than {MOST} bytes");
        }
        match status.is_success() {
            true => Ok((as_of, body)),
            false => Err(self.refused(status, &body)),
        }
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> anyhow::Error {
        let problem: Value = serde_json::from_slice(body).unwrap_or_default();
        let said = problem["detail"].as_str().map(str::to_owned);
        let said = said.unwrap_or_else(|| format!("HTTP {}", status.as_u16()));
        let remedy = match status {
            StatusCode::UNAUTHORIZED => "put a token into PORTCULLIS_TOKEN",
            StatusCode::SERVICE_UNAVAILABLE => {
                "load advisories there: `portcullis advisories update`"
            }
            _ => "see whether --gateway is the address of a gateway",
        };
        failure(format!("{}: {said}", self.shown()), remedy)
    }

    fn strange(&self) -> String {
        format!("{} does not answer as a gateway does", self.shown())
    }

    /// The gateway, for people.
    fn shown(&self) -> String {
        let root = self.root.as_str().trim_end_matches("osv/v1/");
        format!("the gateway at {}", root.trim_end_matches('/'))
    }
}
