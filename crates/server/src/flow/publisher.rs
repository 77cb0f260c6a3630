//! Whether a release comes from whom the release before came from, by what their attestations say (PEP
//! 740). Asked only where a release waits although it fixes a vulnerability; what was learned is
//! remembered. Signatures are not verified here.

use std::sync::Arc;

use portcullis_core::fact::{Fact, PublisherStanding};
use portcullis_core::pypi::filename::DistKind;
use portcullis_core::pypi::provenance::{self, Publisher};
use portcullis_core::pypi::simple::{PageFile, Provenance, Yanked};
use portcullis_core::pypi::version::Version;
use portcullis_upstream::client::Fetched;
use tracing::debug;

use crate::app::App;
use crate::source_page::SourcePage;
use crate::sources::{Source, Upstream};

/// How PEP 740's integrity API names its answer; indexes that serve plain JSON are understood as well.
const ACCEPT: &str = "application/vnd.pypi.integrity.v1+json, application/json;q=0.9";

/// What is known of the publishers of a file: sorted, empty when it is not attested. A text says why
/// it is not known.
pub type Publishers = Result<Vec<Publisher>, Arc<str>>;

/// Compares the publisher of a release with that of the newest release before it.
pub async fn standing(
    app: &Arc<App>,
    page: &SourcePage,
    version: &Version,
) -> Fact<PublisherStanding> {
    let Source::Upstream(upstream) = &**app.source(&page.origin.source) else {
        return Fact::Unknown("its source has no attestations".into());
    };
    let Some(before) = release_before(page, version) else {
        return Fact::Known(PublisherStanding::NotComparable);
    };
    let publishers = async |version: &Version| -> Publishers {
        match attested_file(page, version) {
            Some((file, url)) => publishers_of(app, upstream, &file.filename, url).await,
            None => Ok(Vec::new()),
        }
    };
    let (now, before) = match (publishers(version).await, publishers(before).await) {
        (Ok(now), Ok(before)) => (now, before),
        (Err(why), _) | (_, Err(why)) => return Fact::Unknown(why.to_string().into()),
    };
    Fact::Known(compared(&before, &now))
}

fn compared(before: &[Publisher], now: &[Publisher]) -> PublisherStanding {
    let (Some(first_before), first_now) = (before.first(), now.first()) else {
        return PublisherStanding::NotComparable;
    };
    match (
        now.iter().find(|publisher| before.contains(publisher)),
        first_now,
    ) {
        (Some(same), _) => PublisherStanding::Same(same.clone()),
        (None, Some(now)) => PublisherStanding::Changed {
            before: first_before.clone(),
            now: now.clone(),
        },
        (None, None) => PublisherStanding::NoLongerAttested(first_before.clone()),
    }
}

/// The newest release below `version` that is neither yanked nor a pre-release.
fn release_before<'p>(page: &'p SourcePage, version: &Version) -> Option<&'p Version> {
    let candidates = page.facts.iter().filter(|file| file.yanked == Yanked::No);
    candidates
        .filter_map(|file| file.version.known())
        .filter(|other| *other < version && !other.any_prerelease())
        .max()
}

/// A file of a release with a provenance object, a wheel rather than anything else.
fn attested_file<'p>(page: &'p SourcePage, version: &Version) -> Option<(&'p PageFile, &'p str)> {
    let files = page.page.files.iter().zip(&page.facts);
    let of_release = files.filter(|(_, facts)| facts.version.known() == Some(version));
    let attested = of_release.filter_map(|(file, facts)| match &file.provenance {
        Provenance::Url(url) => Some((file, facts, &**url)),
        Provenance::Absent | Provenance::None => None,
    });
    attested
        .min_by_key(|(_, facts, _)| !matches!(facts.kind, DistKind::Wheel(_)))
        .map(|(file, _, url)| (file, url))
}

async fn publishers_of(
    app: &Arc<App>,
    upstream: &Arc<Upstream>,
    filename: &Arc<str>,
    url: &str,
) -> Publishers {
    let key = (upstream.origin.source.clone(), Arc::clone(filename));
    if let Some(known) = app.publishers.get(&key) {
        return known;
    }
    let learned = fetch(upstream, url).await.map_err(|why| {
        debug!(%filename, url, "no attestations of {filename}: {why}");
        Arc::from(why)
    });
    app.publishers.insert(key, learned.clone());
    learned
}

async fn fetch(upstream: &Upstream, url: &str) -> Result<Vec<Publisher>, String> {
    let source = &upstream.source;
    let url = source.root().join(url).map_err(|error| error.to_string())?;
    let limit = provenance::MAX_PROVENANCE as u64;
    match source.client().fetch(&url, ACCEPT, None, limit).await {
        Ok(Fetched::Document(document)) => {
            provenance::publishers(&document.bytes).map_err(|error| error.to_string())
        }
        Ok(Fetched::Absent | Fetched::NotModified) => {
            Err("the index does not have the attestations that its page names".to_owned())
        }
        Err(error) => Err(format!("its attestations cannot be had: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn publisher(repository: &str) -> Publisher {
        let object = format!(
            r#"{{"attestation_bundles": [{{"publisher": {{"kind": "GitHub", "repository": "{repository}"}}}}]}}"#
        );
        provenance::publishers(object.as_bytes())
            .expect("sound")
            .remove(0)
    }

    #[test]
    fn publishers_are_compared_with_those_before() {
        let (acme, other) = (publisher("acme/x"), publisher("mallory/x"));
        let one = std::slice::from_ref;
        assert_eq!(compared(&[], one(&acme)), PublisherStanding::NotComparable);
        assert_eq!(
            compared(&[acme.clone(), other.clone()], one(&acme)),
            PublisherStanding::Same(acme.clone())
        );
        assert_eq!(
            compared(one(&acme), &[]),
            PublisherStanding::NoLongerAttested(acme.clone())
        );
        assert_eq!(
            compared(one(&acme), one(&other)),
            PublisherStanding::Changed {
                before: acme,
                now: other
            }
        );
    }
}
