//! `[reviews]`: how many reviewers an approval takes.

use portcullis_core::settings::Table;

use super::read::Reader;

/// How many reviewers must say yes before something is let through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approvers {
    /// One, whoever it is.
    #[default]
    One,
    /// Two, and neither of them asked for it (four eyes).
    Two,
}

impl Approvers {
    /// 1 or 2.
    pub const fn count(self) -> u32 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }
}

impl Reader<'_> {
    /// Reads `[reviews]`.
    pub(super) fn reviews(&mut self, root: &mut Table<'_>) -> Approvers {
        let Some(mut section) = root.table("reviews") else {
            return Approvers::default();
        };
        let four_eyes = section.boolean("four-eyes");
        self.show("reviews.four-eyes", four_eyes.as_ref());
        section.finish();
        match four_eyes {
            Some(four_eyes) if four_eyes.value => Approvers::Two,
            _ => Approvers::One,
        }
    }
}
