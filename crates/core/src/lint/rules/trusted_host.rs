//! `trusted-host`: an installer that is told not to check the certificate of a host.

use crate::inspection::Severity;
use crate::lint::address::Address;
use crate::lint::contents::Setting;
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct TrustedHost;

impl Rule for TrustedHost {
    fn id(&self) -> &'static str {
        "trusted-host"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "an installer does not check the certificate of a host"
    }

    fn manual(&self) -> &'static str {
        "`trusted-host` of pip and `allow-insecure-host` of uv switch off certificates, and plain HTTP becomes \
         acceptable for the host. Whoever is on the way can then answer in its place.\n\n\
         Give the host a certificate that is trusted, or name your own authority: `--cert` of pip, \
         `SSL_CERT_FILE` of uv."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "--trusted-host packages.acme.example\nflask==3.1.0\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let settings = file.contents.settings.iter();
            let trusting = settings.filter(|setting| trusts(setting));
            found.extend(trusting.map(|setting| {
                let host = &setting.value;
                Finding::new(
                    self,
                    file,
                    &setting.at,
                    format!("{} accepts any certificate of {host}", setting.tool),
                )
                .because("whoever is on the way can answer in its place")
                .help("name the authority that signed its certificate (pip: --cert; uv: SSL_CERT_FILE)")
            }));
        }
    }
}

fn trusts(setting: &Setting) -> bool {
    let is_trust = matches!(setting.key.as_str(), "trusted-host" | "allow-insecure-host");
    // Nobody is on the way to this machine.
    let url = format!("https://{}/", setting.value);
    is_trust && !Address::of(&url).is_some_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn a_trusted_host_is_found_unless_it_is_this_machine() {
        let text = "[global]\ntrusted-host = localhost 127.0.0.1:3141\n    a.example\n";
        let found = found_by("trusted-host", &project(&[("pip.conf", text)]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].starts_with("pip.conf:2: pip accepts any certificate of a.example"));
        let text = "allow-insecure-host = [\"b.example\"]\n";
        assert_eq!(
            found_by("trusted-host", &project(&[("uv.toml", text)])).len(),
            1
        );
    }
}
