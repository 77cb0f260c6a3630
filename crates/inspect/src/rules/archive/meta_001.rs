//! `META-001`: the author has a disposable e-mail address.

use portcullis_core::inspection::{Observation, Severity};

use super::{ArchiveRule, Seen};
use crate::archive::survey::Survey;

/// The rule.
pub(super) struct DisposableAddress;

impl ArchiveRule for DisposableAddress {
    fn id(&self) -> &'static str {
        "META-001"
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn title(&self) -> &'static str {
        "the author has a disposable e-mail address"
    }

    fn manual(&self) -> &'static str {
        "An address of the metadata is of a service for addresses that last for minutes.\n\n\
         Honest authors want to be reached. By itself this is information; beside other \
         observations it counts."
    }

    fn check(&self, survey: &Survey, observations: &mut Vec<Observation>) {
        let Some((file, metadata)) = survey.metadata() else {
            return;
        };
        let addresses = [&metadata.author_email, &metadata.maintainer_email];
        for address in addresses.into_iter().flatten() {
            let lower = address.to_ascii_lowercase();
            let is_disposable = |domain: &&&str| {
                lower
                    .split(['@', '>', ',', ' ', '<'])
                    .any(|part| part == **domain)
            };
            if let Some(domain) = DOMAINS.iter().find(is_disposable) {
                let message = format!("an address at {domain}");
                observations.push(Seen::file(file).marked(domain).observe(
                    self,
                    Severity::Info,
                    60,
                    message,
                ));
            }
        }
    }
}

const DOMAINS: &[&str] = &[
    "10minutemail.com",
    "dispostable.com",
    "emailondeck.com",
    "fakeinbox.com",
    "getnada.com",
    "guerrillamail.com",
    "guerrillamail.net",
    "mailcatch.com",
    "maildrop.cc",
    "mailinator.com",
    "mailnesia.com",
    "mintemail.com",
    "mohmal.com",
    "moakt.com",
    "sharklasers.com",
    "spamgourmet.com",
    "temp-mail.org",
    "tempail.com",
    "tempmail.com",
    "tempmailo.com",
    "tempr.email",
    "throwawaymail.com",
    "trashmail.com",
    "yopmail.com",
];
