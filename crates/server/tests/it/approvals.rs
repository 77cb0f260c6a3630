//! An index that serves only what was approved, filters that leave files out, and conditions of one's own.

use portcullis_core::approval::ApprovalOrigin;
use portcullis_core::approval::import::{Latitude, propose};
use portcullis_core::pypi::lockfile;
use portcullis_fixtures::{FixtureIndex, ListedFile, wheel};
use portcullis_store::approvals::{self, Act, NewApproval, Which};

use crate::test_app::{Setup, TestApp, eventually, old};

const ONLY_APPROVED: &str = "[rules.not-approved]\n";
const LINUX: (&str, &str) = ("cp312", "manylinux_2_17_x86_64");

async fn place(files: Vec<ListedFile>, policy: &str) -> (FixtureIndex, TestApp) {
    let upstream = FixtureIndex::start().await;
    for file in files {
        upstream.add(file);
    }
    let app = Setup::over(&upstream).policy(policy).start().await;
    (upstream, app)
}

/// Approves what a lock file names, as the command line does.
async fn import(app: &TestApp, lock: &str) {
    let locked = lockfile::read("requirements.txt", lock.as_bytes()).unwrap();
    let entries = propose(&locked, Latitude::Exact).entries.into_iter();
    let new: Vec<NewApproval> = entries
        .map(|entry| NewApproval {
            projects: entry.projects,
            specifiers: entry.specifiers,
            files: entry.files,
            origin: ApprovalOrigin::Lock("requirements.txt".into()),
        })
        .collect();
    let index = app.app.config.default_index.clone();
    let act = Act {
        index: &index,
        reason: "the shop needs it",
        who: "ann",
    };
    approvals::add(&app.app.db, act, &new, app.app.now())
        .await
        .unwrap();
}

#[tokio::test]
async fn only_what_a_lock_names_is_served() {
    let wanted = old(wheel("foo", "1.0"));
    let twin = old(wheel("foo", "1.0").tags(LINUX.0, LINUX.0, LINUX.1));
    let other = old(wheel("foo", "2.0"));
    let lock = format!("foo==1.0 --hash=sha256:{}\nbar==1.0\n", wanted.sha256());
    let files = vec![
        wanted,
        twin,
        other,
        old(wheel("bar", "1.0")),
        old(wheel("baz", "1.0")),
    ];
    let (_upstream, app) = place(files, ONLY_APPROVED).await;
    app.start_jobs();
    let refused = app.file("foo", "foo-1.0-py3-none-any.whl").await;
    assert_eq!(refused.json()["rule"], "not-approved");
    import(&app, &lock).await;
    eventually(async || {
        let answer = app.file("foo", "foo-1.0-py3-none-any.whl").await;
        (answer.status == 200).then_some(())
    })
    .await;
    assert_eq!(
        app.file("bar", "bar-1.0-py3-none-any.whl").await.status,
        200
    );
    for (project, filename) in [
        ("foo", "foo-1.0-cp312-cp312-manylinux_2_17_x86_64.whl"),
        ("foo", "foo-2.0-py3-none-any.whl"),
        ("baz", "baz-1.0-py3-none-any.whl"),
    ] {
        let refused = app.file(project, filename).await;
        assert_eq!(refused.status, 403, "{filename}");
        assert_eq!(refused.json()["rule"], "not-approved");
        let text = refused.text();
        let ask = format!("portcullis review request '{project}==");
        assert!(text.contains(&ask), "{text}");
    }
    let page = app.get("/simple/foo/").accept("text/html").await.text();
    assert_eq!(page.matches("data-yanked").count(), 2, "{page}");
    assert_eq!(app.get("/simple/nowhere/").await.status, 404);

    let removed = Which::Origin(
        app.app.config.default_index.clone(),
        ApprovalOrigin::Lock("requirements.txt".into()),
    );
    approvals::remove(&app.app.db, &removed, "ann", app.app.now())
        .await
        .unwrap();
    eventually(async || {
        let answer = app.file("bar", "bar-1.0-py3-none-any.whl").await;
        (answer.status == 403).then_some(())
    })
    .await;
}

#[tokio::test]
async fn wheels_for_other_platforms_are_left_out_and_the_rest_is_chosen() {
    let files = vec![
        old(wheel("foo", "1.0")),
        old(wheel("foo", "2.0").tags(LINUX.0, LINUX.0, LINUX.1)),
        old(wheel("foo", "2.0").tags("cp312", "cp312", "win_amd64")),
        old(wheel("foo", "3.0").tags("cp312", "cp312", "macosx_11_0_arm64")),
    ];
    let policy = "[rules.platform]\nplatforms = ['any', 'manylinux*_x86_64']\n";
    let (_upstream, app) = place(files, policy).await;
    assert_eq!(
        app.page("foo").await.filenames(),
        [
            "foo-1.0-py3-none-any.whl",
            "foo-2.0-cp312-cp312-manylinux_2_17_x86_64.whl"
        ],
        "an installer takes 2.0, and never meets 3.0"
    );
    let refused = app
        .file("foo", "foo-3.0-cp312-cp312-macosx_11_0_arm64.whl")
        .await;
    assert_eq!(
        (refused.status, refused.json()["rule"].as_str()),
        (403, Some("platform"))
    );
}

#[tokio::test]
async fn the_other_filters_leave_out_what_they_name() {
    let files = || {
        ["1.0", "2.0", "3.0", "4.0rc1"]
            .map(|version| old(wheel("foo", version)))
            .to_vec()
    };
    let page = async |policy: &str| {
        let (_upstream, app) = place(files(), policy).await;
        let names = app.page("foo").await.filenames();
        let version = |name: &String| name.split('-').nth(1).unwrap().to_owned();
        names.iter().map(version).collect::<Vec<_>>()
    };
    assert_eq!(page("[rules.pre-release]\n").await, ["1.0", "2.0", "3.0"]);
    assert_eq!(
        page("[rules.latest-only]\nreleases = 2\n").await,
        ["2.0", "3.0", "4.0rc1"]
    );
    assert_eq!(page("[rules.too-large]\nmebibytes = 1\n").await.len(), 4);
}

#[tokio::test]
async fn a_condition_of_the_policy_refuses_in_its_own_words() {
    let files = vec![old(wheel("foo", "1.0")), old(wheel("bar", "1.0"))];
    let policy = "[conditions.no-foo]\nwhen = 'outside && project.startsWith(\"fo\")'\n\
                  message = 'foo is not for products'\nremedy = 'ask legal@acme.example'\n";
    let (_upstream, app) = place(files, policy).await;
    let refused = app.file("foo", "foo-1.0-py3-none-any.whl").await;
    assert_eq!(
        (refused.status, refused.json()["rule"].as_str()),
        (403, Some("no-foo"))
    );
    let text = refused.text();
    assert!(text.contains("foo is not for products"), "{text}");
    assert!(text.contains("ask legal@acme.example"), "{text}");
    assert_eq!(
        app.file("bar", "bar-1.0-py3-none-any.whl").await.status,
        200
    );
    assert_eq!(app.get("/simple/fog/").await.status, 404);
}

#[tokio::test]
async fn a_condition_about_licences_reads_metadata_without_being_asked_to() {
    let licensed =
        |name: &str, licence: &str| old(wheel(name, "1.0").header("License-Expression", licence));
    let files = vec![licensed("foo", "AGPL-3.0-only"), licensed("bar", "MIT")];
    let policy = "[conditions.no-agpl]\nwhen = 'licence in [\"AGPL-3.0-only\"]'\n";
    let (upstream, app) = place(files, policy).await;
    upstream.offer_metadata();
    app.start_jobs();
    eventually(async || {
        let foo = app.file("foo", "foo-1.0-py3-none-any.whl").await;
        let bar = app.file("bar", "bar-1.0-py3-none-any.whl").await;
        let reason = foo.text();
        (bar.status == 200 && reason.contains("it meets the condition")).then_some(())
    })
    .await;
}
