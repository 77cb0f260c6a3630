//! Rules as `boreal` compiles them, and what their metadata says of what they find.

use std::fs;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use boreal::compiler::CompilerParams;
use boreal::scanner::{EvaluatedRule, ScanParams};
use boreal::{Compiler, MetadataValue, Scanner};
use portcullis_core::inspection::{
    Confidence, Context, Observation, Severity, fingerprint, is_scanner_rule,
};
use portcullis_core::pypi::filename::DistFilename;

use super::members::{Member, each_member};
use super::{Looked, SCANNER};

/// More than any collection of rules has, in bytes, all files together.
const LARGEST_RULES: u64 = 64 << 20;

/// The most observations of one archive.
const MOST: usize = 1_000;

/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 300;

/// How sure a rule is that does not say.
const USUAL_CONFIDENCE: u8 = 80;

pub(super) struct Compiled {
    scanner: Scanner,
    files: Vec<PathBuf>,
}

impl Compiled {
    pub(super) fn new(files: &[PathBuf]) -> Result<Self, String> {
        let mut compiler = Compiler::new();
        // Only the files that are named are read.
        compiler.set_params(CompilerParams::default().disable_includes(true));
        let mut size = 0;
        for file in files {
            let length = fs::metadata(file)
                .map_err(|error| cannot_read(file, &error))?
                .len();
            size += length;
            if size > LARGEST_RULES {
                return Err(format!("the rules have more than {LARGEST_RULES} bytes"));
            }
            let added = compiler.add_rules_file(file);
            added.map_err(|error| error.to_string())?;
        }
        let mut scanner = compiler.finalize();
        for rule in scanner.rules() {
            if !is_scanner_rule(rule.name) {
                return Err(format!("the name of rule {} is too long", rule.name));
            }
        }
        let params = ScanParams::default()
            .compute_full_matches(true)
            .string_max_nb_matches(100);
        scanner.set_scan_params(params);
        let compiled = Self {
            scanner,
            files: files.to_vec(),
        };
        compiled.check_metadata()?;
        Ok(compiled)
    }

    pub(super) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// A slip in a rule's metadata is found when it is read, and not when it matches.
    fn check_metadata(&self) -> Result<(), String> {
        for rule in self.scanner.rules() {
            let slip =
                |what: &str, text: &str| Err(format!("rule {}: {text:?} is no {what}", rule.name));
            for (name, value) in self.texts(rule.metadatas) {
                match &*name {
                    "severity" if severity(&value).is_none() => return slip("severity", &value),
                    "context" if value.parse::<Context>().is_err() => {
                        return slip("context", &value);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    pub(super) fn look(
        &self,
        archive: impl Read + Seek,
        filename: &DistFilename,
        time: Duration,
    ) -> Looked {
        let end = Instant::now() + time;
        let mut looked = Looked::default();
        let mut scanner = self.scanner.clone();
        let left_out = each_member(archive, filename, |member| {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err("there was no time for all of it".to_owned());
            }
            let params = scanner.scan_params().clone().timeout_duration(Some(left));
            scanner.set_scan_params(params);
            let (result, is_whole) = match scanner.scan_mem(member.bytes) {
                Ok(result) => (result, true),
                Err((_, result)) => (result, false),
            };
            let found = result
                .rules
                .iter()
                .map(|rule| self.observation(rule, &member));
            looked.observations.extend(found);
            if looked.observations.len() > MOST {
                looked.observations.truncate(MOST);
                return Err(format!("there is more than {MOST} times something to tell"));
            }
            match is_whole {
                true => Ok(()),
                false => Err("there was no time for all of it".to_owned()),
            }
        });
        looked.left_out = left_out.err();
        looked
    }

    fn observation(&self, rule: &EvaluatedRule<'_>, member: &Member<'_>) -> Observation {
        let said: Vec<(String, String)> = self.texts(rule.metadatas);
        let text = |wanted: &str| {
            let found = said.iter().find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        let context = text("context").and_then(|text| text.parse().ok());
        let context = context.unwrap_or(Context::Import);
        let sure = text("confidence").and_then(|text| text.parse().ok());
        let id = format!("{SCANNER}:{}", rule.name);
        let message = match text("description") {
            Some(description) => format!("{description} (YARA rule {})", rule.name),
            None => format!("the YARA rule {} matches", rule.name),
        };
        let offset = rule.matches.iter().flat_map(|one| &one.matches);
        let offset = offset.map(|one| one.offset).min();
        Observation {
            code_hash: fingerprint(&id, &what_matched(rule, member)),
            rule: id.into(),
            severity: text("severity")
                .and_then(severity)
                .unwrap_or(Severity::Medium),
            confidence: Confidence::of(sure.unwrap_or(USUAL_CONFIDENCE)).in_context(context),
            file: member.name.into(),
            line: offset.map_or(0, |offset| line(member.bytes, offset)),
            column: 0,
            layer: 0,
            context,
            message: message.chars().take(LONGEST_MESSAGE).collect(),
            chain: Vec::new(),
        }
    }

    /// The metadata of a rule as texts.
    fn texts(&self, metadata: &[boreal::Metadata]) -> Vec<(String, String)> {
        let text = |one: &boreal::Metadata| {
            let name = self.scanner.get_string_symbol(one.name).to_owned();
            let value = match one.value {
                MetadataValue::Bytes(symbol) => {
                    String::from_utf8_lossy(self.scanner.get_bytes_symbol(symbol)).into_owned()
                }
                MetadataValue::Integer(number) => number.to_string(),
                MetadataValue::Boolean(is_so) => is_so.to_string(),
            };
            (name, value)
        };
        metadata.iter().map(text).collect()
    }
}

fn cannot_read(file: &Path, error: &std::io::Error) -> String {
    format!("{}: cannot be read: {error}", file.display())
}

fn severity(text: &str) -> Option<Severity> {
    text.to_ascii_lowercase().parse().ok()
}

/// What an approval of the finding remembers: the bytes that matched, or the whole member where the rule goes
/// by something else.
fn what_matched(rule: &EvaluatedRule<'_>, member: &Member<'_>) -> String {
    let mut matched: Vec<String> = rule
        .matches
        .iter()
        .flat_map(|one| one.matches.iter().map(move |found| (one.name, found)))
        .map(|(name, found)| format!("{name}={}", String::from_utf8_lossy(&found.data)))
        .collect();
    matched.sort();
    matched.dedup();
    match matched.is_empty() {
        true => portcullis_core::digest::Sha256::of(member.bytes).to_hex(),
        false => matched.join("\n"),
    }
}

/// The line of a text at `offset`; 0 in what is no text.
fn line(bytes: &[u8], offset: usize) -> u32 {
    if std::str::from_utf8(bytes).is_err() {
        return 0;
    }
    let before = bytes.get(..offset).unwrap_or(bytes);
    let breaks = memchr::memchr_iter(b'\n', before).count();
    u32::try_from(breaks + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io::Cursor;

    use portcullis_fixtures::{sdist, wheel};

    use super::super::OwnRules;
    use super::*;

    const RULES: &str = r#"
rule Marked {
  meta:
    description = "a mark"
    severity = "high"
    confidence = 90
    context = "install"
  strings: $a = "MARK-ME"
  condition: $a
}
rule Plain { strings: $a = { 50 4c 41 49 4e } condition: $a }
rule Large { condition: filesize > 4MB }
"#;

    fn rules(text: &str) -> Result<OwnRules, String> {
        let folder = std::env::temp_dir().join(format!("portcullis-yara-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let name = portcullis_core::digest::Sha256::of(text.as_bytes()).to_hex();
        let file = folder.join(format!("{name}.yar"));
        fs::write(&file, text).unwrap();
        OwnRules::compile(&[file]).map_err(|error| error.to_string())
    }

    fn look(archive: Vec<u8>, name: &str, time: Duration) -> (Vec<String>, Option<String>) {
        let filename = DistFilename::parse(name, None).unwrap();
        let looked = rules(RULES)
            .unwrap()
            .look(Cursor::new(archive), &filename, time);
        let told = looked.observations.iter().map(|seen| {
            let (rule, file) = (&seen.rule, &seen.file);
            format!(
                "{rule} {} {} {file}:{} {}",
                seen.severity,
                seen.confidence.per_cent(),
                seen.line,
                seen.message
            )
        });
        (told.collect(), looked.left_out)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn every_member_of_wheels_and_sdists_is_looked_at() {
        let code = "x = 1\ny = 'MARK-ME'\n";
        let wheel = wheel("demo", "1.0")
            .file("demo/a.py", code)
            .file("demo/b.bin", "PLAIN\u{0}");
        let told = look(wheel.build().to_vec(), &wheel.filename(), LONG);
        let marked = "yara:Marked high 90 demo/a.py:2 a mark (YARA rule Marked)";
        let plain = "yara:Plain medium 64 demo/b.bin:1 the YARA rule Plain matches";
        assert_eq!(told, (vec![marked.to_owned(), plain.to_owned()], None));
        let sdist = sdist("demo", "1.0").file("setup.py", code);
        let told = look(sdist.build().to_vec(), &sdist.filename(), LONG);
        let marked = "yara:Marked high 90 demo-1.0/setup.py:2 a mark (YARA rule Marked)";
        assert_eq!(told, (vec![marked.to_owned()], None));
    }

    #[test]
    fn what_is_not_looked_at_is_told() {
        let wheel = wheel("demo", "1.0").file("demo/a.py", "MARK-ME");
        let (_, left_out) = look(wheel.build().to_vec(), &wheel.filename(), Duration::ZERO);
        assert!(left_out.unwrap().contains("no time"));
        let (told, left_out) = look(b"no archive".to_vec(), &wheel.filename(), LONG);
        assert!(told.is_empty() && left_out.is_some());
        let (_, left_out) = look(b"no archive".to_vec(), "demo-1.0.tar.gz", LONG);
        assert!(left_out.is_some());
    }

    #[test]
    fn members_larger_than_8_megabytes_are_left_to_the_engine() {
        let large = "x".repeat(9 << 20);
        let small = "x".repeat(5 << 20);
        let wheel = wheel("demo", "1.0")
            .file("demo/large", large)
            .file("demo/small", small);
        let (told, left_out) = look(wheel.build().to_vec(), &wheel.filename(), LONG);
        assert_eq!((told.len(), left_out), (1, None), "{told:?}");
        assert!(told[0].contains("demo/small"), "{told:?}");
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, expected) in [
            ("rule a { condition: }", ".yar:1:"),
            ("\nrule a { strings: $a = \"x\" condition: $b }", ".yar:2:"),
            ("include \"/etc/passwd\"", "include"),
            (
                "rule a { meta: severity = \"awful\" condition: true }",
                "rule a: \"awful\"",
            ),
            (
                "rule a { meta: context = \"later\" condition: true }",
                "rule a: \"later\"",
            ),
            ("import \"cuckoo\" rule a { condition: true }", "cuckoo"),
        ] {
            let error = rules(text).unwrap_err();
            assert!(error.contains(expected), "{text}: {error}");
        }
        let error = OwnRules::compile(&["/no/such/file.yar".into()]).unwrap_err();
        assert!(error.to_string().contains("/no/such/file.yar"), "{error}");
    }
}
