//! What is written into requirements files, with an index that is a table.

use proptest::prelude::*;

use crate::lint::contents::Contents;
use crate::lint::fix::mend;
use crate::lint::testing::{Release, asked, digest, project};
use crate::lint::{Asked, Finding, Project, ProjectFile, Settings, check_as};

const INDEX: &[Release<'_>] = &[
    ("flask", "2.0", &["werkzeug<3"], ">=3.8"),
    (
        "flask",
        "3.1",
        &["werkzeug>=3", "click>=8", "asgiref; extra == 'async'"],
        ">=3.9",
    ),
    ("werkzeug", "2.3", &[], ""),
    ("werkzeug", "3.0", &[], ""),
    ("werkzeug", "3.1", &["markupsafe>=2.1"], ""),
    ("markupsafe", "3.0", &[], ""),
    (
        "click",
        "8.1",
        &["colorama; platform_system == 'Windows'"],
        "",
    ),
    ("colorama", "0.4", &[], ""),
    (
        "asgiref",
        "3.8",
        &["typing-extensions>=4; python_version < '3.11'"],
        "",
    ),
    ("six", "1.16", &[], ""),
    ("six", "1.17", &[], ""),
    ("modern", "1.0", &[], ">=3.9"),
    ("modern", "2.0", &[], ">=3.13"),
    ("future", "1.0", &[], "<3.15,>=3.9"),
    ("tight", "1.0", &["six<1.17"], ""),
    ("odd", "1.0", &["x @ https://a.example/x.whl"], ""),
];

const RULES: [&str; 3] = ["unpinned", "unhashed", "partly-hashed"];

/// What the rules say that write pins and hashes.
fn findings(project: &Project) -> Vec<Finding> {
    let rules = RULES.map(str::to_owned).to_vec();
    let asked = Asked {
        rules,
        ..Asked::default()
    };
    check_as(project, &Settings::default(), &asked).findings
}

/// The files when all fixes are applied, again and again.
fn mended(files: &[(&str, &str)]) -> (Project, Vec<String>) {
    let mut project = asked(project(files), INDEX);
    for _ in 0..5 {
        let findings = findings(&project);
        for file in &mut project.files {
            let of_file = findings.iter().filter(|one| one.path == file.path);
            let fixes: Vec<_> = of_file.filter_map(|one| one.fix.as_ref()).collect();
            let text = mend(&file.text, &fixes).text;
            *file = ProjectFile::read(&file.path, file.kind, text, &[]);
        }
        project = asked(project, INDEX);
    }
    let left = findings(&project).into_iter();
    let why = left.map(|one| format!("{}: {}", one.path, one.unmended.unwrap_or_default()));
    (project, why.collect())
}

fn text(project: &Project, path: &str) -> String {
    project.file(path).expect("a file").text.clone()
}

/// A requirement with the hashes that the index has of its release.
fn hashed(requirement: &str, name: &str, version: &str, line_end: &str) -> String {
    let mut digests = [".tar.gz", ".whl"].map(|end| digest(name, version, end).to_hex());
    digests.sort();
    let lines = digests.map(|digest| format!(" \\{line_end}    --hash=sha256:{digest}"));
    format!("{requirement}{}", lines.concat())
}

#[test]
fn pins_and_hashes_are_written_as_compilers_write_them() {
    let six = |requirement: &str| hashed(requirement, "six", "1.17", "\n");
    for (before, after) in [
        ("six==1.17\n", format!("{}\n", six("six==1.17"))),
        ("six == 1.17", six("six == 1.17")),
        ("six", six("six==1.17")),
        (
            "Six >= 1 , <2  # why\n",
            format!("{}  # why\n", six("Six==1.17")),
        ),
        (
            "# head\n\nsix[a, b] (>=1) ; python_version > '3'\n",
            format!(
                "# head\n\n{}\n",
                six("six[a, b]==1.17 ; python_version > '3'")
            ),
        ),
        (
            "six===1.17 --config-settings=a=b\n",
            format!("{} --config-settings=a=b\n", six("six===1.17")),
        ),
        (
            "--index-url https://${HOST}.example/simple\r\nsix\r\n",
            format!(
                "--index-url https://${{HOST}}.example/simple\r\n{}\r\n",
                hashed("six==1.17", "six", "1.17", "\r\n")
            ),
        ),
        (
            "six==1.17 \\\n    # via x\nclick==8.1\ncolorama\n",
            format!(
                "{} \\\n    # via x\n{}\n{}\n",
                six("six==1.17"),
                hashed("click==8.1", "click", "8.1", "\n"),
                hashed("colorama==0.4", "colorama", "0.4", "\n")
            ),
        ),
        (
            "\u{feff}six==1.17\n",
            format!("\u{feff}{}\n", six("six==1.17")),
        ),
    ] {
        let (project, left) = mended(&[("requirements.txt", before)]);
        assert_eq!(text(&project, "requirements.txt"), after);
        assert_eq!(left, [""; 0], "{before}");
    }
}

#[test]
fn what_is_open_is_pinned_only_where_every_resolver_would_agree() {
    for (before, after) in [
        ("tight\nsix\n", Ok("tight==1.0\nsix==1.16")),
        (
            "flask\nwerkzeug\nclick\nmarkupsafe\n",
            Ok("flask==3.1\nwerkzeug==3.1\nclick==8.1\nmarkupsafe==3.0"),
        ),
        (
            "flask\nwerkzeug<3\n",
            Err("werkzeug<3,>=3: the index has no such version"),
        ),
        (
            "flask\nwerkzeug==2.3\n",
            Err("flask 3.1 needs werkzeug >=3, and not 2.3"),
        ),
        (
            "modern\n",
            Err("modern 2.0 cannot be installed with Python 3.11, 3.12"),
        ),
        (
            "modern ; python_version >= '3.13'\n",
            Ok("modern==2.0 ; python_version >= '3.13'"),
        ),
        (
            "modern\ntight ; python_version >= '3.13'\n",
            Err("modern 2.0 cannot be installed with Python 3.11, 3.12"),
        ),
        ("future\n", Ok("future==1.0")),
        ("flask\nwerkzeug==3.0\n", Ok("flask==3.1\nwerkzeug==3.0")),
        ("nowhere\n", Err("nowhere: the index has no such version")),
        (
            "odd\n",
            Err("odd 1.0 needs \"x @ https://a.example/x.whl\", which is not understood"),
        ),
        ("six\n-e .\n", Err(". does not come from an index")),
        (
            "six\nclick==${CLICK}\n",
            Err("click==${CLICK} is not understood"),
        ),
        ("six>=1\nsix<2\n", Err("it names six more than once")),
        ("--pre\nsix\n", Err("--pre leaves open which six is meant")),
        (
            "six\n-r gone.txt\n",
            Err("it includes gone.txt, which was not read"),
        ),
        (
            "six \\\n  >=1\n",
            Err("where six   >=1 names its versions cannot be told"),
        ),
        (
            "six\n--no-such\n",
            Err(
                "requirements.txt is not read as a whole: `--no-such` is no option of a requirements file",
            ),
        ),
    ] {
        let project = asked(project(&[("requirements.txt", before)]), INDEX);
        let found = findings(&project);
        let found = found
            .iter()
            .find(|one| one.rule == "unpinned")
            .expect("something is open");
        match after {
            Ok(pinned) => {
                assert_eq!(found.unmended, None, "{before}");
                let fix = found.fix.as_ref().expect("it can be mended");
                let text = mend(before, &[fix]).text;
                assert_eq!(text, format!("{pinned}\n"), "{before}");
            }
            Err(why) => {
                let said = format!("pins are not written: {why}");
                assert_eq!(found.unmended.as_ref(), Some(&said), "{before}");
                assert_eq!(found.fix, None);
            }
        }
    }
}

#[test]
fn a_lock_or_a_constraint_beside_says_which_version() {
    let lock = "version = 1\n[[package]]\nname = \"six\"\nversion = \"1.16\"\nsource = { registry = \"https://a.example/simple\" }\n";
    let (project, left) = mended(&[("a/requirements.txt", "six>=1\n"), ("a/uv.lock", lock)]);
    let expected = hashed("six==1.16", "six", "1.16", "\n");
    assert_eq!(
        text(&project, "a/requirements.txt"),
        format!("{expected}\n")
    );
    assert_eq!(left, [""; 0]);

    let (project, _) = mended(&[("a/requirements.txt", "six>=1\n"), ("b/uv.lock", lock)]);
    assert!(text(&project, "a/requirements.txt").starts_with("six==1.17"));

    let (project, left) = mended(&[("a/requirements.txt", "six>=1.17\n"), ("a/uv.lock", lock)]);
    assert_eq!(text(&project, "a/requirements.txt"), "six>=1.17\n");
    let why = "a/requirements.txt: pins are not written: six 1.16 is pinned elsewhere and not wanted here";
    assert_eq!(left, [why]);

    let (project, left) = mended(&[
        ("requirements.txt", "-c constraints.txt\nsix\ncolorama\n"),
        ("constraints.txt", "six==1.16\n"),
    ]);
    assert!(text(&project, "requirements.txt").contains("\nsix==1.16 \\\n"));
    assert_eq!(text(&project, "constraints.txt"), "six==1.16\n");
    assert_eq!(left, [""; 0]);
}

#[test]
fn hashes_are_written_only_where_pip_finds_one_of_everything() {
    let given = format!(
        "six==1.16 --hash=sha256:{}\n",
        digest("six", "1.16", ".whl")
    );
    let weak = format!("six==1.16 --hash=md5:{}\n", "0".repeat(32));
    let compiled = "# This file is autogenerated by pip-compile with Python 3.12\n# by the following command:\n#\n\
                    #    pip-compile requirements.in\n#\nclick==8.1\n    # via -r requirements.in\n";
    let unsafe_ones = format!(
        "{compiled}\n# The following packages are considered to be unsafe in a requirements file:\n# setuptools\n"
    );
    for (before, why) in [
        (
            "click==8.1\n",
            Err("click 8.1 needs colorama on Windows, which is not named"),
        ),
        (
            "click==8.1\ncolorama==0.4 ; sys_platform == 'win32'\n",
            Ok(2),
        ),
        ("click==8.1 ; sys_platform == 'linux'\n", Ok(1)),
        (
            "flask==3.1\n",
            Err("flask 3.1 needs click, which is not named, and 3 more projects are missing"),
        ),
        (
            "flask[async]==3.1\nwerkzeug==3.0\nclick==8.1\ncolorama==0.4\n",
            Err("flask 3.1 needs asgiref, which is not named"),
        ),
        (
            "flask[async]==3.1\nwerkzeug==3.0\nclick==8.1\ncolorama==0.4\nasgiref==3.8\n",
            Ok(5),
        ),
        (&*format!("{given}colorama==0.4\n"), Ok(1)),
        (
            &*format!("{weak}colorama==0.4\n"),
            Err("six==1.16 has a hash that pip does not take: md5"),
        ),
        (
            &*format!("{given}colorama==0.5\n"),
            Err("colorama==0.5: the index has no such version"),
        ),
        (
            &*format!("{given}colorama==0.4\n-e .\n"),
            Err(". does not come from an index"),
        ),
        (
            &*format!("{given}colorama==0.4\n-c c-constraints.txt\n"),
            Ok(1),
        ),
        (compiled, Ok(1)),
        (
            &*unsafe_ones,
            Err("requirements.txt leaves out what is needed; compile it with --allow-unsafe"),
        ),
        (
            "tight==1.0\nsix==1.17\n",
            Err("tight 1.0 needs six <1.17, and not 1.17"),
        ),
    ] {
        let project = asked(project(&[("requirements.txt", before)]), INDEX);
        let found = findings(&project);
        let found = found.first().expect("hashes are missing");
        let edits = found.fix.as_ref().map(|fix| fix.edits.len());
        match why {
            Ok(count) => assert_eq!((edits, &found.unmended), (Some(count), &None), "{before}"),
            Err(why) => {
                let said = Some(format!("hashes are not written: {why}"));
                assert_eq!((edits, &found.unmended), (None, &said), "{before}");
            }
        }
    }
}

#[test]
fn files_that_belong_together_are_hashed_together() {
    let files = [
        ("requirements.txt", "-r base-requirements.txt\nclick==8.1\n"),
        ("base-requirements.txt", "colorama==0.4\n"),
        ("other-requirements.txt", "six==1.17\n"),
    ];
    let all = asked(project(&files), INDEX);
    let others = findings(&all).into_iter().map(|one| {
        let fix = one.fix.expect("it can be mended");
        (one.path, fix.together.unwrap_or_default())
    });
    let expected = [
        ("base-requirements.txt", vec!["requirements.txt"]),
        ("other-requirements.txt", vec![]),
        ("requirements.txt", vec!["base-requirements.txt"]),
    ];
    let expected = expected.map(|(path, others)| {
        let others: Vec<String> = others.into_iter().map(str::to_owned).collect();
        (path.to_owned(), others)
    });
    assert_eq!(others.collect::<Vec<_>>(), expected);

    // The base would need what only the file that includes it names.
    let turned = [
        (
            "requirements.txt",
            "-r base-requirements.txt\ncolorama==0.4\n",
        ),
        ("base-requirements.txt", "click==8.1\n"),
    ];
    let (project, left) = mended(&turned);
    assert_eq!(text(&project, "requirements.txt"), turned[0].1);
    let why = "hashes are not written: click 8.1 needs colorama on Windows, which is not named";
    assert_eq!(
        left,
        [
            format!("base-requirements.txt: {why}"),
            format!("requirements.txt: {why}")
        ]
    );
    let (_, left) = mended(&[
        ("requirements.txt", "-r requirements.in\ncolorama==0.4\n"),
        ("requirements.in", "six==1.17\n"),
    ]);
    assert_eq!(
        left,
        [
            "requirements.txt: hashes are not written: requirements.in, which belongs to it, stays as it is"
        ]
    );
}

#[test]
fn what_is_installed_in_one_go_is_looked_at_in_one() {
    let both = "FROM python:3.12\nRUN pip install -r a-requirements.txt -r b-requirements.txt\n";
    let six = ("a-requirements.txt", "six==1.17\n");
    for (dockerfile, b, expected) in [
        (both, "colorama==0.4\n", Ok(())),
        (
            both,
            "click==8.1\n",
            Err("click 8.1 needs colorama on Windows, which is not named"),
        ),
        (
            "FROM python:3.12\nRUN uv pip install --system -r a-requirements.txt -r b-requirements.txt\n",
            "click==8.1\n",
            Ok(()),
        ),
        (
            "FROM python:3.12\nRUN pip install -r a-requirements.txt\nRUN pip install -r b-requirements.txt .\n",
            "click==8.1\n",
            Ok(()),
        ),
        (
            "FROM python:3.12\nRUN pip install -r a-requirements.txt .\n",
            "colorama==0.4\n",
            Err("Dockerfile installs . in one go with it"),
        ),
    ] {
        let files = [("Dockerfile", dockerfile), six, ("b-requirements.txt", b)];
        let (project, left) = mended(&files);
        let is_mended = text(&project, "a-requirements.txt").contains("--hash");
        assert_eq!(is_mended, expected.is_ok(), "{dockerfile} {left:?}");
        if let Err(why) = expected {
            let line = format!("a-requirements.txt: hashes are not written: {why}");
            assert!(left.contains(&line), "{left:?}");
        }
    }
    let tox = "[testenv]\ndeps =\n    -r a-requirements.txt\n    pytest\n";
    let (_, left) = mended(&[("tox.ini", tox), six]);
    let why = "hashes are not written: tox.ini installs pytest in one go with it";
    assert_eq!(left, [format!("a-requirements.txt: {why}")]);
}

#[test]
fn an_ignored_requirement_keeps_the_whole_file_as_it_is() {
    let before = "six==1.17  # portcullis: ignore[unhashed] we build it\ncolorama==0.4\n";
    let (project, left) = mended(&[("requirements.txt", before)]);
    assert_eq!(text(&project, "requirements.txt"), before);
    let why = "a part of it is ignored, and no part is right without the others";
    assert_eq!(left, [format!("requirements.txt: {why}")]);
}

#[test]
fn nothing_is_written_where_nobody_was_asked() {
    let project = project(&[
        ("requirements.txt", "six\n"),
        ("a/requirements.txt", "six==1.17\n"),
    ]);
    for finding in findings(&project) {
        assert_eq!((finding.fix, finding.unmended), (None, None));
    }
}

/// What a file wants, as the readers tell it, without hashes and places.
fn wants(contents: &Contents) -> Vec<String> {
    let wanted = contents.wanted.iter();
    wanted
        .map(|one| format!("{:?} {:?}", one.name, one.marker))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn what_was_mended_wants_the_same_and_stays_as_it_is(
        lines in prop::collection::vec(
            (
                prop::sample::select(vec!["six", "six==1.17", "Six >= 1", "colorama==0.4", "click[x]==8.1",
                    "tight", "markupsafe>=2,<4", "werkzeug", "-e .", "nowhere", "--pre", "six\\"]),
                prop::sample::select(vec!["", " ; python_version > '3'", " ;sys_platform == \"win32\"", " # é",
                    " \\\n    # via x", "  --config-settings=a=b", " # portcullis: ignore[unhashed] x"]),
                prop::sample::select(vec!["\n", "\r\n", "\n\n# c\n"]),
            ),
            0..6,
        )
    ) {
        let before: String = lines.iter().map(|(a, b, c)| format!("{a}{b}{c}")).collect();
        let (project, _) = mended(&[("requirements.txt", &before)]);
        let after = text(&project, "requirements.txt");
        let first = ProjectFile::read("requirements.txt", project.files[0].kind, before.clone(), &[]);
        prop_assert_eq!(wants(&first.contents), wants(&project.files[0].contents));
        prop_assert_eq!(&first.contents.unread.len(), &project.files[0].contents.unread.len());
        let all = project.files[0].contents.wanted.iter();
        let hashed = all.clone().filter(|one| !one.hashes.is_empty()).count();
        prop_assert!(hashed == 0 || hashed == all.count(), "all or nothing: {}", after);
        let (again, _) = mended(&[("requirements.txt", &after)]);
        prop_assert_eq!(text(&again, "requirements.txt"), after);
    }

    #[test]
    fn nothing_makes_it_panic(text in any::<String>(), tail in "(six|click|==1|>=|\\[|\\]|[ ;#\\\\,()<@.-]|\n|\r|\u{85}){0,20}") {
        for text in [&text, &tail] {
            mended(&[("requirements.txt", text)]);
        }
    }
}
