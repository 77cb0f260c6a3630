//! Discovery, on machines made of a few variables and files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use portcullis_upstream::discover::{DiscoverError, Discovered, Machine, discover};
use portcullis_upstream::environment::Environment;

type Pairs<'a> = &'a [(&'a str, &'a str)];

/// A machine with these variables and files; `{root}` in a variable stands for its root.
fn machine(root: &Path, variables: Pairs<'_>, files: Pairs<'_>) -> Machine {
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        if path.starts_with(root.join("bin")) {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
    let here = root.to_str().unwrap();
    let variables = variables
        .iter()
        .map(|(name, value)| (*name, value.replace("{root}", here)));
    let environment = Environment::from_iter(variables);
    Machine {
        environment,
        root: root.to_owned(),
        home: Some(root.join("home")),
    }
}

async fn found(variables: Pairs<'_>, files: Pairs<'_>) -> Result<Discovered, DiscoverError> {
    let root = tempfile::tempdir().unwrap();
    discover(&machine(root.path(), variables, files)).await
}

const PIP_A: (&str, &str) = (
    "etc/pip.conf",
    "[global]\nindex-url = https://a.example/simple\n",
);
const USER_B: (&str, &str) = (
    "home/.config/pip/pip.conf",
    "[global]\nindex_url = https://b.example/simple\n",
);
const VENV_C: (&str, &str) = (
    "venv/pip.conf",
    "[global]\nindex-url=https://c.example/simple\n",
);
const INSTALL_D: (&str, &str) = (
    "home/.pip/pip.conf",
    "[install]\nindex-url = https://d.example/simple\n",
);
const UV_E: (&str, &str) = (
    "home/.config/uv/uv.toml",
    "index-url = \"https://no.example/\"\n[[index]]\nurl = \"https://e.example/simple\"\n\
     default = true\n",
);
const UV_F: (&str, &str) = (
    "etc/uv/uv.toml",
    "index-url = \"https://f.example/simple\"\n",
);

#[tokio::test]
async fn the_most_important_place_names_the_index() {
    let env = ("PIP_INDEX_URL", "https://env.example/simple");
    let venv = ("VIRTUAL_ENV", "{root}/venv");
    let named = ("PIP_CONFIG_FILE", "{root}/etc/pip.conf");
    let cases: &[(Pairs<'_>, Pairs<'_>, &str)] = &[
        (
            &[env, venv],
            &[PIP_A, USER_B, VENV_C, INSTALL_D, UV_E],
            "env",
        ),
        (&[venv], &[PIP_A, USER_B, VENV_C, INSTALL_D, UV_E], "d"),
        (&[venv], &[PIP_A, USER_B, VENV_C, UV_E], "c"),
        (&[], &[PIP_A, USER_B, VENV_C, UV_E], "b"),
        (&[named], &[PIP_A, USER_B], "a"),
        (&[], &[PIP_A, UV_E], "a"),
        (&[("PIP_CONFIG_FILE", "/dev/null")], &[PIP_A, UV_E], "e"),
        (&[], &[UV_E, UV_F], "e"),
        (&[], &[UV_F], "f"),
        (
            &[
                ("UV_NO_CONFIG", "1"),
                ("UV_INDEX_URL", "https://g.example/"),
            ],
            &[UV_F],
            "g",
        ),
        (
            &[
                ("UV_INDEX_URL", "https://g.example/"),
                ("UV_DEFAULT_INDEX", "https://h.example/"),
            ],
            &[UV_E],
            "h",
        ),
        (
            &[("UV_CONFIG_FILE", "{root}/etc/uv/uv.toml")],
            &[UV_E, UV_F],
            "f",
        ),
        (&[("XDG_CONFIG_HOME", "{root}/xdg")], &[USER_B, PIP_A], "a"),
        (&[("PIP_INDEX_URL", "")], &[PIP_A], "a"),
    ];
    for (variables, files, host) in cases {
        let discovered = found(variables, files).await.unwrap();
        let expected = format!("{host}.example");
        assert_eq!(
            discovered.index.url.host_str(),
            Some(expected.as_str()),
            "{variables:?}"
        );
        assert!(discovered.index.url.path().ends_with('/'));
    }
}

#[tokio::test]
async fn it_is_said_where_the_index_was_found() {
    let index = found(&[("PIP_INDEX_URL", "https://env.example/simple")], &[])
        .await
        .unwrap()
        .index;
    assert_eq!(index.found_in, "PIP_INDEX_URL");
    let index = found(&[], &[UV_F]).await.unwrap().index;
    assert!(
        index.found_in.ends_with("/etc/uv/uv.toml"),
        "{}",
        index.found_in
    );
}

#[tokio::test]
async fn additional_indexes_of_all_installers_are_collected_once() {
    let files = [
        (
            "etc/pip.conf",
            "# ours\n[global]\nindex-url = https://a.example/simple\nextra-index-url =\n    \
             https://b.example/simple\n    https://c.example/simple/\ncert = /etc/ca.pem\n",
        ),
        (
            "etc/uv/uv.toml",
            "extra-index-url = [\"https://c.example/simple\"]\n[[index]]\nname = \"d\"\n\
             url = \"https://d.example/simple\"\n[[index]]\nname = \"x\"\n\
             url = \"https://x.example/simple\"\nexplicit = true\n",
        ),
    ];
    let variables = [
        (
            "UV_INDEX",
            "my.e=https://e.example/simple https://f.example/?x=1",
        ),
        ("UV_INDEX_MY_E_USERNAME", "ann"),
        ("UV_INDEX_MY_E_PASSWORD", "s3cret"),
        ("UV_EXTRA_INDEX_URL", "https://a.example/simple"),
    ];
    let discovered = found(&variables, &files).await.unwrap();
    let hosts: Vec<&str> = discovered
        .extra
        .iter()
        .filter_map(|index| index.url.host_str())
        .collect();
    assert_eq!(
        hosts,
        [
            "b.example",
            "c.example",
            "e.example",
            "f.example",
            "d.example"
        ]
    );
    assert_eq!(discovered.extra[2].name.as_deref(), Some("my.e"));
    assert_eq!(
        discovered.extra[2].credentials.as_ref().unwrap().username,
        "ann"
    );
    let ca_file = discovered.ca_file.unwrap();
    assert_eq!(ca_file.path, Path::new("/etc/ca.pem"));
    assert!(ca_file.found_in.ends_with("/etc/pip.conf"));
}

#[tokio::test]
async fn credentials_are_kept_as_secrets() {
    let url = "https://ann:s3cret@a.example/simple";
    let discovered = found(&[("PIP_INDEX_URL", url)], &[]).await.unwrap();
    assert_eq!(discovered.index.url.as_str(), "https://a.example/simple/");
    assert_eq!(
        discovered.index.credentials.as_ref().unwrap().username,
        "ann"
    );
    assert!(!format!("{discovered:?}").contains("s3cret"));
}

#[tokio::test]
async fn certificates_are_found_where_installers_find_them() {
    let index = ("PIP_INDEX_URL", "https://a.example/");
    let all = [
        ("SSL_CERT_FILE", "/ssl"),
        ("CURL_CA_BUNDLE", "/curl"),
        ("REQUESTS_CA_BUNDLE", "/requests"),
        ("PIP_CERT", "/pip"),
    ];
    for (used, (name, path)) in all.iter().enumerate() {
        let variables: Vec<_> = all[..=used].iter().copied().chain([index]).collect();
        let ca_file = found(&variables, &[]).await.unwrap().ca_file.unwrap();
        assert_eq!(
            (ca_file.path.as_path(), &*ca_file.found_in),
            (Path::new(path), *name)
        );
    }
    assert_eq!(found(&[index], &[]).await.unwrap().ca_file, None);
}

#[tokio::test]
async fn installers_are_asked_when_nothing_else_names_an_index() {
    let pip = "#!/bin/sh\n[ \"$PIP_CONFIG_FILE\" = /dev/null ] || exit 1\n[ -z \"$PIP_CERT\" ] || \
               exit 1\necho '  -i, --index-url <url>  Base URL (default'\necho '                   \
               https://pip.example/simple). More.'\n";
    let uv = "#!/bin/sh\necho '      --default-index <URL>'\necho '          The index (by default: \
              <https://uv.example/simple>) [env: X=]'\n";
    let broken = "#!/bin/sh\nexit 1\n";
    let path = ("PATH", "{root}/bin");
    for (files, host, found_in) in [
        (
            &[("bin/python3", pip), ("bin/uv", uv)][..],
            "pip.example",
            "pip's default",
        ),
        (
            &[("bin/python3", broken), ("bin/uv", uv)],
            "uv.example",
            "uv's default",
        ),
        (&[("bin/uv", uv)], "uv.example", "uv's default"),
    ] {
        let index = found(&[path, ("PIP_CERT", "/x")], files)
            .await
            .unwrap()
            .index;
        assert_eq!(
            (index.url.host_str(), &*index.found_in),
            (Some(host), found_in)
        );
    }
    let extra = ("PIP_EXTRA_INDEX_URL", "https://extra.example/simple");
    let discovered = found(&[path, extra], &[("bin/uv", uv)]).await.unwrap();
    assert_eq!(discovered.extra[0].url.host_str(), Some("extra.example"));
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_that_asks_for_an_upstream() {
    let broken_toml = (
        "etc/uv/uv.toml",
        "index-url = \"https://ann:s3cret@a.example\n",
    );
    let broken_ini = ("etc/pip.conf", "index-url https://ann:s3cret@a.example\n");
    let cases: &[(Pairs<'_>, Pairs<'_>)] = &[
        (&[], &[]),
        (
            &[("PATH", "{root}/bin")],
            &[("bin/python3", "#!/bin/sh\nexit 1\n")],
        ),
        (&[("PIP_INDEX_URL", "ann:s3cret@a.example")], &[]),
        (&[("PIP_INDEX_URL", "file:///srv/s3cret")], &[]),
        (&[], &[broken_toml]),
        (&[], &[broken_ini]),
    ];
    for (variables, files) in cases {
        let error = found(variables, files).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(
            text.contains("--upstream") && !text.contains("s3cret"),
            "{text}"
        );
    }
}
