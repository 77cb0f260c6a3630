//! `portcullis exposure`: who received it. Reads the download records page by page, once for the
//! summary and once for the rows, so that millions of them need no memory.

use std::str::FromStr;

use clap::{Args, ValueEnum};
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_core::pypi::version::Version;
use portcullis_core::time::Timestamp;
use portcullis_store::Db;
use portcullis_store::downloads::{DownloadKind, RecordedDownload};
use portcullis_store::exposure::{After, Exposed, Window, downloads};

mod rows;
mod summary;

use crate::context::{Absence, Place, now, wait_for};
use crate::exit::Exit;
use crate::moment;
use summary::Summary;

/// How many rows are read at once.
const PAGE: u32 = 1000;

/// Say who received a release or a file
///
/// Counts what was received as a whole; requests for metadata alone are counted apart.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis exposure 'litellm>=1.82.7,<=1.82.8' --from 2026-03-24"
)]
pub struct Exposure {
    #[command(flatten)]
    place: Place,
    /// A requirement, such as flask or 'flask>=3,<4', or sha256:HEX for one content
    #[arg(value_name = "REQUIREMENT|sha256:HEX")]
    subject: Asked,
    /// From this date or RFC 3339 time on
    #[arg(long, value_name = "TIME", value_parser = moment::beginning)]
    from: Option<Timestamp>,
    /// Up to this date (the whole day) or RFC 3339 time
    #[arg(long, value_name = "TIME", value_parser = moment::end)]
    to: Option<Timestamp>,
    /// Show at most so many rows as text; csv and json have all of them
    #[arg(long, value_name = "N", default_value_t = 200)]
    limit: usize,
    /// The form of the answer
    #[arg(long, value_enum, default_value_t)]
    format: Form,
}

/// The form of the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people
    #[default]
    Text,
    /// One JSON document, for programs
    Json,
    /// Comma-separated values with a head (RFC 4180)
    Csv,
}

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    /// Releases of a project.
    Releases(Requirement),
    /// One content, whatever it was called.
    Content(Sha256),
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("sha256:") {
            Some(digest) => digest
                .parse()
                .map(Self::Content)
                .map_err(|error| format!("{error}")),
            None => text
                .parse()
                .map(Self::Releases)
                .map_err(|error| format!("{error}")),
        }
    }
}

impl std::fmt::Display for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Releases(requirement) => write!(f, "{requirement}"),
            Self::Content(digest) => write!(f, "sha256:{digest}"),
        }
    }
}

impl Asked {
    /// Whether the row is about it. A file whose name gives no version is meant when no versions are
    /// told apart.
    fn means(&self, row: &RecordedDownload) -> bool {
        let Self::Releases(requirement) = self else {
            return true;
        };
        let version = row.download.version.as_deref();
        match version.and_then(|version| Version::from_str(version).ok()) {
            Some(version) => requirement.matches(&version),
            None => requirement.specifiers.is_empty(),
        }
    }
}

/// A span of time, its end exclusive.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: Timestamp,
    to: Timestamp,
}

impl Exposure {
    /// Answers.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(self.answer())
    }

    async fn answer(self) -> anyhow::Result<Exit> {
        let opened = self.place.database(Absence::Refused).await?;
        // The end is fixed, so that both passes see the same rows while others are downloading.
        let span = Span {
            from: self.from.unwrap_or(Timestamp::from_millis(0)),
            to: self.to.unwrap_or_else(|| now().plus_millis(1)),
        };
        let mut summary = Summary::default();
        each(&opened.db, &self.subject, span, |row| {
            summary.add(row);
            Ok(Go::On)
        })
        .await?;
        match self.format {
            Form::Text => rows::text(&opened.db, &self.subject, span, &summary, self.limit).await?,
            Form::Json => rows::json(&opened.db, &self.subject, span, &summary).await?,
            Form::Csv => rows::csv(&opened.db, &self.subject, span).await?,
        }
        opened.db.close().await;
        Ok(Exit::Clean)
    }
}

/// Whether more rows are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Go {
    On,
    Enough,
}

/// Calls `act` with every row that is meant, in the order of time.
async fn each(
    db: &Db,
    subject: &Asked,
    span: Span,
    mut act: impl FnMut(&RecordedDownload) -> anyhow::Result<Go>,
) -> anyhow::Result<()> {
    let exposed = match subject {
        Asked::Releases(requirement) => Exposed::Project(&requirement.name),
        Asked::Content(digest) => Exposed::Content(digest),
    };
    let mut window = Window {
        from: span.from,
        to: span.to,
        after: None,
        limit: PAGE,
    };
    loop {
        let page = downloads(db, &exposed, window).await?;
        for row in page.iter().filter(|row| subject.means(row)) {
            if act(row)? == Go::Enough {
                return Ok(());
            }
        }
        let Some(last) = page.last() else {
            return Ok(());
        };
        window.after = Some(After {
            at: last.download.at,
            id: last.id,
        });
    }
}

fn is_received(row: &RecordedDownload) -> bool {
    row.download.kind == DownloadKind::File
}

/// Who it was: the token that was shown, or else the address.
fn identity(row: &RecordedDownload) -> &str {
    let download = &row.download;
    let shown = download
        .token
        .as_deref()
        .or(download.client_addr.as_deref());
    shown.unwrap_or("unknown")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_and_content_can_be_asked_about() {
        let digest = "ab".repeat(32);
        for (text, expected) in [
            ("Flask>=3", "flask>=3"),
            (&format!("sha256:{digest}"), &format!("sha256:{digest}")),
        ] {
            assert_eq!(text.parse::<Asked>().expect(text).to_string(), expected);
        }
        for text in ["", "sha256:", "sha256:xyz", "flask=3", "sha1:00"] {
            assert!(text.parse::<Asked>().is_err(), "{text:?}");
        }
    }
}
