//! [`Judge`]: who judges releases: a gateway elsewhere, or the one beside us.

use std::sync::Arc;

use portcullis_server::App;
use portcullis_server::http::api::judge::{JudgeRequest, answered};
use serde_json::json;
use url::Url;

use super::answer::{Answer, Judged};
use super::ask::{Beside, QuestionPin};
use super::find::{Found, find, find_named};
use crate::context::Place;
use crate::exit::failure;

/// Who judges.
pub enum Judge {
    /// A gateway, through its API.
    There(Box<Found>),
    /// The gateway whose data is here.
    Here(Arc<App>),
}

impl Judge {
    /// The gateway that is named or in `PORTCULLIS_URL`, or the one beside us, or the one that installers use.
    pub async fn open(named: Option<&Url>, place: &Place) -> anyhow::Result<Self> {
        if let Some(found) = find_named(named).await? {
            return Ok(Self::There(Box::new(found)));
        }
        let here = match place.gateway().await {
            Ok(app) => return Ok(Self::Here(app)),
            Err(error) => error,
        };
        match find(None).await? {
            Some(found) => Ok(Self::There(Box::new(found))),
            // Who names a gateway that is here wants to know what is wrong with it.
            None if place.config.is_some() || place.data.is_some() => Err(here),
            None => Err(failure(
                "there is no gateway to ask",
                "name one with --gateway URL or PORTCULLIS_URL, or its data with --data DIR",
            )),
        }
    }

    /// What is said of every pin, in their order, of the index that is named.
    pub async fn judge(
        &self,
        index: Option<&str>,
        pins: &[QuestionPin],
    ) -> anyhow::Result<Vec<Judged>> {
        match self {
            Self::There(found) => found.judge_in(index, pins, Beside::Nothing).await,
            Self::Here(app) => {
                let question = json!({ "index": index, "pins": pins });
                let question: JudgeRequest = serde_json::from_value(question)?;
                let base = match &app.config.public_url {
                    Some(url) => url.as_str().trim_end_matches('/').to_owned(),
                    None => format!("http://{}", app.config.listen),
                };
                let value = answered(app, question, &base).await?;
                let answer: Answer = serde_json::from_value(value)?;
                Ok(answer.pins)
            }
        }
    }

    /// Lets go of what was opened.
    pub async fn close(&self) {
        if let Self::Here(app) = self {
            app.db.close().await;
        }
    }
}
