//! `[[inspection.scanners]]`: programs and services that are shown every file beside the engine. What they
//! answer is read in `inspection/scanners`.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use portcullis_core::inspection::is_scanner_name;
use portcullis_core::settings::{Located, Table};
use url::Url;

use super::read::Reader;
use super::{Period, redacted};

/// What stands for the path of the file in a scanner's command.
pub const PATH_PLACE: &str = "{path}";

/// A scanner beside the engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScannerSettings {
    /// Its name, which stands in front of what it finds: `NAME:RULE`.
    pub name: String,
    /// How it is asked.
    pub way: ScannerWay,
    /// How long it may take for one file.
    pub timeout: Duration,
    /// What it means that it does not answer.
    pub on_failure: OnFailure,
}

/// How a scanner is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ScannerWay {
    /// A program and its arguments, [`PATH_PLACE`] among them.
    Command(Vec<String>),
    /// An address that files are posted to.
    Service(Url),
}

/// What it means that a scanner does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing.
    Ignore,
    /// The file was not looked at to the end, which the policy says what to make of.
    #[default]
    Hold,
}

const TIMEOUT: Duration = Duration::from_secs(10);

/// Nobody waits longer for one file.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// More scanners than anybody has.
const MOST_SCANNERS: usize = 16;

impl FromStr for OnFailure {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "ignore" => Ok(Self::Ignore),
            "hold" => Ok(Self::Hold),
            other => Err(format!("{other:?} is not one of ignore, hold")),
        }
    }
}

impl fmt::Display for OnFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ignore => "ignore",
            Self::Hold => "hold",
        })
    }
}

impl Reader<'_> {
    /// Reads every `[[inspection.scanners]]` out of `[inspection]`.
    pub(super) fn scanners(&mut self, inspection: &mut Table<'_>) -> Vec<ScannerSettings> {
        let mut scanners: Vec<ScannerSettings> = Vec::new();
        for mut table in inspection.tables("scanners") {
            if let Some(scanner) = self.scanner(&mut table) {
                if scanners.iter().any(|known| known.name == scanner.name) {
                    let message = format!("there is more than one scanner {}", scanner.name);
                    table.mistake_here(message, None);
                }
                scanners.push(scanner);
            }
            if scanners.len() > MOST_SCANNERS {
                table.mistake_here(format!("more than {MOST_SCANNERS} scanners"), None);
            }
            table.finish();
        }
        scanners
    }

    fn scanner(&mut self, table: &mut Table<'_>) -> Option<ScannerSettings> {
        let name = table.text("name");
        let command = table.list::<String>("command");
        let url = table.parsed::<Url>("url");
        let timeout = table.parsed::<Period>("timeout");
        let on_failure = table.parsed::<OnFailure>("on-failure");
        let Some(name) = name else {
            table.mistake_here("this scanner has no `name`", Some("name = \"clamav\""));
            return None;
        };
        if !is_scanner_name(&name.value) {
            let message = format!("{:?} cannot be the name of a scanner", name.value);
            let help = "lower-case letters, digits and '-', a letter first, at most 32";
            table.mistake(&name, message, Some(help));
            return None;
        }
        let key = |key: &str| format!("inspection.scanners.{}.{key}", name.value);
        // Its arguments may hold a secret.
        self.show(&key("command"), command.iter().flatten().next());
        let shown = url.as_ref().map(|url| url.with(redacted(&url.value)));
        self.show(&key("url"), shown.as_ref());
        self.show(&key("timeout"), timeout.as_ref());
        self.show(&key("on-failure"), on_failure.as_ref());
        check_timeout(table, timeout.as_ref());
        let way = match (command, url) {
            (Some(command), None) => command_of(self.folder, table, &command)?,
            (None, Some(url)) => service(table, &url)?,
            _ => {
                let message = format!("scanner {} needs either a command or a url", name.value);
                let help = "command = [\"yara-scan\", \"{path}\"] or url = \"http://…\"";
                table.mistake_here(message, Some(help));
                return None;
            }
        };
        Some(ScannerSettings {
            name: name.value,
            way,
            timeout: timeout.map_or(TIMEOUT, |timeout| timeout.value.0),
            on_failure: on_failure.map_or(OnFailure::default(), |one| one.value),
        })
    }
}

fn check_timeout(table: &Table<'_>, timeout: Option<&Located<Period>>) {
    let is_wrong =
        |period: &Located<Period>| period.value.0.is_zero() || period.value.0 > LONGEST_TIMEOUT;
    if let Some(timeout) = timeout.filter(|timeout| is_wrong(timeout)) {
        table.mistake(timeout, "a scanner has between 1s and 10m for a file", None);
    }
}

/// A program whose name has a slash in it stands below the configuration's folder, any other on `PATH`.
fn command_of(folder: &Path, table: &Table<'_>, command: &[Located<String>]) -> Option<ScannerWay> {
    let Some((program, arguments)) = command.split_first() else {
        table.mistake_here("`command` is empty", Some("command = [\"…\", \"{path}\"]"));
        return None;
    };
    let names_it = |argument: &Located<String>| argument.value.contains(PATH_PLACE);
    if !arguments.iter().any(names_it) {
        let message = "the command is not told which file to look at";
        table.mistake(program, message, Some("add \"{path}\" to its arguments"));
    }
    let stands_here = program.value.contains('/');
    let program = match stands_here {
        true => folder.join(&program.value).display().to_string(),
        false => program.value.clone(),
    };
    let arguments = arguments.iter().map(|argument| argument.value.clone());
    Some(ScannerWay::Command(
        std::iter::once(program).chain(arguments).collect(),
    ))
}

fn service(table: &Table<'_>, url: &Located<Url>) -> Option<ScannerWay> {
    if matches!(url.value.scheme(), "http" | "https") && url.value.has_host() {
        return Some(ScannerWay::Service(url.value.clone()));
    }
    table.mistake(url, "a scanner's address is an http or https URL", None);
    None
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Overrides};
    use super::*;

    fn parse(text: &str) -> Result<Vec<ScannerSettings>, String> {
        let place = Path::new("/etc/portcullis/portcullis.toml");
        Config::parse(text, place, &Overrides::default())
            .map(|config| config.inspection.scanners)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn both_ways_are_read_with_their_defaults() {
        let text = "[[inspection.scanners]]\nname = 'clam-av'\ncommand = ['./scan', '-q', '{path}']\n\
                    [[inspection.scanners]]\nname = 'lab'\nurl = 'http://lab.example:8000/scan'\n\
                    timeout = '30s'\non-failure = 'ignore'\n";
        let command = ["/etc/portcullis/./scan", "-q", "{path}"].map(str::to_owned);
        let expected = vec![
            ScannerSettings {
                name: "clam-av".to_owned(),
                way: ScannerWay::Command(command.to_vec()),
                timeout: TIMEOUT,
                on_failure: OnFailure::Hold,
            },
            ScannerSettings {
                name: "lab".to_owned(),
                way: ScannerWay::Service("http://lab.example:8000/scan".parse().expect("a URL")),
                timeout: Duration::from_secs(30),
                on_failure: OnFailure::Ignore,
            },
        ];
        assert_eq!(parse(text), Ok(expected));
        assert_eq!(parse(""), Ok(Vec::new()));
    }

    #[test]
    fn every_mistake_is_shown_at_its_place() {
        let one = |keys: &str| format!("[[inspection.scanners]]\n{keys}\n");
        let text = [
            "command = ['x', '{path}']",
            "name = 'A b'\nurl = 'http://a.example/'",
            "name = 'none'",
            "name = 'both'\ncommand = ['x', '{path}']\nurl = 'http://a.example/'",
            "name = 'blind'\ncommand = ['x']",
            "name = 'far'\nurl = 'ftp://a.example/'",
            "name = 'slow'\nurl = 'http://a.example/'\ntimeout = '1h'\non-failure = 'deny'",
            "name = 'twice'\nurl = 'http://a.example/'",
            "name = 'twice'\nurl = 'http://a.example/'\nhurry = true",
        ];
        let text: String = text.into_iter().map(one).collect();
        insta::assert_snapshot!(parse(&text).expect_err("mistaken"));
    }

    #[test]
    fn passwords_are_not_shown() {
        let text = "[[inspection.scanners]]\nname = 'lab'\nurl = 'http://u:hunter2@lab.example/'\n";
        let place = Path::new("portcullis.toml");
        let config = Config::parse(text, place, &Overrides::default()).expect("sound");
        let shown = format!("{:?}", config.shown);
        assert!(
            shown.contains("lab.example") && !shown.contains("hunter2"),
            "{shown}"
        );
    }
}
