//! How OSV publishes the advisories of an ecosystem: a folder with `all.zip`, `modified_id.csv`, and
//! `<ID>.json` for each record. Nothing in here is asked; these are names and one small format.

use url::Url;

/// What a URL of a feed of advisories leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remote {
    /// A folder as OSV publishes one for each ecosystem.
    Folder(Url),
    /// One document: a zip of records, or a record.
    Document(Url),
}

impl Remote {
    /// A URL whose path ends in a slash is a folder.
    pub fn of(url: Url) -> Self {
        match url.path().ends_with('/') {
            true => Self::Folder(url),
            false => Self::Document(url),
        }
    }

    /// The document that has everything.
    pub fn everything(&self) -> Url {
        match self {
            Self::Folder(base) => within(base, "all.zip"),
            Self::Document(url) => url.clone(),
        }
    }

    /// The list of what changed when, where there is one.
    pub fn modified_ids(&self) -> Option<Url> {
        match self {
            Self::Folder(base) => Some(within(base, "modified_id.csv")),
            Self::Document(_) => None,
        }
    }

    /// Where one record is, where records can be asked for one by one.
    pub fn record(&self, id: &str) -> Option<Url> {
        match self {
            Self::Folder(base) if is_id(id) => Some(within(base, &format!("{id}.json"))),
            _ => None,
        }
    }
}

fn within(base: &Url, name: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{name}", base.path()));
    url
}

/// Ids have letters, digits and a few signs, so that none leads out of its folder.
fn is_id(id: &str) -> bool {
    let is_sign = |byte: u8| matches!(byte, b'-' | b'_' | b'.' | b':');
    (1..=128).contains(&id.len())
        && !id.starts_with('.')
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || is_sign(byte))
}

/// A line of `modified_id.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModifiedId<'t> {
    /// When the record was last changed, as it stands there (RFC 3339).
    pub modified: &'t str,
    /// The record's id.
    pub id: &'t str,
}

/// The lines of a `modified_id.csv`: `time,ID` or, in the one for all ecosystems, `time,ECOSYSTEM/ID`.
/// Lines that are neither are passed over.
pub fn modified_ids(text: &str) -> impl Iterator<Item = ModifiedId<'_>> {
    text.lines().filter_map(|line| {
        let (modified, id) = line.trim_end().split_once(',')?;
        let id = match id.split_once('/') {
            Some(("PyPI", id)) => id,
            Some(_) => return None,
            None => id,
        };
        is_id(id).then_some(ModifiedId { modified, id })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_folder_has_everything_and_each_record() {
        let base: Url = "https://feeds.example/PyPI/".parse().expect("a URL");
        let remote = Remote::of(base);
        assert_eq!(
            remote.everything().as_str(),
            "https://feeds.example/PyPI/all.zip"
        );
        let record = remote.record("PYSEC-2024-1").map(String::from);
        assert_eq!(
            record.as_deref(),
            Some("https://feeds.example/PyPI/PYSEC-2024-1.json")
        );
        for id in ["../x", "", ".x", "a/b", "a?b", "a b"] {
            assert_eq!(remote.record(id), None, "{id:?}");
        }
        let single = Remote::of("https://feeds.example/dump.zip".parse().expect("a URL"));
        assert_eq!(single.modified_ids(), None);
        assert_eq!(
            single.everything().as_str(),
            "https://feeds.example/dump.zip"
        );
    }

    #[test]
    fn lines_that_name_no_record_of_ours_are_passed_over() {
        let text = "2026-01-02T00:00:00Z,PYSEC-1\n\nnonsense\n2026-01-01T00:00:00Z,npm/GHSA-x\n\
                    2026-01-01T00:00:00Z,PyPI/GHSA-y\r\n2026-01-01T00:00:00Z,../../x\n";
        let ids: Vec<&str> = modified_ids(text).map(|line| line.id).collect();
        assert_eq!(ids, ["PYSEC-1", "GHSA-y"]);
    }

    proptest! {
        #[test]
        fn no_id_leads_out_of_its_folder(id in any::<String>()) {
            let base: Url = "https://feeds.example/PyPI/".parse().expect("a URL");
            if let Some(url) = Remote::of(base).record(&id) {
                prop_assert!(url.as_str().starts_with("https://feeds.example/PyPI/"));
                prop_assert!(url.as_str().ends_with(".json"));
                prop_assert_eq!(url.path().matches('/').count(), 2);
            }
        }
    }
}
