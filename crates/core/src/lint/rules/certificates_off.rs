//! `certificates-off`: an index or repository whose certificate is not checked.

use crate::inspection::Severity;
use crate::lint::address::Address;
use crate::lint::contents::{Contents, Setting, Tool};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct CertificatesOff;

impl Rule for CertificatesOff {
    fn id(&self) -> &'static str {
        "certificates-off"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "the certificate of an index or repository is not checked"
    }

    fn manual(&self) -> &'static str {
        "`verify_ssl = false` of pipenv and pdm and `certificates.NAME.cert = false` of poetry \
         make the installer believe whoever answers in the place of the host.\n\nName the \
         authority that signed the certificate: `REQUESTS_CA_BUNDLE` for pipenv, `ca_certs` for \
         pdm, `certificates.NAME.cert` with a path for poetry. Plain HTTP has no certificate; \
         `plain-http` speaks of it."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "Pipfile",
            "[[source]]\nname = \"acme\"\nurl = \"https://packages.acme.example/simple\"\nverify_ssl = false\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let settings = file.contents.settings.iter();
            let off = settings.filter(|setting| switches_off(setting, &file.contents));
            found.extend(off.map(|setting| {
                let message = format!(
                    "{} does not check the certificate of this host",
                    setting.tool
                );
                Finding::new(self, file, &setting.at, message)
                    .because("whoever is on the way can answer in its place")
                    .help(help(setting.tool))
            }));
        }
    }
}

fn switches_off(setting: &Setting, contents: &Contents) -> bool {
    let is_of_poetry = setting.tool == Tool::Poetry
        && setting.key.starts_with("certificates.")
        && setting.key.ends_with(".cert");
    let is_verification = setting.key == "verify-ssl" || is_of_poetry;
    is_verification && setting.is_off() && (is_of_poetry || !has_none(setting, contents))
}

/// Whether the index that the setting belongs to, which is the last one before it, has no certificate anyway.
fn has_none(setting: &Setting, contents: &Contents) -> bool {
    let places = contents.places.iter();
    let before =
        places.filter(|place| place.tool == setting.tool && place.at.start <= setting.at.start);
    let last = before.max_by_key(|place| place.at.start);
    let address = last.and_then(|place| Address::of(&place.url));
    address.is_some_and(|address| address.is_plain_http() || address.is_loopback())
}

fn help(tool: Tool) -> &'static str {
    match tool {
        Tool::Poetry => "give `certificates.NAME.cert` the path of the authority that signed it",
        Tool::Pdm => "name the authority that signed it with `ca_certs`",
        _ => "name the authority that signed it with the variable REQUESTS_CA_BUNDLE",
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn a_certificate_that_is_not_checked_is_found() {
        let pipfile =
            |url: &str, rest: &str| format!("[[source]]\nname = \"a\"\nurl = \"{url}\"\n{rest}\n");
        for (path, text, expected) in [
            (
                "Pipfile",
                pipfile("https://a.example/", "verify_ssl = false"),
                1,
            ),
            (
                "Pipfile",
                pipfile("https://a.example/", "verify_ssl = true"),
                0,
            ),
            (
                "Pipfile",
                pipfile("http://127.0.0.1:3141/", "verify_ssl = false"),
                0,
            ),
            (
                "poetry.toml",
                "[certificates.acme]\ncert = false\n".to_owned(),
                1,
            ),
            (
                "poetry.toml",
                "[certificates.acme]\ncert = \"ca.pem\"\n".to_owned(),
                0,
            ),
            (
                "pdm.toml",
                "[pypi]\nurl = \"https://a.example/\"\nverify_ssl = false\n".to_owned(),
                1,
            ),
        ] {
            let found = found_by("certificates-off", &project(&[(path, &text)]));
            assert_eq!(found.len(), expected, "{path} {text}: {found:?}");
        }
    }
}
