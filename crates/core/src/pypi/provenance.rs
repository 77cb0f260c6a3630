//! Who published a file, as the provenance object of its index says (PEP 740). Signatures are not
//! verified here, and what an attestation states beside the publisher is not read.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

/// The largest provenance object that is read, in bytes.
pub const MAX_PROVENANCE: usize = 4 << 20;

/// The claims that make up a publisher's identity; others, such as an environment, come and go.
const IDENTITY: &[&str] = &[
    "repository",
    "workflow",
    "workflow_filepath",
    "email",
    "sub",
];

/// A Trusted Publisher: its kind, such as `GitHub`, and the claims by which it is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Publisher {
    kind: String,
    claims: BTreeMap<String, String>,
}

impl fmt::Display for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        for claim in IDENTITY.iter().filter_map(|key| self.claims.get(*key)) {
            write!(f, " {claim}")?;
        }
        Ok(())
    }
}

/// Why a provenance object could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidProvenance {
    /// It is larger than [`MAX_PROVENANCE`].
    #[error("the provenance is larger than {MAX_PROVENANCE} bytes")]
    TooLarge,
    /// It is not JSON, or not a provenance object.
    #[error("not a provenance object (PEP 740): {0}")]
    Malformed(&'static str),
}

/// The publishers that a provenance object names, sorted and each once. An object without attestations
/// names none.
///
/// # Errors
/// [`InvalidProvenance`].
pub fn publishers(bytes: &[u8]) -> Result<Vec<Publisher>, InvalidProvenance> {
    if bytes.len() > MAX_PROVENANCE {
        return Err(InvalidProvenance::TooLarge);
    }
    let object: Value =
        serde_json::from_slice(bytes).map_err(|_| InvalidProvenance::Malformed("not JSON"))?;
    let bundles = object
        .get("attestation_bundles")
        .and_then(Value::as_array)
        .ok_or(InvalidProvenance::Malformed("no attestation_bundles"))?;
    let mut publishers = bundles
        .iter()
        .map(|bundle| publisher(&bundle["publisher"]))
        .collect::<Result<Vec<_>, _>>()?;
    publishers.sort();
    publishers.dedup();
    Ok(publishers)
}

fn publisher(value: &Value) -> Result<Publisher, InvalidProvenance> {
    let kind = value["kind"]
        .as_str()
        .ok_or(InvalidProvenance::Malformed("a publisher without kind"))?;
    let claim = |key: &&str| {
        let text = value[*key].as_str()?;
        Some(((*key).to_owned(), text.to_owned()))
    };
    Ok(Publisher {
        kind: kind.to_owned(),
        claims: IDENTITY.iter().filter_map(claim).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(publishers: &[&str]) -> Vec<u8> {
        let bundles: Vec<String> = publishers
            .iter()
            .map(|publisher| format!("{{\"publisher\": {publisher}, \"attestations\": []}}"))
            .collect();
        format!(
            "{{\"version\": 1, \"attestation_bundles\": [{}]}}",
            bundles.join(", ")
        )
        .into_bytes()
    }

    const GITHUB: &str = r#"{"kind": "GitHub", "repository": "acme/flask",
        "workflow": "release.yml", "environment": null, "claims": null}"#;

    #[test]
    fn a_publisher_is_its_kind_and_its_identity() {
        let one = publishers(&object(&[GITHUB, GITHUB])).expect("sound");
        assert_eq!(one.len(), 1);
        assert_eq!(one[0].to_string(), "GitHub acme/flask release.yml");
        let elsewhere = GITHUB.replace("acme/flask", "mallory/flask");
        let other = publishers(&object(&[&elsewhere])).expect("sound");
        assert_ne!(one, other);
        let another_environment = GITHUB.replace("null", "\"pypi\"");
        assert_eq!(
            one,
            publishers(&object(&[&another_environment])).expect("sound")
        );
        assert!(publishers(&object(&[])).expect("sound").is_empty());
    }

    #[test]
    fn what_is_no_provenance_is_refused() {
        for text in ["", "[]", "{}", "{\"attestation_bundles\": 1}"] {
            assert!(publishers(text.as_bytes()).is_err(), "{text}");
        }
        assert!(publishers(&object(&["1"])).is_err());
        assert!(publishers(&object(&["{\"kind\": 1}"])).is_err());
        assert_eq!(
            publishers(&vec![b' '; MAX_PROVENANCE + 1]),
            Err(InvalidProvenance::TooLarge)
        );
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = publishers(&bytes);
        }
    }
}
