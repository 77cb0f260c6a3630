//! [`Found::judge`]: the question to a gateway, in parts where it is long.

use serde::Serialize;

use super::answer::{Answer, Judged};
use super::find::Found;

/// How many releases are asked about in one request.
const AT_ONCE: usize = 1_000;

/// A question.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Question<'q> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<&'q str>,
    pins: &'q [QuestionPin],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    licences: bool,
}

/// What is wanted to be known beside decisions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// Nothing more.
    Nothing,
    /// Licences, which cost the gateway another look.
    Licences,
}

/// A release that is asked about.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct QuestionPin {
    /// The project.
    pub project: String,
    /// The version, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The versions that are wanted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub versions: Option<String>,
    /// The SHA-256 digests of the files that are allowed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub hashes: Vec<String>,
    /// The names of those files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub filenames: Vec<String>,
}

impl Found {
    /// What the gateway says of every pin, in their order.
    pub async fn judge(&self, pins: &[QuestionPin]) -> anyhow::Result<Vec<Judged>> {
        self.judge_in(None, pins, Beside::Nothing).await
    }

    /// The same of the index that is named, with what is wanted beside.
    pub async fn judge_in(
        &self,
        index: Option<&str>,
        pins: &[QuestionPin],
        beside: Beside,
    ) -> anyhow::Result<Vec<Judged>> {
        let mut judged = Vec::with_capacity(pins.len());
        for part in pins.chunks(AT_ONCE) {
            let question = Question {
                index: index.or(self.index.as_deref()),
                pins: part,
                licences: beside == Beside::Licences,
            };
            let answer: Answer = self.client.post("judge", &question).await?;
            anyhow::ensure!(
                answer.pins.len() == part.len(),
                "the gateway answers {} of {} questions",
                answer.pins.len(),
                part.len()
            );
            judged.extend(answer.pins);
        }
        Ok(judged)
    }
}
