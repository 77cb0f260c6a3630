//! `[inspection] yara`: files with YARA rules of the organisation's own. Whether they are rules is found out
//! when they are compiled.

use std::path::{Path, PathBuf};

use portcullis_core::settings::{Located, Table};

use super::read::Reader;

/// More files than anybody keeps rules in.
const MOST_FILES: usize = 10_000;

impl Reader<'_> {
    /// Reads `yara` out of `[inspection]`: paths, in whose last part `*` stands for anything.
    pub(super) fn own_rules(&mut self, inspection: &mut Table<'_>) -> Vec<PathBuf> {
        let named = inspection.list::<String>("yara");
        self.show_list("inspection.yara", named.as_ref());
        let mut files = Vec::new();
        for pattern in named.iter().flatten() {
            match meant(&self.folder.join(&pattern.value)) {
                Ok(found) if found.is_empty() => report(inspection, pattern, "no file is meant"),
                Ok(found) => files.extend(found),
                Err(error) => report(inspection, pattern, &error.to_string()),
            }
        }
        if files.len() > MOST_FILES {
            inspection.mistake_here(format!("more than {MOST_FILES} files with rules"), None);
            files.clear();
        }
        files
    }
}

fn report(table: &Table<'_>, pattern: &Located<String>, why: &str) {
    let message = format!("{:?}: {why}", pattern.value);
    let help = "a file with rules, or several: \"rules/*.yar\"";
    table.mistake(pattern, message, Some(help));
}

/// The files that `pattern` means, sorted. One without `*` is there or not, which is found out when it is
/// read.
fn meant(pattern: &Path) -> std::io::Result<Vec<PathBuf>> {
    let pattern = std::path::absolute(pattern)?;
    let name = pattern.file_name().unwrap_or_default();
    let name = name.to_string_lossy().into_owned();
    let Some((start, end)) = name.split_once('*') else {
        return Ok(vec![pattern]);
    };
    let folder = pattern.parent().unwrap_or(Path::new("/"));
    let mut files = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let fits = name.len() >= start.len() + end.len();
        if fits && name.starts_with(start) && name.ends_with(end) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::{Config, Overrides};
    use super::*;

    #[test]
    fn files_are_named_one_by_one_and_all_together() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        for name in ["b.yar", "a.yar", "c.txt"] {
            std::fs::write(folder.path().join("rules").join(name), "").unwrap();
        }
        let place = folder.path().join("portcullis.toml");
        let parse = |text: &str| {
            Config::parse(text, &place, &Overrides::default())
                .map(|config| config.inspection.own_rules)
                .map_err(|error| error.to_string())
        };
        let named = |names: &[&str]| -> Vec<PathBuf> {
            names
                .iter()
                .map(|name| folder.path().join("rules").join(name))
                .collect()
        };
        for (text, expected) in [
            ("", &[][..]),
            ("[inspection]\nyara = 'rules/*.yar'\n", &["a.yar", "b.yar"]),
            (
                "[inspection]\nyara = ['rules/c.txt', 'rules/a*']\n",
                &["c.txt", "a.yar"],
            ),
            (
                "[inspection]\nyara = ['rules/absent.yar']\n",
                &["absent.yar"],
            ),
        ] {
            assert_eq!(parse(text), Ok(named(expected)), "{text}");
        }
        for text in [
            "[inspection]\nyara = 'rules/*.none'\n",
            "[inspection]\nyara = 'absent/*'\n",
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains("portcullis.toml:2:8"), "{error}");
        }
    }
}
