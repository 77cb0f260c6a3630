//! Asking the installers themselves for their default index, from the help text that they print.
//! They run without their configuration, which was read before, and without our variables.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::{DiscoveredIndex, Machine};

/// How long an installer may take to print its help.
const PATIENCE: Duration = Duration::from_secs(20);

/// The variables that an installer needs to start.
const KEPT: [&str; 8] = [
    "HOME",
    "PATH",
    "LD_LIBRARY_PATH",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "SYSTEMROOT",
    "TMPDIR",
    "VIRTUAL_ENV",
];

/// A way to ask.
struct Question {
    program: &'static str,
    arguments: &'static [&'static str],
    option: &'static str,
    found_in: &'static str,
}

const QUESTIONS: [Question; 4] = [
    Question {
        program: "python3",
        arguments: &["-m", "pip", "install", "--help"],
        option: "--index-url",
        found_in: "pip's default",
    },
    Question {
        program: "pip3",
        arguments: &["install", "--help"],
        option: "--index-url",
        found_in: "pip's default",
    },
    Question {
        program: "uv",
        arguments: &["pip", "install", "--help"],
        option: "--default-index",
        found_in: "uv's default",
    },
    Question {
        program: "uv",
        arguments: &["pip", "install", "--help"],
        option: "--index-url",
        found_in: "uv's default",
    },
];

/// The default index of the first installer that names one.
pub(super) async fn installers(machine: &Machine) -> Option<DiscoveredIndex> {
    for question in &QUESTIONS {
        let Some(program) = on_path(machine, question.program) else {
            continue;
        };
        let Some(help) = help(machine, &program, question.arguments).await else {
            continue;
        };
        let default = default_of(&help, question.option);
        if let Some(Ok(index)) = default.map(|url| DiscoveredIndex::read(&url, question.found_in)) {
            return Some(index);
        }
    }
    None
}

fn on_path(machine: &Machine, program: &str) -> Option<PathBuf> {
    let folders = std::env::split_paths(machine.environment.get("PATH")?);
    let absolute = folders.filter(|folder| folder.is_absolute());
    absolute
        .map(|folder| folder.join(program))
        .find(|path| path.is_file())
}

async fn help(machine: &Machine, program: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    command.kill_on_drop(true);
    for name in KEPT {
        if let Some(value) = machine.environment.get(name) {
            command.env(name, value);
        }
    }
    // Wide enough that no URL is broken over two lines, where the tool asks for the width at all.
    command
        .env("COLUMNS", "1000")
        .env("NO_COLOR", "1")
        .env("LC_ALL", "C.UTF-8");
    command
        .env("PIP_CONFIG_FILE", "/dev/null")
        .env("UV_NO_CONFIG", "1");
    let output = tokio::time::timeout(PATIENCE, command.output())
        .await
        .ok()?
        .ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The default that a help text gives for an option: the first URL after the word "default" in the
/// option's own paragraph.
fn default_of(help: &str, option: &str) -> Option<String> {
    let mut lines = help.lines().skip_while(|line| !introduces(line, option));
    let first = lines.next()?;
    let rest = lines.take_while(|line| !line.trim_start().starts_with('-'));
    let paragraph: Vec<&str> = std::iter::once(first)
        .chain(rest)
        .flat_map(str::split_whitespace)
        .collect();
    let after_default = paragraph
        .iter()
        .skip_while(|word| !word.contains("default"))
        .skip(1);
    let trimmed = after_default.map(|word| word.trim_matches(|c: char| "<>()[],;`'\"".contains(c)));
    let mut urls =
        trimmed.filter(|word| word.starts_with("https://") || word.starts_with("http://"));
    urls.next()
        .map(|url| url.trim_end_matches(['.', ')']).to_owned())
}

fn introduces(line: &str, option: &str) -> bool {
    let line = line.trim_start();
    let mut words = line.split([' ', ',', '=']).filter(|word| !word.is_empty());
    line.starts_with('-') && words.by_ref().take(3).any(|word| word == option)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_default_is_read_from_help_texts_of_any_width() {
        let pip = "\
  -i, --index-url <url>       Base URL of the Python Package Index (default
                              https://pkgs.example/simple). This should point to a
                              repository compliant with PEP 503.
  --extra-index-url <url>     Extra URLs to use in addition to --index-url.
";
        let narrow = "\
  -i, --index-url <url>
                  Base URL of the
                  Package Index
                  (default
                  https://pkgs.example/simple).
";
        let uv = "\
      --default-index <DEFAULT_INDEX>
          The default package index (by default: <https://pkgs.example/simple>) [env: X]
  -i, --index-url <INDEX_URL>
          (Deprecated: use `--default-index` instead) The URL of the index (by
          default: <https://pkgs.example/simple>) [env: UV_INDEX_URL]
";
        let bracketed = "  --index-url <URL>  The index [default: https://pkgs.example/simple]\n";
        for (help, option) in [
            (pip, "--index-url"),
            (narrow, "--index-url"),
            (uv, "--default-index"),
            (uv, "--index-url"),
            (bracketed, "--index-url"),
        ] {
            let found = default_of(help, option);
            assert_eq!(
                found.as_deref(),
                Some("https://pkgs.example/simple"),
                "{help}"
            );
        }
    }

    #[test]
    fn a_help_text_without_a_default_says_nothing() {
        let other = "\
  -i, --index-url <url>  The index.
  --find-links <url>     By default https://pkgs.example/links
";
        for help in ["", "--index-url", other] {
            assert_eq!(default_of(help, "--index-url"), None, "{help}");
        }
    }

    proptest! {
        #[test]
        fn no_help_text_makes_it_panic(text in "(?s)(--index-url|default|https://|\n|.){0,40}") {
            let _ = default_of(&text, "--index-url");
        }
    }
}
