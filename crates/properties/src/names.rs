//! File names, requirements, markers and versions.

use portcullis_core::pypi::filename::DistFilename;
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_core::pypi::version::{Version, VersionSpecifiers, admits};

use crate::Property;

/// Names of files.
pub(crate) static FILENAME: Property = Property {
    name: "filename",
    what: "a file name is read or refused, kept verbatim, and its project has one spelling",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let hint = ProjectName::new("foo-bar").expect("a name");
        for project in [None, Some(&hint)] {
            let Ok(name) = DistFilename::parse(text, project) else {
                continue;
            };
            assert_eq!(name.as_str(), text);
            assert!(!text.contains(['/', '\\', '\0', '\n']) && !text.starts_with('.'));
            assert_eq!(
                DistFilename::parse(text, project),
                Ok(name.clone()),
                "not the same twice"
            );
            if let Some(project) = name.project() {
                assert_eq!(ProjectName::new(project.as_str()).as_ref(), Ok(project));
            }
            assert!(!name.is_wheel() || text.ends_with(".whl"));
        }
    },
    seeds: || {
        let names = [
            "foo-1.0-py3-none-any.whl",
            "foo_bar-1!2.0rc1+local-1abc-cp312.cp313-abi3-manylinux_2_17_x86_64.whl",
            "foo-bar-1.0.tar.gz",
            "foo-1.0.zip",
            "foo.exe",
        ];
        names.iter().map(|name| name.as_bytes().to_vec()).collect()
    },
    words: &[
        "-", "_", ".", ".whl", ".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".zip", ".egg", "py3",
        "none", "any", "1!", "+", "%2F",
    ],
};

/// Requirements of people.
pub(crate) static REQUIREMENT: Property = Property {
    name: "requirement",
    what: "a requirement is read or refused, and what is written of it reads the same",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let Ok(requirement) = text.parse::<Requirement>() else {
            return;
        };
        let written = requirement.to_string();
        assert_eq!(
            written.parse::<Requirement>().as_ref(),
            Ok(&requirement),
            "{written}"
        );
        if let Some(version) = requirement.exact_version() {
            let version = version.clone();
            assert_eq!(requirement.matches(&version), requirement.matches(&version));
        }
    },
    seeds: || {
        texts(&[
            "flask",
            "flask>=3,<4",
            "Flask[async,dotenv]==3.0.*",
            "a~=1.0;python_version<'3'",
            "a===1.0",
            "a @ https://b.invalid",
        ])
    },
    words: &[
        "==", ">=", "<=", "~=", "!=", "===", "<", ">", ",", ".*", "[", "]", "(", ")", ";", "@",
        "1!2", "rc1", "+a.b", "://",
    ],
};

/// What stands behind a requirement's semicolon.
pub(crate) static MARKER: Property = Property {
    name: "marker",
    what: "a marker changes nothing of which releases are meant",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let with: Result<Requirement, _> = format!("flask[async]>=3,<4; {text}").parse();
        let without: Requirement = "flask[async]>=3,<4".parse().expect("a requirement");
        if let Ok(with) = with {
            assert_eq!(with, without);
        }
        // The same text as a wheel's own requirement, which rules read.
        let metadata = format!("Name: a\nVersion: 1\nRequires-Dist: flask; {text}\n");
        let _ = portcullis_core::pypi::metadata::CoreMetadata::parse(metadata.as_bytes());
    },
    seeds: || {
        texts(&[
            "python_version < '3.9'",
            "extra == 'a' and (os_name == \"nt\" or sys_platform != 'x')",
            "'linux' in sys_platform",
        ])
    },
    words: &[
        " and ",
        " or ",
        " not in ",
        " in ",
        "python_full_version",
        "extra == ",
        "platform_machine",
        "'",
        "\"",
        "(",
        ")",
        ";",
        "@",
        "://",
    ],
};

/// Versions and specifiers.
pub(crate) static VERSION: Property = Property {
    name: "version",
    what: "versions and specifiers read the same when written, and ordering is consistent",
    check: |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return;
        };
        let parts: Vec<&str> = text.splitn(3, ' ').collect();
        let versions: Vec<Version> = parts.iter().filter_map(|part| part.parse().ok()).collect();
        for one in &versions {
            assert_eq!(one.to_string().parse().as_ref(), Ok(one), "{one}");
            for other in &versions {
                assert_eq!(one.cmp(other), other.cmp(one).reverse());
            }
        }
        let Ok(specifiers) = text.parse::<VersionSpecifiers>() else {
            return;
        };
        let written = specifiers.to_string();
        let again: VersionSpecifiers = written.parse().expect("what was written");
        for version in ["0", "1.0", "1.0.dev1", "1.0rc1.post2", "1.0+a", "9!9"] {
            let version: Version = version.parse().expect("a version");
            assert_eq!(
                admits(&specifiers, &version),
                admits(&again, &version),
                "{written}"
            );
        }
    },
    seeds: || {
        texts(&[
            "1.0",
            "1!2.3rc4.post5.dev6+a.b-7",
            "v1.0-1",
            ">=1,<2",
            "==1.*",
            "~=1.2.3",
            "1.0 1.0.0 1",
        ])
    },
    words: &[
        "!",
        ".dev",
        ".post",
        "rc",
        "a",
        "b",
        "+",
        "-",
        "_",
        "==",
        ">=",
        "~=",
        ".*",
        "v",
        "18446744073709551615",
        "0",
    ],
};

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
