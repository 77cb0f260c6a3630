//! What comes of a file, by what the index, the record and the bytes say of it.

use super::*;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn item(filename: Option<&str>, sha256: Option<&str>) -> Item {
    Item {
        project: "foo".parse().expect("a name"),
        version: "1.0".parse().ok(),
        filename: filename.map(str::to_owned),
        sha256: sha256.map(|digest| digest.parse().expect("a digest")),
    }
}

fn listed(version: &str, sha256: Option<&str>, recorded: Option<&str>) -> Listed {
    Listed {
        version: version.parse().ok(),
        sha256: sha256.map(str::to_owned),
        recorded: recorded.map(str::to_owned),
        is_listed: true,
    }
}

fn files(all: &[(&str, Listed)]) -> Files {
    let each = all.iter();
    Ok(each
        .map(|(name, listed)| ((*name).to_owned(), listed.clone()))
        .collect())
}

#[test]
fn a_file_is_verified_only_where_everybody_agrees() {
    let gone = Listed {
        recorded: Some(A.to_owned()),
        ..Listed::default()
    };
    for (known, item, expected) in [
        (
            files(&[("f", listed("1.0", Some(A), None))]),
            item(Some("f"), Some(A)),
            "verified",
        ),
        (
            files(&[("f", listed("1.0", Some(A), Some(A)))]),
            item(Some("f"), Some(A)),
            "verified",
        ),
        (
            files(&[("f", listed("1.0", Some(B), None))]),
            item(Some("f"), Some(A)),
            "different",
        ),
        (
            files(&[("f", listed("1.0", Some(A), Some(B)))]),
            item(Some("f"), Some(A)),
            "different",
        ),
        (
            files(&[("f", listed("1.0", None, None))]),
            item(Some("f"), Some(A)),
            "unknown",
        ),
        (
            files(&[("f", listed("1.0", Some(A), None))]),
            item(Some("f"), None),
            "unknown",
        ),
        (
            files(&[("f", gone.clone())]),
            item(Some("f"), Some(A)),
            "missing",
        ),
        (files(&[("f", gone)]), item(Some("f"), Some(B)), "different"),
        (files(&[]), item(Some("f"), Some(A)), "missing"),
        (
            Err("it is down".to_owned()),
            item(Some("f"), Some(A)),
            "unknown",
        ),
        (
            files(&[("f", listed("1.0", Some(A), None))]),
            item(None, Some(A)),
            "verified",
        ),
        (
            files(&[("f", listed("1.0", Some(A), Some(B)))]),
            item(None, Some(A)),
            "different",
        ),
        (
            files(&[("f", listed("0.9", Some(A), None))]),
            item(None, Some(A)),
            "different",
        ),
        (
            files(&[("f", listed("1.0", Some(B), None))]),
            item(None, Some(A)),
            "missing",
        ),
        (
            files(&[("f", listed("1.0", None, None))]),
            item(None, Some(A)),
            "unknown",
        ),
    ] {
        let outcome = outcome(&item, Some(&known), &BTreeMap::new());
        assert_eq!(word(&outcome), expected, "{known:?} {item:?}");
    }
}

#[test]
fn what_was_fetched_counts_more_than_what_is_said() {
    let known = files(&[
        ("f", listed("1.0", Some(A), None)),
        ("g", listed("1.0", None, None)),
    ]);
    for (name, fetched, expected) in [
        ("f", Ok(A), "verified"),
        ("f", Ok(B), "different"),
        ("f", Err("it broke off"), "unknown"),
        ("g", Ok(A), "verified"),
    ] {
        let digest = fetched.map(|text| text.parse().expect("a digest"));
        let key = ("foo".parse().expect("a name"), name.to_owned());
        let bytes = BTreeMap::from([(key, digest.map_err(str::to_owned))]);
        let outcome = outcome(&item(Some(name), Some(A)), Some(&known), &bytes);
        assert_eq!(word(&outcome), expected, "{name} {fetched:?}");
    }
}

#[test]
fn findings_weigh_more_than_what_is_not_known() {
    let why = String::new;
    let unknown = Outcome::Unknown { why: why() };
    let missing = Outcome::Missing { why: why() };
    for (outcomes, expected) in [
        (vec![], Exit::Clean),
        (vec![Outcome::Verified], Exit::Clean),
        (vec![Outcome::Verified, unknown.clone()], Exit::Undecided),
        (vec![unknown, missing], Exit::Findings),
    ] {
        assert_eq!(exit(outcomes.iter()), expected, "{outcomes:?}");
    }
}
