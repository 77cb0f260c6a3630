//! `malformed-hash`: hashes that no file can have.

use crate::inspection::Severity;
use crate::lint::contents::{Contents, GivenHash};
use crate::lint::project::Project;
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct MalformedHash;

impl Rule for MalformedHash {
    fn id(&self) -> &'static str {
        "malformed-hash"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a hash is not one of its algorithm"
    }

    fn manual(&self) -> &'static str {
        "A hash with the wrong number of digits, with letters that are none, or of an algorithm that \
         installers do not know matches no file. The line cannot be installed, and whoever is in a hurry \
         takes the hash away instead of looking what it should be.\n\n\
         Write the hash again from the index: `uv pip compile --generate-hashes`, `pip hash FILE`."
    }

    fn example(&self) -> (&'static str, &'static str) {
        ("requirements.txt", "flask==3.1.0 --hash=sha256:0123\n")
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let hashes = every_file(&file.contents).into_iter().flatten();
            let wrong = hashes.filter_map(|hash| Some((hash, mistake(hash)?)));
            found.extend(wrong.map(|(hash, mistake)| {
                Finding::new(self, file, &hash.at, mistake)
                    .because("no file has this hash, so nothing can be installed by it")
                    .help("take the hash from the index again, or from the file: pip hash FILE")
            }));
        }
    }
}

/// The hashes in a file: each slice are those of one thing.
fn every_file(contents: &Contents) -> Vec<&[GivenHash]> {
    let wanted = contents.wanted.iter().map(|wanted| &wanted.hashes[..]);
    let packages = contents.locked.iter().flat_map(|package| {
        let files = package.files.iter().map(|file| &file.hashes[..]);
        files.chain([&package.hashes[..]])
    });
    wanted.chain(packages).collect()
}

fn mistake(hash: &GivenHash) -> Option<String> {
    let (algorithm, digest) = (hash.algorithm.as_str(), hash.digest.as_str());
    // A variable may stand for the right one.
    if digest.contains(['$', '{']) {
        return None;
    }
    if algorithm.is_empty() {
        return Some("a hash does not say of which algorithm it is".to_owned());
    }
    let Some(digits) = digits(algorithm) else {
        return Some(format!("no installer knows the algorithm `{algorithm}`"));
    };
    let is_hexadecimal = digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    let found = digest.chars().count();
    match (is_hexadecimal, found == digits) {
        (true, true) => None,
        (false, _) => Some(format!("a hash of {algorithm} has hexadecimal digits only")),
        (true, false) => Some(format!(
            "a hash of {algorithm} has {digits} digits, not {found}"
        )),
    }
}

/// How many hexadecimal digits a hash of `algorithm` has.
fn digits(algorithm: &str) -> Option<usize> {
    match algorithm {
        "md5" => Some(32),
        "sha1" => Some(40),
        "sha224" | "sha3_224" => Some(56),
        "sha256" | "sha3_256" | "blake2s" => Some(64),
        "sha384" | "sha3_384" => Some(96),
        "sha512" | "sha3_512" | "blake2b" => Some(128),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn every_mistake_is_named() {
        let right = "ab".repeat(32);
        let text = format!(
            "a==1 --hash=sha256:{right}\nb==1 --hash=sha256:ab\nc==1 --hash=sha256:{}\nd==1 \
             --hash={right}\ne==1 --hash=sha257:{right}\nf==1 --hash=sha256:${{HASH}}\n",
            "x".repeat(64)
        );
        let project = project(&[("requirements.txt", &text)]);
        let found = found_by("malformed-hash", &project);
        let told: Vec<&str> = found
            .iter()
            .filter_map(|one| one.split(" [").next())
            .collect();
        assert_eq!(
            told,
            [
                "requirements.txt:2: a hash of sha256 has 64 digits, not 2",
                "requirements.txt:3: a hash of sha256 has hexadecimal digits only",
                "requirements.txt:4: a hash does not say of which algorithm it is",
                "requirements.txt:5: no installer knows the algorithm `sha257`",
            ]
        );
    }
}
