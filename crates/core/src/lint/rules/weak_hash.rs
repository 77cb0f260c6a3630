//! `weak-hash`: hashes of algorithms that are broken.

use crate::inspection::Severity;
use crate::lint::contents::{GivenHash, Span};
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Edit, Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct WeakHash;

impl Rule for WeakHash {
    fn id(&self) -> &'static str {
        "weak-hash"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a hash is of an algorithm for which other files with the same hash can be made"
    }

    fn manual(&self) -> &'static str {
        "MD5 and SHA-1 are broken: whoever makes a file can make a second one with the same hash, let the \
         first be reviewed and deliver the second. pip refuses them behind `--hash` and accepts them in \
         the fragment of a URL; what a lock has is `lock-weak-hash`'s.\n\n\
         Lock again with a current tool, which writes SHA-256. Where a strong hash stands beside it, the \
         weak one can go, and `--fix` takes it away."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "flask==3.1.0 --hash=md5:098f6bcd4621d373cade4e832627b4f6\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let mut weak = Vec::new();
            let mut needless = Vec::new();
            for hashes in file.contents.wanted.iter().map(|wanted| &wanted.hashes) {
                let (broken, strong): (Vec<_>, Vec<_>) =
                    hashes.iter().partition(|one| is_weak(one));
                match strong.is_empty() {
                    true => weak.extend(broken),
                    false if file.kind == FileKind::Requirements => needless.extend(broken),
                    // Only pip's own files are refused for a hash too many.
                    false => {}
                }
            }
            found.extend(self.alone(file, &weak));
            found.extend(
                needless
                    .iter()
                    .filter_map(|hash| self.beside_a_strong_one(file, hash)),
            );
        }
    }
}

impl WeakHash {
    /// The only hashes that there are.
    fn alone(&self, file: &ProjectFile, weak: &[&GivenHash]) -> Option<Finding> {
        let (first, also) = weak.split_first()?;
        let message = match weak.len() {
            1 => format!(
                "{} is broken, and the only hash of the file",
                first.algorithm
            ),
            count => format!(
                "{count} files have no other hash than {}, which is broken",
                first.algorithm
            ),
        };
        let finding = Finding::new(self, file, &first.at, message)
            .because(
                "two different files with the same hash can be made by whoever makes the first",
            )
            .help("lock again with a current tool, which writes SHA-256")
            .also(also.iter().map(|hash| hash.at.clone()).collect());
        Some(finding)
    }

    /// pip refuses the file for it.
    fn beside_a_strong_one(&self, file: &ProjectFile, hash: &GivenHash) -> Option<Finding> {
        let at = whole_option(&file.text, &hash.at)?;
        let edit = Edit {
            at,
            with: String::new(),
        };
        let message = format!(
            "{} is broken, and stands beside a strong hash",
            hash.algorithm
        );
        let finding = Finding::new(self, file, &hash.at, message)
            .severity(Severity::Low)
            .because("pip refuses to install a file with such a hash")
            .help("take it away")
            .fix("take the weak hash away", vec![edit]);
        Some(finding)
    }
}

fn is_weak(hash: &GivenHash) -> bool {
    matches!(
        hash.algorithm.as_str(),
        "md5" | "sha1" | "md4" | "md2" | "crc32"
    )
}

/// From the end of what stands before it to the end of a hash: `--hash` and the line break before it included.
fn whole_option(text: &str, at: &Span) -> Option<Span> {
    let before = text.get(..at.start)?.trim_end_matches(['=', ' ', '\t']);
    let before = before.strip_suffix("--hash")?;
    let start = before.trim_end_matches([' ', '\t', '\\', '\n', '\r']).len();
    Some(start..at.end)
}

#[cfg(test)]
mod tests {
    use crate::lint::check::check;
    use crate::lint::testing::{found_by, project};

    #[test]
    fn broken_algorithms_are_found_wherever_they_stand() {
        let project = project(&[
            (
                "requirements.txt",
                "a==1 --hash=md5:aa\nb==1 --hash=sha256:bb\nhttps://a.example/c.whl#sha1=cc\n",
            ),
            ("b/requirements.txt", "a==1 --hash=sha512:aa\n"),
        ]);
        assert_eq!(
            found_by("weak-hash", &project),
            ["requirements.txt:1: 2 files have no other hash than md5, which is broken [md5:aa]"]
        );
    }

    #[test]
    fn a_weak_hash_beside_a_strong_one_is_taken_away() {
        let text = "a==1 \\\n    --hash=md5:aa \\\n    --hash=sha256:bb\n";
        let project = project(&[("requirements.txt", text)]);
        let report = check(&project);
        let finding = report
            .findings
            .iter()
            .find(|one| one.rule == "weak-hash")
            .expect("found");
        let edit = &finding.fix.as_ref().expect("a fix").edits[0];
        let mut fixed = text.to_owned();
        fixed.replace_range(edit.at.clone(), &edit.with);
        assert_eq!(fixed, "a==1 \\\n    --hash=sha256:bb\n");
    }
}
