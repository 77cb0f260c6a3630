//! What a gateway and a page say, as what is known, and whom what is missing may be with.

use std::sync::Arc;

use portcullis_core::pypi::simple::{PageFile, ProjectStatus, Yanked};
use portcullis_core::pypi::version::VersionSpecifiers;
use serde_json::{Value, json};

use super::*;

fn pin(version: Option<&str>, indexes: &[&str]) -> Pin {
    Pin {
        project: "foo".parse().expect("a name"),
        version: version.map(|version| version.parse().expect("a version")),
        wanted: VersionSpecifiers::empty(),
        hashes: vec!["d".repeat(64).parse().expect("a digest")],
        files: vec!["http://a.example/foo-1.0%2B1.whl#sha256=0".to_owned()],
        path: "requirements.txt".to_owned(),
        at: 0..3,
        indexes: indexes.iter().map(|index| (*index).to_owned()).collect(),
    }
}

fn judged(more: Value) -> Judged {
    let mut answer =
        json!({ "project": "foo", "version": "1.0", "decision": "allow", "has-project": true });
    let all = answer.as_object_mut().expect("an object");
    all.extend(more.as_object().expect("an object").clone());
    serde_json::from_value(answer).expect("an answer")
}

/// What is known of the release and of the project, in a word each.
fn said(known: &OfPin) -> (String, String) {
    let release = match &known.release {
        Fact::Known(release) => match (&release.refused, &release.yanked, release.exists) {
            (Some(_), _, _) => "refused".to_owned(),
            (None, Some(_), _) => "yanked".to_owned(),
            (None, None, exists) => format!("exists {exists}"),
        },
        Fact::Unknown(why) => why.to_string(),
    };
    let project = match &known.project {
        Fact::Known(project) => match &project.status {
            Some((status, _)) => status.clone(),
            None => format!("exists {}", project.exists),
        },
        Fact::Unknown(why) => why.to_string(),
    };
    (release, project)
}

#[test]
fn what_a_gateway_says_becomes_what_is_known() {
    let refused =
        json!({ "decision": "hold", "sentence": "Portcullis holds foo 1.0: it is young" });
    for (answer, doubt, release, project) in [
        (json!({}), None, "exists true", "exists true"),
        (refused.clone(), None, "refused", "exists true"),
        // A refusal is one, wherever the release was locked from.
        (refused, Some("elsewhere"), "refused", "exists true"),
        (json!({ "yanked": "" }), None, "yanked", "exists true"),
        (
            json!({ "yanked": "" }),
            Some("elsewhere"),
            "exists true",
            "exists true",
        ),
        (
            json!({ "decision": "absent" }),
            None,
            "exists false",
            "exists true",
        ),
        (
            json!({ "decision": "absent" }),
            Some("elsewhere"),
            "elsewhere",
            "exists true",
        ),
        (
            json!({ "decision": "absent", "has-project": false }),
            None,
            "no index has the project",
            "exists false",
        ),
        (
            json!({ "decision": "absent", "has-project": false }),
            Some("elsewhere"),
            "elsewhere",
            "elsewhere",
        ),
        (
            json!({ "decision": "unknown", "unknown": "it is down", "has-project": null }),
            None,
            "it is down",
            "it is down",
        ),
        (
            json!({ "status": { "status": "archived", "reason": null } }),
            None,
            "exists true",
            "archived",
        ),
        (
            json!({ "status": { "status": "active", "reason": null } }),
            None,
            "exists true",
            "exists true",
        ),
    ] {
        let known = of_gateway(&judged(answer.clone()), doubt);
        let expected = (release.to_owned(), project.to_owned());
        assert_eq!(said(&known), expected, "{answer} {doubt:?}");
    }
}

fn page() -> ProjectPage {
    let mut page = ProjectPage::empty("foo".parse().expect("a name"));
    for (filename, digit, yanked) in [
        (
            "foo-1.0-py3-none-any.whl",
            "a",
            Yanked::Because("it deletes files".into()),
        ),
        ("foo-1.0.tar.gz", "b", Yanked::Yes),
        ("foo-1.1.tar.gz", "d", Yanked::No),
    ] {
        let mut file = PageFile::new(filename, "http://a.example/f");
        file.hashes.insert("sha256".into(), digit.repeat(64).into());
        file.yanked = yanked;
        page.files.push(file);
    }
    page
}

#[test]
fn what_a_page_says_becomes_what_is_known() {
    let mut quarantined = page();
    quarantined.status = Some(ProjectStatus {
        status: "quarantined".into(),
        reason: None,
    });
    let there = || Ok(Some(Arc::new(page())));
    let cases: [(Said, &str, Option<&str>, &str, &str); 7] = [
        (there(), "1.0", None, "yanked", "exists true"),
        (there(), "1.1", None, "exists true", "exists true"),
        (there(), "9", None, "exists false", "exists true"),
        (there(), "9", Some("elsewhere"), "elsewhere", "elsewhere"),
        (
            Ok(None),
            "1.0",
            None,
            "no index has the project",
            "exists false",
        ),
        (
            Err("it is down".to_owned()),
            "1.0",
            None,
            "it is down",
            "it is down",
        ),
        (
            Ok(Some(Arc::new(quarantined))),
            "1.1",
            None,
            "exists true",
            "quarantined",
        ),
    ];
    for (page, version, doubt, release, project) in cases {
        let known = of_page(&pin(Some(version), &[]), &page, doubt);
        let expected = (release.to_owned(), project.to_owned());
        assert_eq!(said(&known), expected, "{version} {doubt:?}");
    }
    let known = release_on(&page(), &"1.0".parse().expect("a version"), &pin(None, &[]));
    assert_eq!(known.yanked.as_deref(), Some("it deletes files"));
    assert_eq!(known.files.len(), 2);
    assert_eq!(
        known.elsewhere,
        [("d".repeat(64), "foo-1.1.tar.gz".to_owned())]
    );
}

#[test]
fn a_page_without_all_digests_says_nothing_of_hashes() {
    let mut page = page();
    page.files[1].hashes.clear();
    let known = release_on(&page, &"1.0".parse().expect("a version"), &pin(None, &[]));
    assert!(known.exists && known.files.is_empty());
}

#[test]
fn what_is_missing_may_be_on_an_index_that_was_not_asked() {
    let asks = |looks_elsewhere| Asks {
        roots: vec!["http://a.example/simple/".to_owned()],
        looks_elsewhere,
    };
    for (indexes, looks_elsewhere, is_doubted) in [
        (&[][..], false, false),
        (&[], true, true),
        (&["http://u:p@A.example/simple"], true, false),
        (&["http://b.example/simple"], false, true),
        (&["acme"], false, true),
    ] {
        let doubt = asks(looks_elsewhere).doubt(&pin(None, indexes));
        assert_eq!(doubt.is_some(), is_doubted, "{indexes:?}");
    }
    let secret = asks(false).doubt(&pin(None, &["http://u:secret@b.example/"]));
    assert!(!secret.expect("a doubt").contains("secret"));
}

#[test]
fn a_question_names_files_as_an_index_does() {
    let asked = question(&pin(Some("1.0"), &[]));
    assert_eq!(asked.filenames, ["foo-1.0+1.whl"]);
    assert_eq!(asked.hashes, ["d".repeat(64)]);
    let mut wanted = pin(None, &[]);
    wanted.wanted = ">=1, <2".parse().expect("specifiers");
    assert_eq!(question(&wanted).versions.as_deref(), Some(">=1, <2"));
}
