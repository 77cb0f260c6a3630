//! Variables of the environment by which installers are set: `PIP_*`, `UV_*`, `POETRY_*`, `PDM_*`, `PIPENV_*`,
//! `TWINE_*`, `FLIT_*`, `HATCH_*`, and those that switch off certificates for whoever reads them.

use super::options::{self, Given};
use crate::lint::contents::{Contents, InvocationId, Secret, Setting, Span, Tool};

/// Takes the variable `name`, which is set to `value`. `at` is the place of both.
pub(super) fn variable(
    (name, value): (&str, &str),
    (at, value_at): (Span, Span),
    by: Option<InvocationId>,
    contents: &mut Contents,
) {
    if let Some((tool, key)) = certificates(name, value) {
        contents.settings.push(Setting {
            tool,
            key: key.to_owned(),
            value: value.to_owned(),
            at,
            value_at,
            by,
        });
        return;
    }
    let Some((tool, rest)) = owner(name) else {
        return;
    };
    if let Some(what) = secret(tool, rest) {
        match is_readable(value) {
            true => contents.secrets.push(Secret { what, at: value_at }),
            // That one is used says something, too, although nobody can read it.
            false => contents.settings.push(Setting {
                tool,
                key: "password".to_owned(),
                value: value.to_owned(),
                at,
                value_at,
                by,
            }),
        }
        return;
    }
    let key = key(tool, rest);
    let is_list = takes_several(&key);
    let value_is_plain = value_at.len() == value.len();
    for part in parts(value, is_list) {
        let part_at = match value_is_plain {
            true => value_at.start + part.start..value_at.start + part.end,
            false => value_at.clone(),
        };
        let given = Given {
            tool,
            key: &key,
            value: &value[part],
            at: at.clone(),
            value_at: part_at,
            by,
        };
        named_or_not(given, contents);
    }
}

/// Takes an option. uv's indexes may be given as `name=URL`.
pub(super) fn named_or_not(given: Given<'_>, contents: &mut Contents) {
    let is_index = given.tool == Tool::Uv && matches!(given.key, "index" | "default-index");
    let named = given.value.split_once('=').filter(|(name, _)| {
        let is_part = |part: char| part.is_ascii_alphanumeric() || "-_.".contains(part);
        !name.is_empty() && name.chars().all(is_part)
    });
    let Some((name, url)) = named.filter(|_| is_index) else {
        options::option(given, contents);
        return;
    };
    let is_plain = given.value_at.len() == given.value.len();
    let from = if is_plain { name.len() + 1 } else { 0 };
    let value_at = given.value_at.start + from..given.value_at.end;
    let before = contents.places.len();
    let given = Given {
        value: url,
        value_at,
        ..given
    };
    options::option(given, contents);
    for place in &mut contents.places[before..] {
        place.name = Some(name.to_owned());
    }
}

/// Whether a password is one that people can read: no variable, and no stand-in for one.
pub(in crate::lint) fn is_readable(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let stand_ins = [
        "your",
        "changeme",
        "example",
        "placeholder",
        "dummy",
        "token>",
        "redacted",
    ];
    let is_stand_in = stand_ins.iter().any(|word| lower.contains(word));
    let is_blank = value.chars().all(|part| "*xX.<>_-".contains(part));
    let is_expanded = value.contains(['$', '%', '`']) || value.contains("{{");
    !value.is_empty() && !is_blank && !is_expanded && !is_stand_in
}

/// Variables by which certificates are not checked.
fn certificates(name: &str, value: &str) -> Option<(Tool, &'static str)> {
    let is_off = matches!(
        value.to_ascii_lowercase().as_str(),
        "0" | "false" | "no" | "off"
    );
    match name {
        "PYTHONHTTPSVERIFY" if value == "0" => Some((Tool::Pip, "pythonhttpsverify")),
        "GIT_SSL_NO_VERIFY" if !is_off && !value.is_empty() => {
            Some((Tool::Pip, "git-ssl-no-verify"))
        }
        "CONDA_SSL_VERIFY" if is_off => Some((Tool::Conda, "ssl-verify")),
        "CURL_CA_BUNDLE" if value.is_empty() => Some((Tool::Pip, "curl-ca-bundle")),
        "UV_INSECURE_HOST" if !value.is_empty() => Some((Tool::Uv, "allow-insecure-host")),
        _ if name.starts_with("POETRY_CERTIFICATES_") && name.ends_with("_CERT") && is_off => {
            Some((Tool::Poetry, "certificates-cert"))
        }
        _ => None,
    }
}

/// Whose variable it is, and its name without that.
fn owner(name: &str) -> Option<(Tool, &str)> {
    let prefixes = [
        ("PIPENV_", Tool::Pipenv),
        ("PIP_", Tool::Pip),
        ("UV_", Tool::Uv),
        ("POETRY_", Tool::Poetry),
        ("PDM_", Tool::Pdm),
        ("TWINE_", Tool::Twine),
        ("FLIT_", Tool::Flit),
        ("HATCH_", Tool::Hatch),
        ("PIPX_", Tool::Pipx),
        ("CONDA_", Tool::Conda),
    ];
    let mut owners = prefixes.iter();
    owners.find_map(|(prefix, tool)| Some((*tool, name.strip_prefix(prefix)?)))
}

/// What a variable is a secret of.
fn secret(tool: Tool, rest: &str) -> Option<String> {
    let is_secret = match tool {
        Tool::Uv => {
            matches!(rest, "PUBLISH_PASSWORD" | "PUBLISH_TOKEN")
                || rest.starts_with("INDEX_") && rest.ends_with("_PASSWORD")
        }
        Tool::Poetry => {
            rest.starts_with("PYPI_TOKEN_")
                || rest.starts_with("HTTP_BASIC_") && rest.ends_with("_PASSWORD")
        }
        Tool::Pdm => matches!(rest, "PUBLISH_PASSWORD" | "PYPI_PASSWORD"),
        Tool::Twine | Tool::Flit => rest == "PASSWORD",
        Tool::Hatch => rest == "INDEX_AUTH",
        _ => false,
    };
    is_secret.then(|| format!("password of {tool}"))
}

/// The name of the option that a variable stands for.
fn key(tool: Tool, rest: &str) -> String {
    let key = rest.to_ascii_lowercase().replace('_', "-");
    match (tool, key.as_str()) {
        (Tool::Flit, "index-url") | (Tool::Hatch, "index-repo") | (Tool::Pdm, "publish-repo") => {
            "repository-url".to_owned()
        }
        (Tool::Uv, "index-url") => "default-index".to_owned(),
        (Tool::Poetry, key) if key.starts_with("repositories-") && key.ends_with("-url") => {
            "repository-url".to_owned()
        }
        _ => key,
    }
}

/// Options of which a variable may hold several, with spaces between.
fn takes_several(key: &str) -> bool {
    matches!(
        key,
        "extra-index-url"
            | "find-links"
            | "trusted-host"
            | "index"
            | "requirement"
            | "constraint"
            | "build-constraint"
            | "override"
    )
}

/// The places of the values in `value`.
fn parts(value: &str, is_list: bool) -> Vec<Span> {
    if !is_list {
        let start = value.len() - value.trim_start().len();
        let whole = start..start + value.trim().len();
        return Vec::from([whole]);
    }
    let mut start = 0;
    let words = value.split(char::is_whitespace).map(|word| {
        let from = start;
        // Every white space that separates is as long as it is written.
        let behind = value[from + word.len()..].chars().next();
        start = from + word.len() + behind.map_or(0, char::len_utf8);
        from..from + word.len()
    });
    words.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::contents::PlaceRole;

    fn read(name: &str, value: &str) -> Contents {
        let mut contents = Contents::default();
        let at = 0..name.len() + 1 + value.len();
        variable(
            (name, value),
            (at, name.len() + 1..name.len() + 1 + value.len()),
            None,
            &mut contents,
        );
        contents
    }

    #[test]
    fn places_stand_in_variables() {
        for (name, value, url, role) in [
            (
                "PIP_INDEX_URL",
                "https://a.example/s",
                "https://a.example/s",
                PlaceRole::Default,
            ),
            (
                "UV_DEFAULT_INDEX",
                "acme=https://a.example/s",
                "https://a.example/s",
                PlaceRole::Default,
            ),
            (
                "UV_INDEX",
                "https://a.example/s",
                "https://a.example/s",
                PlaceRole::Ordered,
            ),
            (
                "UV_INDEX_URL",
                "https://a.example/s",
                "https://a.example/s",
                PlaceRole::Default,
            ),
            (
                "TWINE_REPOSITORY_URL",
                "https://a.example/u",
                "https://a.example/u",
                PlaceRole::Upload,
            ),
            (
                "PDM_PYPI_URL",
                "https://a.example/s",
                "https://a.example/s",
                PlaceRole::Default,
            ),
        ] {
            let contents = read(name, value);
            let place = &contents.places[0];
            assert_eq!((place.url.as_str(), place.role), (url, role), "{name}");
            assert_eq!(place.url_at.len(), url.len(), "{name}");
        }
        let both = read(
            "PIP_EXTRA_INDEX_URL",
            "https://a.example  https://b.example",
        );
        assert_eq!(both.places.len(), 2);
        assert_eq!(both.places[1].url_at, 39..56);
    }

    #[test]
    fn secrets_are_those_that_can_be_read() {
        for (name, value, expected) in [
            ("TWINE_PASSWORD", "hunter2", 1),
            ("TWINE_PASSWORD", "$PYPI", 0),
            ("UV_INDEX_ACME_PASSWORD", "${{ secrets.A }}", 0),
            ("UV_INDEX_ACME_PASSWORD", "s3cret", 1),
            ("POETRY_PYPI_TOKEN_PYPI", "<your-token>", 0),
            ("TWINE_USERNAME", "me", 0),
        ] {
            assert_eq!(read(name, value).secrets.len(), expected, "{name}={value}");
        }
    }

    #[test]
    fn settings_are_named_as_options_are() {
        for (name, value, key) in [
            ("PIP_REQUIRE_HASHES", "1", Some("require-hashes")),
            ("PIP_TRUSTED_HOST", "a.example", Some("trusted-host")),
            ("UV_LOCKED", "true", Some("locked")),
            ("PYTHONHTTPSVERIFY", "0", Some("pythonhttpsverify")),
            ("PYTHONHTTPSVERIFY", "1", None),
            ("GIT_SSL_NO_VERIFY", "true", Some("git-ssl-no-verify")),
            ("PATH", "/bin", None),
        ] {
            let contents = read(name, value);
            let found = contents.settings.first().map(|one| one.key.as_str());
            assert_eq!(found, key, "{name}");
        }
    }
}
