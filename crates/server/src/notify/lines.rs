//! Events as lines of JSON, on disk before they count as told. Files are only appended to: whoever
//! rotates them may move them away at any time.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use portcullis_store::events::Event;

use super::NotTold;
use crate::config::LinesPlace;

/// Where lines go.
pub(super) struct Lines(LinesPlace);

impl Lines {
    pub(super) fn open(place: &LinesPlace) -> Self {
        Self(place.clone())
    }

    pub(super) async fn tell(&self, event: &Event) -> Result<(), NotTold> {
        let line = format!("{}\n", event.to_json());
        let place = self.0.clone();
        let written = tokio::task::spawn_blocking(move || match place {
            LinesPlace::StandardOutput => {
                let mut out = std::io::stdout().lock();
                out.write_all(line.as_bytes()).and_then(|()| out.flush())
            }
            LinesPlace::File(path) => append(&path, line.as_bytes()),
        });
        let written = written.await.map_err(NotTold::because)?;
        written.map_err(|error| match &self.0 {
            LinesPlace::StandardOutput => NotTold::because(error),
            LinesPlace::File(path) => NotTold::because(format!("{}: {error}", path.display())),
        })
    }
}

fn append(path: &Path, line: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(line)?;
    file.sync_data()
}
