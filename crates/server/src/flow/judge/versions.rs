//! [`Versions`]: the versions of a project, judged one after the other until one is found that passes.

use std::collections::BTreeMap;

use portcullis_core::fact::FileFacts;
use portcullis_core::policy::Decision;
use portcullis_core::pypi::simple::Yanked;
use portcullis_core::pypi::version::{Version, VersionSpecifiers, admits};

use crate::app::App;
use crate::flow::gather::Gathered;

/// How many versions are judged in either direction: a project of which everything is refused has nothing
/// nearer to offer.
const LOOKED_AT: usize = 300;

/// The versions of a project with their files.
pub(super) struct Versions<'g> {
    app: &'g App,
    gathered: &'g Gathered,
    files: BTreeMap<&'g Version, Vec<&'g FileFacts>>,
}

impl<'g> Versions<'g> {
    pub(super) fn of(app: &'g App, gathered: &'g Gathered) -> Self {
        let mut files: BTreeMap<&Version, Vec<&FileFacts>> = BTreeMap::new();
        for facts in gathered.page.iter().flat_map(|page| &page.facts) {
            if let Some(version) = facts.version.known() {
                files.entry(version).or_default().push(facts);
            }
        }
        Self {
            app,
            gathered,
            files,
        }
    }

    /// The version that an installer receives that wants these: the newest final one that passes and is not
    /// yanked, else a pre-release. Where none passes, the newest that it would rather have.
    pub(super) fn received(&self, wanted: &VersionSpecifiers) -> Option<Version> {
        let asks_for_prereleases = wanted.iter().any(|one| one.any_prerelease());
        let all = || {
            let all = self.files.keys().rev().copied().take(LOOKED_AT);
            all.filter(|version| admits(wanted, version) && !self.is_yanked(version))
        };
        let is_final = |version: &&Version| asks_for_prereleases || !version.any_prerelease();
        let passing = all().filter(is_final).find(|version| self.passes(version));
        passing
            .or_else(|| all().find(|version| self.passes(version)))
            .or_else(|| all().find(is_final))
            .or_else(|| all().next())
            .cloned()
    }

    /// The version nearest to `version` that passes and is wanted: the lowest above, else the highest below.
    pub(super) fn nearest(&self, version: &Version, wanted: &VersionSpecifiers) -> Option<Version> {
        if !self.gathered.judge_name(self.app).lets_through() {
            return None;
        }
        let takes_prereleases = version.any_prerelease();
        let is_good = |other: &&&Version| {
            admits(wanted, other)
                && (takes_prereleases || !other.any_prerelease())
                && !self.is_yanked(other)
                && self.passes(other)
        };
        let above = self.files.keys().filter(|other| **other > version);
        let below = self.files.keys().rev().filter(|other| **other < version);
        let mut above = above.take(LOOKED_AT);
        let mut below = below.take(LOOKED_AT);
        let found = above.find(|other| is_good(other));
        found
            .or_else(|| below.find(|other| is_good(other)))
            .map(|other| (*other).clone())
    }

    fn files_of(&self, version: &Version) -> &[&'g FileFacts] {
        self.files.get(version).map_or(&[], Vec::as_slice)
    }

    fn is_yanked(&self, version: &Version) -> bool {
        let files = self.files_of(version);
        files.iter().all(|file| file.yanked != Yanked::No)
    }

    /// Whether some file of it passes, and none is refused that is not merely left out.
    fn passes(&self, version: &Version) -> bool {
        let files = self.files_of(version).iter();
        let decisions: Vec<_> = files
            .map(|file| self.gathered.judge_file(self.app, file))
            .collect();
        let passing = |decision: &Decision| decision.lets_through();
        decisions.iter().any(|one| passing(one))
            && decisions
                .iter()
                .all(|one| passing(one) || one.is_filtered())
    }
}
