//! Bills of materials of an [`Inventory`], as CycloneDX 1.6 (ECMA-424) and SPDX 2.3 (ISO/IEC 5962), both as
//! JSON. The same inventory always makes the same document: moments and serial numbers are arguments.
//!
//! Reading bills of materials is `pypi::lockfile`'s.

use std::collections::{BTreeSet, HashMap};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;
use uuid::Uuid;

use crate::digest::Sha256;
use crate::inventory::{Component, Inventory, Provenance};
use crate::licence::Licence;
use crate::pypi::lockfile::{Elsewhere, LockedFile};
use crate::pypi::name::ProjectName;
use crate::pypi::version::Version;
use crate::time::Timestamp;

mod cyclonedx;
mod spdx;

pub use cyclonedx::cyclonedx;
pub use spdx::spdx;

/// What stands for itself in a package URL (ECMA-427): `.`, `-`, `_`, `~`, and `:` where it cannot mean more.
const PURL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'.')
    .remove(b'-')
    .remove(b'_')
    .remove(b'~')
    .remove(b':');

/// What stands for itself in the path of a reference.
const PATH: &AsciiSet = &PURL
    .remove(b'/')
    .remove(b'+')
    .remove(b'@')
    .remove(b'=')
    .add(b':');

/// What a bill of materials is made of.
#[derive(Clone, Debug)]
pub struct Bill<'b> {
    /// The components.
    pub inventory: &'b Inventory,
    /// What they are the components of, where the inventory itself does not say.
    pub subject: &'b str,
    /// The version of Portcullis, which makes it.
    pub tool_version: &'b str,
    /// When it is made; `None` for a document that does not depend on that.
    pub made_at: Option<Timestamp>,
    /// A UUID that no other document has; `None` for a document without one.
    pub serial: Option<Uuid>,
    /// What a gateway says of the components.
    pub decisions: &'b Decisions,
}

/// What a gateway says of releases.
pub type Decisions = HashMap<(ProjectName, Version), GatewayDecision>;

/// What a gateway says of a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayDecision {
    /// `allow`, `warn`, `hold` or `deny`; `absent` where it has no such release, `unknown` where it cannot tell.
    pub decision: String,
    /// The same in a sentence, or why it cannot tell.
    pub sentence: Option<String>,
    /// The rules that speak against it.
    pub rules: Vec<String>,
    /// What keeps rules from speaking against it: waivers of reviewers and exceptions of the policy, in words.
    pub waivers: Vec<String>,
    /// Its licence by the metadata that the gateway has, for where the input tells none.
    pub licence: Option<Licence>,
}

/// Who is in the graph, and who wants whom.
struct Graph<'b> {
    /// The project that all others are the components of, where the inventory has it.
    root: Option<&'b Component>,
    /// All others, in the order of their names and versions.
    components: Vec<&'b Component>,
    by_project: HashMap<&'b ProjectName, Vec<usize>>,
}

impl<'b> Graph<'b> {
    fn of(inventory: &'b Inventory) -> Self {
        let mut own = inventory.components.iter().filter(|one| one.is_itself());
        let root = own.next().filter(|_| own.next().is_none());
        let is_root = |one: &&Component| root.is_some_and(|root| std::ptr::eq(root, *one));
        let components = inventory.components.iter().filter(|one| !is_root(one));
        let mut components: Vec<&Component> = components.collect();
        components.sort_by(|a, b| {
            let key = |one: &'b Component| (&one.project, &one.version);
            key(a).cmp(&key(b))
        });
        let mut by_project: HashMap<&ProjectName, Vec<usize>> = HashMap::new();
        for (position, component) in components.iter().enumerate() {
            by_project
                .entry(&component.project)
                .or_default()
                .push(position);
        }
        Self {
            root,
            components,
            by_project,
        }
    }

    /// The positions of what `component` wants, in order.
    fn wanted_by(&self, component: &Component) -> BTreeSet<usize> {
        let wanted = component.dependencies.iter();
        let places = wanted.filter_map(|project| self.by_project.get(project));
        places.flatten().copied().collect()
    }

    /// The positions of what the root wants: what it names, and else what nobody else wants. In a ring nobody
    /// is wanted by nobody, so that then it is all of them.
    fn wanted_by_root(&self) -> BTreeSet<usize> {
        let named = self
            .root
            .map(|root| self.wanted_by(root))
            .unwrap_or_default();
        if !named.is_empty() {
            return named;
        }
        let wanted: BTreeSet<usize> = self
            .components
            .iter()
            .enumerate()
            .flat_map(|(at, one)| {
                let mut wanted = self.wanted_by(one);
                wanted.remove(&at);
                wanted
            })
            .collect();
        let all = 0..self.components.len();
        let unwanted: BTreeSet<usize> = all.clone().filter(|at| !wanted.contains(at)).collect();
        match unwanted.is_empty() {
            true => all.collect(),
            false => unwanted,
        }
    }
}

/// The package URL of a component, with where it comes from when that is no index.
fn purl(component: &Component) -> String {
    let mut purl = bare_purl(component);
    let qualifier = match &component.origin {
        Provenance::Elsewhere(Elsewhere::Url(url)) => Some(("download_url", without_secrets(url))),
        Provenance::Elsewhere(Elsewhere::Vcs { kind, url, commit }) => {
            Some(("vcs_url", vcs_url(kind, url, commit.as_deref())))
        }
        _ => None,
    };
    if let Some((key, value)) = qualifier {
        let value = utf8_percent_encode(&value, PURL);
        purl.push_str(&format!("?{key}={value}"));
    }
    purl
}

/// The package URL of one file of a component.
fn purl_of_file(component: &Component, file: &LockedFile) -> Option<String> {
    let mut qualifiers = Vec::new();
    if let Some(sha256) = file.sha256 {
        qualifiers.push(format!("checksum=sha256:{sha256}"));
    }
    let name = utf8_percent_encode(file.filename.as_deref()?, PURL).to_string();
    qualifiers.push(format!("file_name={name}"));
    Some(format!("{}?{}", bare_purl(component), qualifiers.join("&")))
}

fn bare_purl(component: &Component) -> String {
    let name = &component.project;
    match &component.version {
        Some(version) => {
            let version = version.to_string();
            format!("pkg:pypi/{name}@{}", utf8_percent_encode(&version, PURL))
        }
        None => format!("pkg:pypi/{name}"),
    }
}

/// `git+https://git.example/x@COMMIT`, as pip and SPDX spell it.
fn vcs_url(kind: &str, url: &str, commit: Option<&str>) -> String {
    let url = without_secrets(url);
    let url = match url.split_once('+') {
        Some((before, _)) if before == kind => url,
        _ => format!("{kind}+{url}"),
    };
    match commit {
        Some(commit) => format!("{url}@{commit}"),
        None => url,
    }
}

/// An address without the credentials in it. What is no address is left as it is, but for what stands before
/// an `@`, which may be a password.
fn without_secrets(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else {
        return match (text.split_once("://"), text.rsplit_once('@')) {
            (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
            _ => text.to_owned(),
        };
    };
    // `git` in `ssh://git@host` is no secret, and without it nobody gets in.
    let is_bare_user = url.password().is_none() && url.scheme().ends_with("ssh");
    if !is_bare_user && (url.password().is_some() || !url.username().is_empty()) {
        // Both fail only for addresses that cannot have credentials.
        let _ = url.set_password(None);
        let _ = url.set_username("");
        return url.to_string();
    }
    text.to_owned()
}

/// A name of a file as a relative reference.
fn reference(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// A UUID that is told by what it stands for (RFC 9562, version 8).
fn uuid_of(content: &[u8]) -> Uuid {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Sha256::of(content).as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// A moment to the second, as both formats want it.
fn second(at: Timestamp) -> String {
    let text = Timestamp::from_millis(at.as_millis().div_euclid(1000) * 1000).to_string();
    text.replace(".000Z", "Z")
}

/// The licence of a component: an SPDX expression, or the words in which something is said of it.
enum Licensed {
    Expression(String),
    Words(Vec<String>),
}

/// What the component itself says comes first; an expression of the gateway's comes before mere words of its own.
fn licensed(component: &Component, decision: Option<&GatewayDecision>) -> Licensed {
    let own = component.licence.as_ref();
    let told = decision.and_then(|decision| decision.licence.as_ref());
    let both = || own.into_iter().chain(told);
    let expression = both().find_map(|one| one.expression().known().copied());
    if let Some(expression) = expression {
        return Licensed::Expression(expression.to_string());
    }
    let words_of = |licence: &Licence| -> Vec<String> {
        let sources = licence.sources.iter();
        let words = sources.map(|one| one.statement.text.to_string());
        words.filter(|text| !text.trim().is_empty()).collect()
    };
    let words = both().map(words_of).find(|words| !words.is_empty());
    Licensed::Words(words.unwrap_or_default())
}

impl Bill<'_> {
    fn decision(&self, component: &Component) -> Option<&GatewayDecision> {
        let version = component.version.clone()?;
        self.decisions.get(&(component.project.clone(), version))
    }
}

impl GatewayDecision {
    /// Each thing that is said, under its name.
    fn said(&self) -> Vec<(&'static str, String)> {
        let named = |name| move |said: &String| (name, said.clone());
        let decision = ("portcullis:decision", self.decision.clone());
        std::iter::once(decision)
            .chain(self.sentence.iter().map(named("portcullis:sentence")))
            .chain(self.rules.iter().map(named("portcullis:rule")))
            .chain(self.waivers.iter().map(named("portcullis:waiver")))
            .collect()
    }
}

#[cfg(test)]
mod tests;
