//! Feeds that are one document: whether it is what it should be, how many entries it has, and how old
//! it says it is.

use portcullis_core::advisory::{EpssScores, ExploitedCatalogue};
use portcullis_core::similarity::PopularNames;
use portcullis_core::time::Timestamp;
use serde::Deserialize;

use crate::config::FeedKind;

/// What a document has, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// How many entries can be read.
    pub records: u64,
    /// How many cannot.
    pub skipped: u64,
}

/// Reads a document to see whether it is of this kind.
///
/// # Errors
/// A sentence when it is not.
pub fn check_document(kind: FeedKind, document: &[u8]) -> Result<Checked, String> {
    let (records, skipped) = match kind {
        FeedKind::Kev => {
            let read = ExploitedCatalogue::read(document).map_err(|error| error.to_string())?;
            (read.len(), read.left_out())
        }
        FeedKind::Epss => {
            let read = EpssScores::read(document).map_err(|error| error.to_string())?;
            (read.len(), read.left_out())
        }
        FeedKind::PopularNames => {
            let read = PopularNames::parse(document).map_err(|error| error.to_string())?;
            (read.len(), 0)
        }
        FeedKind::Osv => return Err("advisories are no single document".to_owned()),
    };
    Ok(Checked {
        records: records as u64,
        skipped: skipped as u64,
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Released {
    date_released: String,
}

/// When a document was made, as it says itself: `dateReleased` of a catalogue of exploited
/// vulnerabilities, and `score_date` in the comment before exploit scores. Lists of names do not say.
pub fn newest_of(kind: FeedKind, document: &[u8]) -> Option<Timestamp> {
    match kind {
        FeedKind::Kev => {
            let released: Released = serde_json::from_slice(document).ok()?;
            moment(&released.date_released)
        }
        FeedKind::Epss => {
            let line = document.split(|byte| *byte == b'\n').next()?;
            let comment = std::str::from_utf8(line).ok()?.strip_prefix('#')?;
            let parts = comment.split(',').map(str::trim);
            parts
                .filter_map(|part| part.strip_prefix("score_date:"))
                .find_map(moment)
        }
        FeedKind::Osv | FeedKind::PopularNames => None,
    }
}

/// A moment, where its offset may have no colon (`+0000`), as it has in tables of scores.
fn moment(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let parsed = text.parse().ok();
    parsed.or_else(|| format!("{}Z", text.strip_suffix("+0000")?).parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_says_how_old_it_is_or_nothing() {
        for (kind, document, expected) in [
            (
                FeedKind::Kev,
                r#"{"dateReleased":"2026-11-20T15:00:00.0000Z","vulnerabilities":[]}"#,
                Some("2026-11-20T15:00:00Z"),
            ),
            (FeedKind::Kev, "[]", None),
            (
                FeedKind::Epss,
                "#model_version:v2026.03.14,score_date:2026-11-20T00:00:00+0000\ncve,epss\n",
                Some("2026-11-20T00:00:00Z"),
            ),
            (
                FeedKind::Epss,
                "#score_date:2026-11-20T12:00:00Z\n",
                Some("2026-11-20T12:00:00Z"),
            ),
            (FeedKind::Epss, "cve,epss,percentile\n", None),
            (FeedKind::PopularNames, "pip\n", None),
        ] {
            let expected = expected.map(|text| text.parse().expect(text));
            assert_eq!(newest_of(kind, document.as_bytes()), expected, "{document}");
        }
    }

    #[test]
    fn an_error_page_is_no_document_of_any_kind() {
        for kind in FeedKind::ALL {
            let page = b"<html><body>Sign in</body></html>";
            assert!(check_document(kind, page).is_err(), "{kind}");
        }
        let scores = check_document(FeedKind::Epss, b"cve,epss\nCVE-2026-0001,0.5\nx\n");
        let expected = Checked {
            records: 1,
            skipped: 1,
        };
        assert_eq!(scores, Ok(expected));
    }
}
