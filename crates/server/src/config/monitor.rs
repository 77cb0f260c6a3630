//! `[monitor]`: what is watched outside beside what clients ask for. What it is watched for is in
//! `jobs/monitor`.

use std::path::PathBuf;
use std::time::Duration;

use portcullis_core::settings::Table;
use url::Url;

use super::Period;
use super::operations::Often;
use super::read::Reader;

/// What is watched outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MonitorSettings {
    /// How often the projects in use are visited; `None`: never.
    pub projects: Option<Duration>,
    /// Where new names of the outside are listed.
    pub new_names: Option<ListPlace>,
    /// How often that list is read.
    pub new_names_every: Duration,
    /// How it is learned that an owned name appeared outside.
    pub owned_names: OwnedNames,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Self {
            projects: Some(DAY),
            new_names: None,
            new_names_every: HOUR,
            owned_names: OwnedNames::Off,
        }
    }
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// Where a list of names is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListPlace {
    /// At this address.
    Url(Url),
    /// In this file.
    File(PathBuf),
}

/// How it is learned that an owned name appeared outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedNames {
    /// It is not.
    Off,
    /// Every outside source is asked for every owned name, which tells it the names.
    Ask,
    /// From a list of all names of the outside, which tells nobody anything.
    List(ListPlace),
}

impl Reader<'_> {
    /// Reads `[monitor]`.
    pub(super) fn monitor(&mut self, root: &mut Table<'_>) -> MonitorSettings {
        let mut settings = MonitorSettings::default();
        let Some(mut table) = root.table("monitor") else {
            return settings;
        };
        let projects = table.parsed::<Often>("projects");
        self.show("monitor.projects", projects.as_ref());
        if let Some(projects) = projects {
            settings.projects = projects.value.0;
        }
        settings.new_names = self.list_place("new-names", &mut table);
        let every = table.parsed::<Period>("new-names-every");
        self.show("monitor.new-names-every", every.as_ref());
        if let Some(every) = every {
            settings.new_names_every = every.value.0;
        }
        settings.owned_names = self.owned_names(&mut table);
        table.finish();
        settings
    }

    fn owned_names(&mut self, table: &mut Table<'_>) -> OwnedNames {
        let how = table.text("owned-names");
        self.show("monitor.owned-names", how.as_ref());
        let list = self.list_place("names-list", table);
        match (how.as_ref().map(|how| how.value.as_str()), list) {
            (None | Some("off"), None) => OwnedNames::Off,
            (Some("ask"), None) => OwnedNames::Ask,
            (Some("list"), Some(list)) => OwnedNames::List(list),
            (Some("list"), None) => {
                let help = "names-list = \"https://…\" or a path";
                table.mistake_here("owned-names = \"list\" needs a `names-list`", Some(help));
                OwnedNames::Off
            }
            (None | Some("off" | "ask"), Some(_)) => {
                let help = "owned-names = \"list\"";
                table.mistake_here("`names-list` is there, and not used", Some(help));
                OwnedNames::Off
            }
            (Some(other), _) => {
                let message = format!("owned-names is off, ask or list, not {other:?}");
                table.mistake_here(message, None);
                OwnedNames::Off
            }
        }
    }

    fn list_place(&mut self, key: &str, table: &mut Table<'_>) -> Option<ListPlace> {
        let text = table.text(key)?;
        let url = Url::parse(&text.value).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https"));
        let shown = url.as_ref().map_or(text.value.clone(), super::redacted);
        self.show(&format!("monitor.{key}"), Some(&text.with(shown)));
        Some(match url {
            Some(url) => ListPlace::Url(url),
            None => ListPlace::File(self.folder.join(text.value)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::{Config, Overrides};
    use super::*;

    fn parse(text: &str) -> Result<MonitorSettings, String> {
        let place = Path::new("/etc/portcullis/portcullis.toml");
        Config::parse(text, place, &Overrides::default())
            .map(|config| config.monitor)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn owned_names_are_not_told_to_anybody_unless_that_is_wanted() {
        let owned = |text: &str| parse(&format!("[monitor]\n{text}\n")).map(|m| m.owned_names);
        let list = ListPlace::File("/etc/portcullis/all.txt".into());
        assert_eq!(parse(""), Ok(MonitorSettings::default()));
        assert_eq!(owned(""), Ok(OwnedNames::Off));
        assert_eq!(owned("owned-names = 'ask'"), Ok(OwnedNames::Ask));
        assert_eq!(
            owned("owned-names = 'list'\nnames-list = 'all.txt'"),
            Ok(OwnedNames::List(list))
        );
        for text in [
            "owned-names = 'yes'",
            "owned-names = 'list'",
            "names-list = 'all.txt'",
            "owned-names = 'ask'\nnames-list = 'all.txt'",
        ] {
            assert!(owned(text).is_err(), "{text}");
        }
    }

    #[test]
    fn lists_are_addresses_or_files_and_periods_may_be_off() {
        let read = parse(
            "[monitor]\nprojects = 'off'\nnew-names = 'https://feeds.example/new.xml'\n\
             new-names-every = '10m'\n",
        )
        .expect("a sound configuration");
        assert_eq!(read.projects, None);
        assert!(matches!(read.new_names, Some(ListPlace::Url(_))));
        assert_eq!(read.new_names_every, Duration::from_secs(600));
        assert!(parse("[monitor]\nprojects = 'daily'\n").is_err());
    }
}
