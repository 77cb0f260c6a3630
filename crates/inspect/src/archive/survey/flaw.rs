//! [`Flaw`], everything that can be wrong with a container or with RECORD, with the rule that
//! speaks of it and how bad it is; and [`Violation`], one flaw where it was seen.

use std::collections::HashMap;
use std::sync::Arc;

use portcullis_core::inspection::Severity;

/// Beyond this many of one flaw only their number is kept.
const KEPT_OF_EACH: usize = 20;

/// One flaw, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What is wrong.
    pub flaw: Flaw,
    /// The member; `None` when it is the container.
    pub member: Option<Arc<str>>,
    /// The numbers or names that show it. May hold names out of the archive, with control
    /// characters escaped.
    pub evidence: String,
}

macro_rules! flaws {
    ($($name:ident $rule:literal $severity:ident $sentence:literal;)*) => {
        /// What can be wrong with an archive.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Flaw {
            $(#[doc = $sentence] $name,)*
        }

        impl Flaw {
            /// Every flaw there is.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The id of the rule that speaks of it.
            #[must_use]
            pub fn rule(self) -> &'static str {
                match self { $(Self::$name => $rule,)* }
            }

            /// How bad it is.
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$name => Severity::$severity,)* }
            }

            /// One sentence, without a full stop.
            #[must_use]
            pub fn sentence(self) -> &'static str {
                match self { $(Self::$name => $sentence,)* }
            }
        }
    };
}

flaws! {
    Unreadable "ARC-003" High "the archive cannot be read";
    OtherContainer "ARC-003" High "the archive is not of the kind that its file name says";
    Prefix "ARC-003" Critical "bytes stand before the first member";
    Trailing "ARC-003" Critical "bytes follow the end of the archive";
    Padding "ARC-003" Low "zero bytes follow the end of the archive";
    SecondEnd "ARC-003" Critical "the archive has a second end record";
    DirectoryMoved "ARC-003" Critical "the central directory is not where the end record says";
    Miscounted "ARC-003" Critical "the end record counts other members than the directory lists";
    Zip64 "ARC-003" Critical "the zip64 records contradict the others";
    CommentRecords "ARC-003" Critical "the archive's comment holds zip records";
    ManyDisks "ARC-003" Critical "the archive says that it is in several parts";
    DuplicateName "ARC-003" Critical "a name stands in the archive twice";
    Repeated "ARC-003" Low "a file stands in the archive twice, the same each time";
    FileAsFolder "ARC-003" Critical "a name is a file and a folder at once";
    CaseClash "ARC-003" High "two names differ only in upper and lower case";
    UnicodeClash "ARC-003" High "two names differ only in how Unicode composes them";
    Traversal "ARC-003" Critical "a name leads outside with ..";
    Absolute "ARC-003" Critical "a name is absolute";
    Drive "ARC-003" Critical "a name starts with a drive letter";
    Backslash "ARC-003" Critical "a name has a backslash, which is a folder on some systems only";
    ControlCharacter "ARC-003" Critical "a name has a NUL or another control character";
    Detour "ARC-003" Medium "a name has empty parts or dots as parts";
    NoName "ARC-003" Critical "a member has no name";
    LongName "ARC-003" High "a name is longer than systems take";
    NotUtf8 "ARC-003" Medium "a name is not UTF-8";
    UnmarkedName "ARC-003" Low "a name is not ASCII and not marked as UTF-8";
    DeviceName "ARC-003" High "a name is that of a device on Windows";
    LocalName "ARC-003" Critical "the local header has another name than the directory";
    LocalSize "ARC-003" Critical "the local header has another size than the directory";
    LocalMethod "ARC-003" Critical "the local header has another method than the directory";
    LocalFlags "ARC-003" High "the local header has other flags than the directory";
    LocalChecksum "ARC-003" Critical "the local header has another checksum than the directory";
    ExtraField "ARC-003" Critical "an extra field is broken or contradicts the header";
    NoLocalHeader "ARC-003" Critical "there is no local header where the directory says";
    Descriptor "ARC-003" Critical "the data descriptor contradicts the directory";
    StoredDescriptor "ARC-003" Medium "the size of a member that is not compressed stands behind it";
    Overlap "ARC-003" Critical "two members share bytes of the archive";
    HiddenMember "ARC-003" Critical "a member stands between others that the directory does not list";
    Gap "ARC-003" High "bytes stand between members that belong to none";
    ZeroGap "ARC-003" Low "zero bytes stand between members";
    Link "ARC-003" Critical "a member of a zip archive is a link";
    Special "ARC-003" Critical "a member of a zip archive is neither a file nor a folder";
    Encrypted "ARC-003" Critical "a member is encrypted, so that nobody can look inside";
    Method "ARC-003" Critical "a member is compressed in a way that not all installers read";
    Flags "ARC-003" High "a member has flags that have no meaning here";
    NewerVersion "ARC-003" High "a member asks for a newer reader than installers have";
    FolderWithData "ARC-003" High "a folder has data";
    DataLonger "ARC-003" Critical "a member's data is longer than announced";
    DataShorter "ARC-003" Critical "a member's data is shorter than announced";
    DataChecksum "ARC-003" Critical "a member's data has another checksum than announced";
    DataBroken "ARC-003" Critical "a member's data cannot be inflated";
    DataBehindEnd "ARC-003" Critical "bytes stand behind the end of a member's compressed data";
    SecondReaderRefuses "ARC-003" Critical "another reader cannot read the archive";
    SecondReaderDiffers "ARC-003" Critical "another reader sees other members";
    TarHeader "ARC-003" Critical "a tar header is broken";
    TarNumber "ARC-003" High "a number in a tar header can be read in two ways";
    TarExtensionTwice "ARC-003" Critical "two extension headers contradict each other";
    TarSizeOverride "ARC-003" Critical "an extension header gives a member another size";
    TarPathOverride "ARC-003" High "an extension header gives a member another name without need";
    TarGlobalOverride "ARC-003" Critical "one header gives all members a name or size";
    TarPax "ARC-003" Critical "an extension header is broken";
    TarSized "ARC-003" Critical "a folder or link has a size, which some readers skip and others do not";
    TarLoneZeroBlock "ARC-003" Critical "members stand behind an end marker";
    TarTrailing "ARC-003" Critical "bytes stand behind the end of the tar archive";
    TarNoEnd "ARC-003" Low "the tar archive has no end marker";
    TarPrefix "ARC-003" High "a name's prefix counts for some readers only";
    TarExtensionAlone "ARC-003" Medium "an extension header has no member";
    ConcatenatedStreams "ARC-003" High "the archive is compressed in several streams";
    RecordMissing "ARC-004" High "the wheel has no RECORD";
    Unlisted "ARC-004" High "a file is not listed in RECORD";
    ListedOnly "ARC-004" Medium "a file is listed in RECORD and not in the wheel";
    RecordHash "ARC-004" High "a file's hash is not the one in RECORD";
    RecordSize "ARC-004" High "a file's size is not the one in RECORD";
    RecordNoHash "ARC-004" Medium "a file has no hash in RECORD";
    RecordWeakHash "ARC-004" Low "a hash in RECORD is of a kind that is no longer relied on";
    RecordBadHash "ARC-004" High "a hash in RECORD is none: of no known kind, or of the wrong length";
    RecordLine "ARC-004" High "a line of RECORD cannot be read";
    RecordContradiction "ARC-004" High "RECORD lists a file twice with different hashes";
    RecordTwice "ARC-004" Low "RECORD lists a file twice";
    LinkOutside "ARC-009" High "a link leads out of the archive's folder";
    Device "ARC-009" High "a member is a device, pipe or socket";
    SetId "ARC-009" High "a member runs as its owner (setuid or setgid)";
    SetIdFolder "ARC-009" Low "a folder gives its group to what is made in it (setgid)";
    Sparse "ARC-009" High "a member is a sparse file";
    UnknownType "ARC-009" High "a member is of a type that not all readers know";
    Ratio "ARC-009" High "the archive inflates to more than a hundred times its size";
    ManyMembers "ARC-009" High "the archive has more than a hundred thousand members";
    LargeTotal "ARC-009" Low "the archive inflates to more than two gigabytes";
    NotInspected "ARC-012" Medium "a part of the archive was not inspected";
}

/// Flaws as they are found, with a bound on how many are kept.
#[derive(Debug, Default)]
pub(super) struct Violations {
    list: Vec<Violation>,
    counts: HashMap<Flaw, usize>,
}

impl Violations {
    /// A flaw of one member.
    pub(super) fn member(&mut self, flaw: Flaw, name: &str, evidence: impl Into<String>) {
        self.push(flaw, || Some(Arc::from(shown(name))), evidence.into());
    }

    /// A flaw of the container.
    pub(super) fn container(&mut self, flaw: Flaw, evidence: impl Into<String>) {
        self.push(flaw, || None, evidence.into());
    }

    fn push(&mut self, flaw: Flaw, member: impl FnOnce() -> Option<Arc<str>>, evidence: String) {
        let count = self.counts.entry(flaw).or_default();
        *count += 1;
        if *count <= KEPT_OF_EACH {
            let member = member();
            self.list.push(Violation {
                flaw,
                member,
                evidence,
            });
        }
    }

    /// Whether any of these flaws was found.
    pub(super) fn has(&self, flaws: &[Flaw]) -> bool {
        flaws.iter().any(|flaw| self.counts.contains_key(flaw))
    }

    /// All of them in the order of discovery, followed by the numbers of those that were not kept.
    pub(super) fn finish(mut self) -> Vec<Violation> {
        let mut more: Vec<(Flaw, usize)> = self.counts.into_iter().collect();
        more.retain(|(_, count)| *count > KEPT_OF_EACH);
        more.sort_unstable();
        self.list
            .extend(more.into_iter().map(|(flaw, count)| Violation {
                flaw,
                member: None,
                evidence: format!("and {} times more", count - KEPT_OF_EACH),
            }));
        self.list
    }
}

/// A name out of an archive as it may be shown: shortened, without control characters.
pub(super) fn shown(name: &str) -> String {
    let mut text: String = name
        .chars()
        .take(240)
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect();
    if text.len() < name.len() && name.chars().nth(240).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_one_flaw_is_counted_and_not_kept() {
        let mut violations = Violations::default();
        for number in 0..1000 {
            violations.member(Flaw::Gap, &format!("a{number}"), "");
        }
        let all = violations.finish();
        assert_eq!(all.len(), KEPT_OF_EACH + 1);
        assert_eq!(
            all.last().map(|last| &*last.evidence),
            Some("and 980 times more")
        );
    }

    #[test]
    fn names_are_shown_without_control_characters() {
        assert_eq!(shown("a\u{1b}[2Jb"), "a\u{fffd}[2Jb");
        assert_eq!(shown(&"x".repeat(300)).chars().count(), 241);
    }
}
