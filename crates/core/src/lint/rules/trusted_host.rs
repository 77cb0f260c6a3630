//! `trusted-host`: an installer that is told not to check the certificate of a host.

use crate::inspection::Severity;
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
    matches!(setting.key.as_str(), "trusted-host" | "allow-insecure-host")
}
