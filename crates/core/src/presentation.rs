//! How decisions appear on a project's page: which files are hidden, yanked, listed although they
//! will be refused, or stood in for by a tombstone. Measured with pip, uv, poetry and pdm: none of
//! them shows an error of a page, all of them stop at a refused file, and none goes on to an older
//! version by itself. So what can be replaced by an older version disappears or is yanked, and what
//! cannot is listed, to be refused with its reason.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::json;

use crate::policy::{Decision, Effect};
use crate::pypi::simple::{CoreMetadata, PRIVATE_KEY, PageFile, ProjectPage, Yanked, set_extra};

/// How one file of a page is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// As its source lists it.
    AsIs,
    /// Not at all; a direct request is refused. For what waits, and for what a filter leaves out.
    Hidden,
    /// With a yank marker that carries the reason; a request is refused. For a denied version of a
    /// project that has others.
    Yanked,
    /// As its source lists it, and refused on request. For a project of which nothing passes.
    Refused,
}

/// How each file is shown, given the decisions about all files of the page, in the same order.
pub fn shown(decisions: &[Arc<Decision>]) -> Vec<Shown> {
    let something_passes = decisions.iter().any(|decision| decision.lets_through());
    let how = |decision: &Arc<Decision>| match decision.effect() {
        Effect::Allow | Effect::Warn => Shown::AsIs,
        Effect::Hold | Effect::Deny if !something_passes => Shown::Refused,
        Effect::Hold => Shown::Hidden,
        Effect::Deny if decision.is_filtered() => Shown::Hidden,
        Effect::Deny => Shown::Yanked,
    };
    decisions.iter().map(how).collect()
}

/// The page as installers are to see it. `decisions` are those about the files of `page`, in the same
/// order. The key `_portcullis` of the page says what was left out or will be refused, and why.
pub fn present<'p>(page: &'p ProjectPage, decisions: &[Arc<Decision>]) -> Cow<'p, ProjectPage> {
    let shown = shown(decisions);
    if shown.iter().all(|shown| *shown == Shown::AsIs) {
        return Cow::Borrowed(page);
    }
    let mut page = page.clone();
    let notes: Vec<_> = shown
        .iter()
        .zip(decisions)
        .filter_map(|(how, d)| note(*how, d))
        .collect();
    let files = std::mem::take(&mut page.files);
    page.files = files
        .into_iter()
        .zip(shown.iter().zip(decisions))
        .filter_map(|(file, (how, decision))| present_file(file, *how, decision))
        .collect();
    // Versions of which no file is left would send resolvers to look for them.
    page.versions.clear();
    push_note(&mut page, &json!({ "files": notes }));
    Cow::Owned(page)
}

fn present_file(mut file: PageFile, how: Shown, decision: &Decision) -> Option<PageFile> {
    match how {
        Shown::AsIs | Shown::Refused => Some(file),
        Shown::Hidden => None,
        Shown::Yanked => {
            file.yanked = Yanked::Because(decision.sentence().into());
            Some(file)
        }
    }
}

fn note(how: Shown, decision: &Decision) -> Option<serde_json::Value> {
    let how = match how {
        Shown::AsIs => return None,
        Shown::Hidden => "hidden",
        Shown::Yanked => "yanked",
        Shown::Refused => "refused",
    };
    Some(json!({
        "filename": decision.subject().filename,
        "shown": how,
        "effect": decision.effect(),
        "rule": decision.decisive().map(|finding| &*finding.rule),
        "decision": decision.id(),
        "reason": decision.sentence(),
        "until": decision.decisive().and_then(|finding| finding.until),
    }))
}

/// A page with a single file that does not exist, for a name that is refused while there is nothing
/// to list. Installers choose the file, ask for it, and show the reason of the refusal.
pub fn tombstone(decision: &Decision) -> ProjectPage {
    let mut page = ProjectPage::empty(decision.subject().project.clone());
    let mut file = PageFile::new(&tombstone_filename(decision), "");
    file.core_metadata = CoreMetadata::Unhashed;
    page.files.push(file);
    let note = json!({
        "shown": "tombstone",
        "effect": decision.effect(),
        "rule": decision.decisive().map(|finding| &*finding.rule),
        "decision": decision.id(),
        "reason": decision.sentence(),
    });
    push_note(&mut page, &note);
    page
}

/// The file name of the tombstone for `decision`, for example
/// `acme_billing-0+blocked.by.policy.4zk9…-py3-none-any.whl`.
pub fn tombstone_filename(decision: &Decision) -> String {
    let name = decision.subject().project.as_file_name_part();
    format!(
        "{name}-0+blocked.by.policy.{}-py3-none-any.whl",
        decision.id()
    )
}

/// Whether a file name is a tombstone's, of whichever decision: an old lock may name an old one.
pub fn is_tombstone(filename: &str) -> bool {
    filename.contains("-0+blocked.by.policy.") && filename.ends_with("-py3-none-any.whl")
}

fn push_note(page: &mut ProjectPage, note: &serde_json::Value) {
    let raw = serde_json::value::to_raw_value(note).expect("a JSON value is JSON");
    // An upstream that is a Portcullis too has a note of its own, which this one replaces.
    set_extra(&mut page.extra, PRIVATE_KEY, raw);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{Fact, Facts};
    use crate::policy::rules::testing::{Case, NOW};
    use crate::policy::{Policy, judge};
    use crate::time::Timestamp;

    const DENY_YANKED: &str = "[rules.yanked]\neffect = 'deny'\n";

    fn old() -> Case {
        Case::upstream("x").uploaded(NOW.plus_millis(-90 * Timestamp::DAY))
    }

    fn decisions(cases: &[Case]) -> Vec<Arc<Decision>> {
        let policy = Policy::parse("policy.toml", DENY_YANKED).expect("a sound policy");
        let one = |case: &Case| Arc::new(judge(case.facts(), &policy, NOW));
        cases.iter().map(one).collect()
    }

    fn check(cases: &[Case], expected: &[Shown]) {
        assert_eq!(shown(&decisions(cases)), expected);
    }

    #[test]
    fn what_waits_is_hidden_and_what_is_denied_is_yanked_while_something_passes() {
        let young = Case::upstream("x").uploaded(NOW);
        let denied = old().yanked(Yanked::Yes);
        check(
            &[old(), young.clone(), denied.clone()],
            &[Shown::AsIs, Shown::Hidden, Shown::Yanked],
        );
        check(&[young, denied.clone()], &[Shown::Refused, Shown::Refused]);
        check(&[denied], &[Shown::Refused]);
        check(&[], &[]);
    }

    #[test]
    fn what_a_filter_stops_is_left_out_and_what_else_is_denied_is_yanked() {
        let policy = "[rules.too-large]\nmebibytes = 1\n[rules.yanked]\neffect = 'deny'\n";
        let policy = Policy::parse("policy.toml", policy).expect("a sound policy");
        let large = old().with_file(|file| file.size = Fact::Known(u64::MAX));
        let both = large.clone().yanked(Yanked::Yes);
        let decisions = |cases: &[&Case]| -> Vec<Arc<Decision>> {
            let one = |case: &&Case| Arc::new(judge(case.facts(), &policy, NOW));
            cases.iter().map(one).collect()
        };
        assert_eq!(
            shown(&decisions(&[&old(), &large, &both])),
            [Shown::AsIs, Shown::Hidden, Shown::Yanked]
        );
        assert_eq!(shown(&decisions(&[&large])), [Shown::Refused]);
    }

    #[test]
    fn a_presented_page_says_what_is_missing_and_why() {
        let decisions = decisions(&[old(), Case::upstream("x").uploaded(NOW)]);
        let mut page = ProjectPage::empty("x".parse().expect("a name"));
        page.versions = vec!["1.0".into(), "2.0".into()];
        page.files
            .push(PageFile::new("x-1.0-py3-none-any.whl", "a"));
        page.files
            .push(PageFile::new("x-2.0-py3-none-any.whl", "b"));
        let page = present(&page, &decisions);
        assert_eq!(page.files.len(), 1);
        assert!(page.versions.is_empty());
        let (key, note) = page.extra.last().expect("a note");
        assert_eq!(&**key, "_portcullis");
        assert!(note.get().contains("\"shown\":\"hidden\""), "{note}");

        // The same behind another Portcullis, whose page carries its note already.
        let mut chained = page.into_owned();
        chained
            .files
            .push(PageFile::new("x-2.0-py3-none-any.whl", "b"));
        assert_eq!(present(&chained, &decisions).extra.len(), 1);
    }

    #[test]
    fn a_tombstone_is_a_wheel_that_resolvers_choose() {
        let case = Case::nowhere("acme-billing").owned("acme-*");
        let facts: Facts<'_> = case.facts();
        let decision = judge(facts, &Policy::built_in(), NOW);
        let page = tombstone(&decision);
        let filename = &page.files[0].filename;
        assert!(is_tombstone(filename));
        let parsed = crate::pypi::filename::DistFilename::parse(filename, None).expect("a name");
        assert_eq!(parsed.project(), Some(&page.name));
        assert!(parsed.is_wheel());
        assert!(!is_tombstone("x-1.0-py3-none-any.whl"));
    }
}
