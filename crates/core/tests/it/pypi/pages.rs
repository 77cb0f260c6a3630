//! Pages as properties need them: anything that the model can hold and a page can carry.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::name;
use portcullis_core::pypi::simple::{
    CoreMetadata, Extra, PageFile, ProjectPage, ProjectStatus, Provenance, UploadTime, Yanked,
};
use portcullis_core::time::Timestamp;

/// Text that a page may carry anywhere: no control characters, and trimmed, as HTML would.
fn text() -> impl Strategy<Value = Box<str>> {
    let anything = "[ -~äß€𝄞&<>\"'=#]{0,12}".prop_map(|text| text.trim().into());
    prop_oneof![
        anything,
        Just(">=3.8,<4".into()),
        Just("a & b <c> \"d\" 'e'".into())
    ]
}

fn digest() -> impl Strategy<Value = Box<str>> {
    "[0-9a-f]{64}".prop_map(Into::into)
}

fn hashes() -> impl Strategy<Value = BTreeMap<Box<str>, Box<str>>> {
    let algorithm = prop_oneof![Just("sha256"), Just("md5"), Just("blake2b_256")];
    proptest::collection::btree_map(algorithm.prop_map(Into::into), digest(), 0..3)
}

fn offer() -> impl Strategy<Value = CoreMetadata> {
    prop_oneof![
        Just(CoreMetadata::Absent),
        Just(CoreMetadata::Unhashed),
        digest().prop_map(|hex| CoreMetadata::Hashed([("sha256".into(), hex)].into())),
    ]
}

fn yanked() -> impl Strategy<Value = Yanked> {
    prop_oneof![
        Just(Yanked::No),
        Just(Yanked::Yes),
        text()
            .prop_filter("a reason is not empty", |text| !text.is_empty())
            .prop_map(Yanked::Because),
    ]
}

fn upload_time() -> impl Strategy<Value = UploadTime> {
    (0_i64..4_000_000_000_000).prop_map(|millis| {
        let at = Timestamp::from_millis(millis);
        UploadTime {
            at,
            text: at.to_string().into(),
        }
    })
}

fn provenance() -> impl Strategy<Value = Provenance> {
    prop_oneof![
        Just(Provenance::Absent),
        Just(Provenance::None),
        "[a-z]{1,5}".prop_map(|part| Provenance::Url(format!("https://a.example/{part}").into())),
    ]
}

fn extra() -> impl Strategy<Value = Extra> {
    let json = prop_oneof![
        Just("null"),
        Just("1.50e3"),
        Just(r#"{"b" : [1,  "\u00e4]"]}"#)
    ];
    let entry = ("_?[a-z\"]{1,5}", json);
    vec(entry, 0..4).prop_map(|entries| {
        let unique: BTreeMap<String, &str> = entries.into_iter().collect();
        let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
        // The model's own keys are longer than five characters, or are these.
        let free = unique
            .into_iter()
            .filter(|(key, _)| !["meta", "name", "files", "size", "url"].contains(&&**key));
        free.map(|(key, json)| (key.into(), raw(json))).collect()
    })
}

prop_compose! {
    fn file()(
        stem in "[a-z]{1,4}-[0-9]{1,2}\\.[0-9]",
        ending in prop_oneof![Just(".tar.gz"), Just("-py3-none-any.whl"), Just(".exe")],
        folder in "[a-z/]{0,6}",
        hashes in hashes(),
        size in option::of(0..u64::MAX),
        upload_time in option::of(upload_time()),
        requires_python in option::of(text()),
        core_metadata in offer(),
        gpg_sig in option::of(any::<bool>()),
        yanked in yanked(),
        provenance in provenance(),
        extra in extra(),
    ) -> PageFile {
        let filename = format!("{stem}{ending}");
        let url = format!("https://files.example/{folder}/{filename}?a=1&b");
        PageFile {
            hashes, size, upload_time, requires_python, core_metadata, gpg_sig, yanked, provenance,
            extra, ..PageFile::new(&filename, &url)
        }
    }
}

prop_compose! {
    /// Any page; its files have different names.
    pub(super) fn page()(
        mut files in vec(file(), 0..6),
        versions in vec("[0-9]{1,2}\\.[0-9]", 0..4),
        status in option::of(("[a-z]{1,8}", option::of(text()))),
        extra in extra(),
        meta_extra in extra(),
    ) -> ProjectPage {
        let mut seen = std::collections::HashSet::new();
        files.retain(|file| seen.insert(file.filename.clone()));
        let status = status.map(|(status, reason)| ProjectStatus { status: status.into(), reason });
        let versions = versions.into_iter().map(Into::into).collect();
        ProjectPage { versions, files, status, extra, meta_extra, ..ProjectPage::empty(name("x")) }
    }
}

/// The page without what its HTML form cannot carry.
pub(super) fn as_html_carries_it(mut page: ProjectPage) -> ProjectPage {
    page.versions.clear();
    page.extra.clear();
    page.meta_extra.clear();
    for file in &mut page.files {
        file.extra.clear();
        if file.provenance == Provenance::None {
            file.provenance = Provenance::Absent;
        }
        let kept = ["sha256", "blake2b_256", "md5"]
            .iter()
            .find_map(|algorithm| file.hashes.remove_entry(*algorithm));
        file.hashes = kept.into_iter().collect();
    }
    page
}
