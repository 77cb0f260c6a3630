//! Configuration from file, environment and flags.

use super::*;

const ISSUE: &str = r#"
listen = "127.0.0.1:9090"
data = "./somewhere"
[sources.internal]
kind = "hosted"
[sources.pypi]
kind = "upstream"
url = "https://user:secret@pypi.example/simple"
[indexes.main]
default = true
sources = ["internal", "pypi"]
policy = "policy.toml"
[names]
owned = ["acme-*"]
"#;

fn parse(text: &str, overrides: &Overrides) -> Result<Config, ConfigError> {
    Config::parse(
        text,
        Path::new("/etc/portcullis/portcullis.toml"),
        overrides,
    )
}

fn shown(config: &Config) -> String {
    let line = |shown: &Shown| format!("{} = {} ({})\n", shown.key, shown.value, shown.origin);
    let mut lines: Vec<String> = config.shown.iter().map(line).collect();
    lines.sort();
    lines.concat()
}

#[test]
fn the_shape_of_the_documentation_is_read_and_secrets_are_not_shown() {
    let config = parse(ISSUE, &Overrides::default()).expect("a sound configuration");
    assert_eq!(config.indexes.len(), 1);
    assert_eq!(config.data, Path::new("/etc/portcullis/./somewhere"));
    insta::assert_snapshot!(shown(&config));
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let mut overrides = Overrides::default();
    overrides
        .environment
        .insert("PORTCULLIS_LISTEN".into(), "127.0.0.1:1".into());
    overrides
        .environment
        .insert("PORTCULLIS_DATA".into(), "/from/env".into());
    overrides.listen = Some("127.0.0.1:2".into());
    overrides.upstream = Some("http://127.0.0.1:3/simple".into());
    let config = parse(ISSUE, &overrides).expect("a sound configuration");
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.data, Path::new("/from/env"));
    insta::assert_snapshot!(shown(&config));
}

#[test]
fn nothing_at_all_is_a_configuration() {
    let config = parse("", &Overrides::default()).expect("the defaults");
    assert_eq!(config.reading, Reading::Anonymous);
    assert_eq!(config.undiscovered().len(), 1);
    let public = parse("listen = '0.0.0.0:80'", &Overrides::default()).expect("sound");
    assert_eq!(public.reading, Reading::WithToken);
}

#[test]
fn mistakes_are_shown_together() {
    let text = r#"
listen = "here"
lisen = 1
[sources.a]
kind = "cloud"
[sources.b]
kind = "upstream"
url = "ftp://b.example/"
netrc = true
password-env = "B"
[indexes.simple]
default = true
sources = ["c"]
"#;
    let error = parse(text, &Overrides::default()).expect_err("mistakes");
    insta::assert_snapshot!(error.to_string());
}

#[test]
fn an_upstream_flag_needs_one_upstream() {
    let text = "[sources.a]\nkind = 'upstream'\n[sources.b]\nkind = 'upstream'\n";
    let overrides = Overrides {
        upstream: Some("http://x.example".into()),
        ..Overrides::default()
    };
    let error = parse(text, &overrides).expect_err("two upstreams");
    insta::assert_snapshot!(error.to_string(), @"--upstream: the configuration has 2 upstream sources; give each its url there");
}
