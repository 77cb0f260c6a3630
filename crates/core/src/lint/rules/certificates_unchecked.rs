//! `certificates-unchecked`: a download that takes any certificate.

use super::invoked::{self, program, program_name};
use crate::inspection::Severity;
use crate::lint::contents::{Command, Setting, Span};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct CertificatesUnchecked;

impl Rule for CertificatesUnchecked {
    fn id(&self) -> &'static str {
        "certificates-unchecked"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "certificates are not checked"
    }

    fn manual(&self) -> &'static str {
        "`curl -k`, `wget --no-check-certificate`, `PYTHONHTTPSVERIFY=0`, `GIT_SSL_NO_VERIFY`, \
         `http.sslVerify=false` and an empty `--cert` or `CURL_CA_BUNDLE` all say the same: whoever is on the \
         way may answer. Settings of installers by host are found by `trusted-host`.\n\n\
         Name the authority that signed the certificate: `--cacert`, `SSL_CERT_FILE`, `GIT_SSL_CAINFO`. This \
         machine itself (`localhost`) may have any certificate."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "a.sh",
            "curl -k -O https://packages.acme.example/tool.tar.gz\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let settings = file.contents.settings.iter().filter(|one| is_switch(one));
            let by_settings = settings.map(|one| (one.at.clone(), Severity::High));
            let commands = file.contents.commands.iter();
            let by_commands = commands
                .filter_map(unchecked)
                .map(|at| (at, Severity::Medium));
            let findings = by_settings.chain(by_commands).map(|(at, severity)| {
                Finding::new(self, file, &at, "any certificate is accepted")
                    .severity(severity)
                    .because("whoever is on the way can answer in the server's place")
                    .help("name the authority that signed the certificate instead")
            });
            found.extend(invoked::together(findings.collect()));
        }
    }
}

fn is_switch(one: &Setting) -> bool {
    match one.key.as_str() {
        "pythonhttpsverify" | "git-ssl-no-verify" | "curl-ca-bundle" => true,
        "ssl-verify" | "ssl_verify" => one.is_off(),
        // What stands in configuration files is `certificates-off`'s.
        key if key.starts_with("certificates.") && key.ends_with(".cert") => {
            one.by.is_some() && one.is_off()
        }
        _ => false,
    }
}

/// The word that switches certificates off.
fn unchecked(command: &Command) -> Option<Span> {
    let arguments = command
        .words
        .get(program(command) + 1..)
        .unwrap_or_default();
    let is_local = arguments.iter().any(|word| {
        let url = word.text.trim_start_matches("https://");
        ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"]
            .iter()
            .any(|host| url.starts_with(host))
    });
    let switch = match program_name(command) {
        "curl" => arguments.iter().find(|word| {
            let letters = word
                .text
                .strip_prefix('-')
                .filter(|rest| !rest.starts_with('-'));
            let is_short = letters.is_some_and(|rest| {
                rest.contains('k')
                    && rest
                        .chars()
                        .all(|letter| "kLsSfOjJvigN#qR".contains(letter))
            });
            word.text == "--insecure" || is_short
        }),
        "wget" => arguments
            .iter()
            .find(|word| word.text == "--no-check-certificate"),
        "git" => arguments.windows(2).find_map(|pair| {
            let text = pair[0].text.to_ascii_lowercase();
            let is_off = text == "http.sslverify" && pair[1].text == "false";
            (is_off || pair[1].text.eq_ignore_ascii_case("http.sslverify=false"))
                .then_some(&pair[1])
        }),
        _ => None,
    };
    switch.filter(|_| !is_local).map(|word| word.at.clone())
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{marked_by, project};

    #[test]
    fn it_finds_what_it_should() {
        for (files, expected) in [
            (
                vec![(
                    "a.sh",
                    "curl -sk https://a.example/x\ncurl -k https://localhost:8443/health\ncurl -sS https://a.example\n",
                )],
                vec!["-sk"] as Vec<&str>,
            ),
            (
                vec![("a.sh", "wget --no-check-certificate https://a.example\n")],
                vec!["--no-check-certificate"] as Vec<&str>,
            ),
            (
                vec![("a.sh", "git config --global http.sslVerify false\n")],
                vec!["false"] as Vec<&str>,
            ),
            (
                vec![(
                    "a.sh",
                    "export PYTHONHTTPSVERIFY=0\nexport GIT_SSL_NO_VERIFY=false\n",
                )],
                vec!["PYTHONHTTPSVERIFY=0"] as Vec<&str>,
            ),
            (
                vec![("a.sh", "curl -o k https://a.example/k\n")],
                vec![] as Vec<&str>,
            ),
        ] {
            assert_eq!(
                marked_by("certificates-unchecked", &project(&files)),
                expected,
                "{files:?}"
            );
        }
    }
}
