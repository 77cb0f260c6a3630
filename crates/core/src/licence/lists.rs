//! [`LicenceLists`]: which licences an organisation allows and denies, and what that means for the licence
//! of a release. How the licence was learned is not looked at here.

use std::fmt;
use std::str::FromStr;

use spdx::LicenseId;

use super::{Choice, Licence, LicenceExpression, Term};

/// An entry of a list: an SPDX id (`MIT`, `GPL-3.0-or-later`), one with an exception, a prefix (`GPL-*`), a
/// reference (`LicenseRef-Acme`), or one of the classes `osi-approved`, `fsf-libre` and `copyleft`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicencePattern {
    text: Box<str>,
    matches: Matches,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Matches {
    /// One licence in these versions, with this exception where one is named.
    Licence(Term),
    /// Every id that begins like this, in lower case.
    Prefix(Box<str>),
    OsiApproved,
    FsfLibre,
    Copyleft,
}

/// The text is no entry of a list of licences.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an SPDX licence id (`MIT`), a prefix (`GPL-*`), or one of osi-approved, fsf-libre, copyleft"
)]
pub struct InvalidPattern(pub String);

impl FromStr for LicencePattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidPattern(text.chars().take(80).collect());
        let matches = match text {
            "osi-approved" => Matches::OsiApproved,
            "fsf-libre" => Matches::FsfLibre,
            "copyleft" => Matches::Copyleft,
            _ => match text.strip_suffix('*') {
                Some(prefix) => Matches::Prefix(prefix.to_lowercase().into()),
                None => {
                    let read = LicenceExpression::parse(text).map_err(|_| invalid())?;
                    let mut terms = read.terms();
                    match (terms.next(), terms.next()) {
                        (Some(term), None) => Matches::Licence(term.clone()),
                        _ => return Err(invalid()),
                    }
                }
            },
        };
        let text = text.into();
        Ok(Self { text, matches })
    }
}

impl fmt::Display for LicencePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// How closely an entry fits a licence.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It names the licence, or a class of licences.
    Licence,
    /// It names the licence together with its exception.
    WithException,
}

impl LicencePattern {
    /// An entry without an exception also fits the licence with one, since an exception adds permissions;
    /// additions that are not SPDX's may do anything, and have to be named.
    fn fit(&self, choice: &Choice) -> Option<Fit> {
        let id = || spdx_id(&choice.id);
        let fits = match &self.matches {
            Matches::Licence(term) => return fit_of_term(term, choice),
            Matches::Prefix(prefix) => choice.id.to_lowercase().starts_with(&**prefix),
            Matches::OsiApproved => id().is_some_and(LicenseId::is_osi_approved),
            Matches::FsfLibre => id().is_some_and(LicenseId::is_fsf_free_libre),
            Matches::Copyleft => id().is_some_and(LicenseId::is_copyleft),
        };
        fits.then_some(Fit::Licence)
    }
}

fn fit_of_term(term: &Term, choice: &Choice) -> Option<Fit> {
    let named = term.choices.iter().find(|entry| entry.id == choice.id)?;
    match (&named.exception, &choice.exception) {
        (None, None) => Some(Fit::Licence),
        (None, Some(exception)) => is_spdx_exception(exception).then_some(Fit::Licence),
        (Some(_), None) => None,
        (Some(entry), Some(exception)) => (entry == exception).then_some(Fit::WithException),
    }
}

fn is_spdx_exception(name: &str) -> bool {
    spdx::exception_id(name).is_some()
}

/// The id with its flags; those of the GNU family carry them in both forms.
fn spdx_id(base: &str) -> Option<LicenseId> {
    spdx::license_id(&format!("{base}-only")).or_else(|| spdx::license_id(base))
}

/// What may be used and what may not. Without entries under `allow`, everything may that is not denied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LicenceLists {
    /// What may be used.
    pub allow: Vec<LicencePattern>,
    /// What may not; an entry here outweighs one there, unless that one names the exception.
    pub deny: Vec<LicencePattern>,
}

/// What the lists say of a licence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be used, whatever it turns out to be.
    Accepted,
    /// It may not be used, whatever it turns out to be: the licences that stand in the way.
    Refused(Vec<Box<str>>),
    /// Nobody can say, and why.
    Unknown(String),
}

impl LicenceLists {
    /// Whether there is anything to compare with.
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    /// What the lists say of the licence of a release. A doubt counts only where it matters: where all
    /// that a vague word may mean is accepted, it is.
    pub fn judge(&self, licence: &Licence) -> Verdict {
        let accepted = |reading: &&LicenceExpression| self.accepts(reading);
        let (good, all) = (
            licence.readings.iter().filter(accepted).count(),
            licence.readings.len(),
        );
        match (good, all) {
            (_, 0) => Verdict::Unknown(licence.title()),
            (good, all) if good == all => self.unless_contradicted(licence),
            (0, _) => Verdict::Refused(self.in_the_way(licence)),
            _ => Verdict::Unknown(licence.title()),
        }
    }

    /// Another source may say something that is not accepted; which of them is right is not known then.
    fn unless_contradicted(&self, licence: &Licence) -> Verdict {
        if licence.conflicts.is_empty() {
            return Verdict::Accepted;
        }
        let sources = licence.sources.iter();
        let mut having = sources.filter(|source| !source.readings.is_empty());
        match having.all(|source| source.readings.iter().any(|reading| self.accepts(reading))) {
            true => Verdict::Accepted,
            false => Verdict::Unknown(licence.conflicts[0].to_string()),
        }
    }

    fn accepts(&self, expression: &LicenceExpression) -> bool {
        expression.is_met(|term| self.accepts_term(term))
    }

    fn accepts_term(&self, term: &Term) -> bool {
        term.choices
            .iter()
            .any(|choice| self.accepts_choice(choice))
    }

    fn accepts_choice(&self, choice: &Choice) -> bool {
        let best =
            |list: &[LicencePattern]| list.iter().filter_map(|entry| entry.fit(choice)).max();
        match (best(&self.allow), best(&self.deny)) {
            (allowed, Some(denied)) => allowed.is_some_and(|allowed| allowed > denied),
            (Some(_), None) => true,
            (None, None) => self.allow.is_empty(),
        }
    }

    /// The licences that are not accepted, each once.
    fn in_the_way(&self, licence: &Licence) -> Vec<Box<str>> {
        let terms = licence.readings.iter().flat_map(LicenceExpression::terms);
        let mut found: Vec<Box<str>> = Vec::new();
        for term in terms.filter(|term| !self.accepts_term(term)) {
            if !found.contains(&term.text) {
                found.push(term.text.clone());
            }
        }
        found
    }
}
