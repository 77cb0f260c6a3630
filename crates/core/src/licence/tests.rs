//! Whole releases: what their metadata says, what it comes to, and what lists make of it.
#![allow(clippy::unwrap_used)]

use super::lists::{LicenceLists, Verdict};
use super::*;

/// Statements as `kind: text`: `e:` expression, `c:` classifier, `t:` free text, `f:` the id of a file.
fn licence(statements: &[&str]) -> Licence {
    let statements = statements.iter().map(|text| {
        let (kind, text) = text.split_once(": ").unwrap();
        match kind {
            "e" => statement(SourceKind::Expression, text),
            "t" => statement(SourceKind::FreeText, text),
            "c" => statement(
                SourceKind::Classifier,
                &format!("License :: OSI Approved :: {text}"),
            ),
            "f" => Statement {
                ids: text.split_whitespace().map(Into::into).collect(),
                ..statement(SourceKind::File, "LICENSE")
            },
            other => panic!("{other}"),
        }
    });
    Licence::from_statements(statements.collect())
}

fn lists(allow: &[&str], deny: &[&str]) -> LicenceLists {
    let read = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    LicenceLists {
        allow: read(allow),
        deny: read(deny),
    }
}

#[test]
fn the_weightiest_source_is_believed_and_contradictions_are_told() {
    for (statements, expected, conflicts) in [
        (&["e: MIT"][..], "MIT", 0),
        (&["e: MIT", "c: MIT License", "t: MIT"], "MIT", 0),
        (
            &["e: mit OR gpl-2.0+", "c: MIT License"],
            "MIT OR GPL-2.0-or-later",
            0,
        ),
        (&["c: MIT License", "t: GPLv3"], "MIT", 1),
        (&["c: MIT License", "f: GPL-3.0-only"], "GPL-3.0-only", 1),
        (
            &[
                "c: GNU General Public License v3 or later (GPLv3+)",
                "f: GPL-3.0",
            ],
            "GPL-3.0-or-later",
            0,
        ),
        (
            &["t: GPL", "f: GPL-3.0"],
            "unknown (licence files: \"LICENSE\" may mean GPL-3.0-only, or GPL-3.0-or-later)",
            0,
        ),
        (&["c: MIT License", "f: MIT"], "MIT", 0),
        (
            &["c: MIT License", "f: MIT Apache-2.0 BSD-3-Clause"],
            "MIT",
            0,
        ),
        (&["f: MIT Zlib"], "MIT AND Zlib", 0),
        (&["c: BSD License", "t: BSD-3-Clause"], "BSD-3-Clause", 0),
        (
            &["c: BSD License", "t: BSD"],
            "unknown (classifiers: \"BSD License\" may mean BSD-2-Clause, or BSD-3-Clause)",
            0,
        ),
        (&["c: BSD License", "f: BSD-2-Clause"], "BSD-2-Clause", 0),
        (&["e: nonsense", "c: MIT License"], "MIT", 0),
        (
            &["t: Public Domain"],
            "unknown (License says \"Public Domain\", which names no licence for certain)",
            0,
        ),
        (&[], "unknown (the release says nothing of its licence)", 0),
        (
            &[
                "c: MIT License",
                "c: Apache Software License",
                "t: MIT OR Apache-2.0",
            ],
            "MIT OR Apache-2.0",
            0,
        ),
        (
            &["e: MIT", "c: GNU General Public License v3 (GPLv3)"],
            "MIT",
            1,
        ),
    ] {
        let licence = licence(statements);
        assert_eq!(licence.title(), expected, "{statements:?}");
        assert_eq!(licence.conflicts.len(), conflicts, "{statements:?}");
    }
}

#[test]
fn a_contradiction_names_both_sides() {
    let licence = licence(&["c: MIT License", "f: GPL-3.0-only"]);
    assert_eq!(
        licence.conflicts[0].to_string(),
        "licence files say GPL-3.0-only, but classifiers say MIT"
    );
}

use Verdicts::{No, Unsure, Yes};

/// Statements, what is allowed, what is denied, and what the lists make of it.
type Row = (
    &'static [&'static str],
    &'static [&'static str],
    &'static [&'static str],
    Verdicts,
);

const ROWS: &[Row] = &[
    (&["e: MIT"], &["MIT"], &[], Yes),
    (&["e: MIT"], &["Apache-2.0"], &[], No),
    (&["e: MIT"], &[], &["GPL-*"], Yes),
    (&["e: MIT"], &[], &["MIT"], No),
    (&["e: MIT"], &["MIT"], &["MIT"], No),
    (&["e: MIT OR GPL-3.0-only"], &["MIT"], &[], Yes),
    (&["e: MIT OR GPL-3.0-only"], &[], &["GPL-*"], Yes),
    (&["e: MIT AND GPL-3.0-only"], &["MIT"], &[], No),
    (&["e: MIT AND GPL-3.0-only"], &[], &["GPL-3.0"], No),
    (&["e: MIT AND GPL-3.0-only"], &["MIT", "GPL-3.0"], &[], Yes),
    (
        &["e: (MIT OR GPL-3.0-only) AND Zlib"],
        &["MIT", "Zlib"],
        &[],
        Yes,
    ),
    // One version or a choice of versions.
    (&["e: GPL-3.0-only"], &[], &["GPL-3.0-or-later"], No),
    (&["e: GPL-3.0-or-later"], &[], &["GPL-3.0-only"], No),
    (&["e: GPL-3.0"], &[], &["GPL-3.0-only"], No),
    (&["e: GPL-3.0-only"], &[], &["GPL-3.0"], No),
    (&["e: GPL-2.0-or-later"], &[], &["GPL-3.0-only"], Yes),
    (&["e: GPL-2.0-or-later"], &[], &["GPL-2.0-only"], Yes),
    (&["e: GPL-2.0-or-later"], &[], &["GPL-2.0-or-later"], No),
    (&["e: GPL-2.0-only"], &[], &["GPL-3.0-or-later"], Yes),
    (&["e: GPL-2.0-or-later"], &["GPL-3.0-only"], &[], Yes),
    (&["e: GPL-2.0-only"], &["GPL-3.0-or-later"], &[], No),
    (&["e: GPL-3.0-only"], &["GPL-2.0-or-later"], &[], Yes),
    (&["e: LGPL-2.1-or-later"], &[], &["GPL-*"], Yes),
    (&["e: LGPL-2.1-or-later"], &[], &["LGPL-*"], No),
    (&["e: AGPL-3.0-or-later"], &[], &["AGPL-3.0-only"], No),
    (&["e: MPL-1.1+"], &["MPL-2.0"], &[], Yes),
    (&["e: Apache-2.0+"], &["Apache-2.0"], &[], Yes),
    // Exceptions.
    (
        &["e: Apache-2.0 WITH LLVM-exception"],
        &["Apache-2.0"],
        &[],
        Yes,
    ),
    (
        &["e: Apache-2.0"],
        &["Apache-2.0 WITH LLVM-exception"],
        &[],
        No,
    ),
    (
        &["e: GPL-2.0-only WITH Classpath-exception-2.0"],
        &[],
        &["GPL-*"],
        No,
    ),
    (
        &["e: GPL-2.0-only WITH Classpath-exception-2.0"],
        &["GPL-2.0-only WITH Classpath-exception-2.0"],
        &["GPL-*"],
        Yes,
    ),
    (
        &["e: GPL-2.0-only"],
        &["GPL-2.0-only WITH Classpath-exception-2.0"],
        &["GPL-*"],
        No,
    ),
    (&["e: MIT WITH AdditionRef-No-Commerce"], &["MIT"], &[], No),
    // References and classes.
    (&["e: LicenseRef-Acme"], &["LicenseRef-Acme"], &[], Yes),
    (&["e: LicenseRef-Acme"], &["MIT"], &[], No),
    (&["e: LicenseRef-Acme"], &["LicenseRef-*"], &[], Yes),
    (&["e: LicenseRef-Acme"], &["osi-approved"], &[], No),
    (&["e: BSD-3-Clause"], &["osi-approved"], &[], Yes),
    (&["e: BUSL-1.1"], &["osi-approved"], &[], No),
    (&["e: GPL-3.0-or-later"], &[], &["copyleft"], No),
    (&["e: GPL-3.0-or-later"], &["fsf-libre"], &[], Yes),
    (&["e: MIT"], &[], &["copyleft"], Yes),
    // Doubt counts only where it matters.
    (
        &["c: BSD License"],
        &["BSD-2-Clause", "BSD-3-Clause"],
        &[],
        Yes,
    ),
    (&["c: BSD License"], &["BSD-*"], &[], Yes),
    (&["c: BSD License"], &["BSD-3-Clause"], &[], Unsure),
    (&["c: BSD License"], &[], &["GPL-*"], Yes),
    (&["c: BSD License"], &["MIT"], &[], No),
    (&["t: GPL"], &[], &["GPL-3.0-or-later"], Unsure),
    (&["t: GPL"], &[], &["GPL-*"], No),
    (
        &["c: MIT License", "c: GNU General Public License v3 (GPLv3)"],
        &["MIT"],
        &[],
        Unsure,
    ),
    (
        &["c: MIT License", "c: Apache Software License"],
        &["MIT", "Apache-2.0"],
        &[],
        Yes,
    ),
    (&["t: Proprietary"], &["MIT"], &[], Unsure),
    (&[], &["MIT"], &[], Unsure),
    // Contradictions.
    (&["c: MIT License", "t: GPLv3"], &["MIT"], &[], Unsure),
    (&["c: MIT License", "t: GPLv3"], &[], &["GPL-*"], Unsure),
    (&["c: MIT License", "t: Zlib"], &["MIT", "Zlib"], &[], Yes),
    (&["c: MIT License", "f: GPL-3.0-only"], &[], &["GPL-*"], No),
];

#[test]
fn lists_are_evaluated_as_spdx_means_them() {
    for (statements, allow, deny, expected) in ROWS {
        let verdict = Verdicts::of(&lists(allow, deny).judge(&licence(statements)));
        assert_eq!(
            verdict, *expected,
            "{statements:?} under {allow:?} without {deny:?}"
        );
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Verdicts {
    Yes,
    No,
    Unsure,
}

impl Verdicts {
    fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Accepted => Self::Yes,
            Verdict::Refused(_) => Self::No,
            Verdict::Unknown(_) => Self::Unsure,
        }
    }
}

#[test]
fn a_refusal_names_what_stands_in_the_way() {
    let verdict = lists(&["MIT"], &[]).judge(&licence(&["e: MIT AND (GPL-3.0-only OR Zlib)"]));
    let expected = ["GPL-3.0-only", "Zlib"].map(Into::into).to_vec();
    assert_eq!(verdict, Verdict::Refused(expected));
}

#[test]
fn entries_that_are_no_licence_are_mistakes() {
    for text in ["", "MIT OR Zlib", "Apache", "BSD", "GPL", "OSI"] {
        assert!(
            text.parse::<super::lists::LicencePattern>().is_err(),
            "{text:?}"
        );
    }
}

#[test]
fn statements_come_from_the_metadata_and_survive_being_kept() {
    let text = "Metadata-Version: 2.1\nName: x\nVersion: 1\nLicense: MIT License\n\
        Classifier: License :: OSI Approved :: MIT License\nClassifier: Topic :: Text\n";
    let metadata = CoreMetadata::parse(text.as_bytes()).unwrap();
    let statements = Licence::statements(&metadata);
    assert_eq!(statements.len(), 2);
    let json = serde_json::to_string(&statements).unwrap();
    let kept: Vec<Statement> = serde_json::from_str(&json).unwrap();
    assert_eq!(
        Licence::from_statements(kept),
        Licence::from_metadata(&metadata)
    );
    assert_eq!(Licence::from_metadata(&metadata).title(), "MIT");
}

#[test]
fn a_whole_licence_in_the_field_is_cut_and_does_not_break_characters() {
    let text = format!("é{}", "ü".repeat(5000));
    assert!(statement(SourceKind::FreeText, &text).text.len() <= MAX_STATEMENT);
}
