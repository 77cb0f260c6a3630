//! [`Plan`]: what writing would do, worked out before anything is touched; and [`Look`]: what a tool would
//! ask as things are. Both are only values; who shows, writes and judges them is elsewhere.

use std::path::PathBuf;

use super::aim::Aim;

/// What writing would do.
#[derive(Debug, Default)]
pub(super) struct Plan {
    /// The files that would change.
    pub(super) changes: Vec<Change>,
    /// What would be taken out or turned.
    pub(super) removed: Vec<Removed>,
    /// What is left for people to do, each a sentence or two.
    pub(super) remarks: Vec<String>,
    /// What is printed instead of written.
    pub(super) printed: Option<String>,
}

/// A file that would change.
#[derive(Debug)]
pub(super) struct Change {
    /// The file.
    pub(super) path: PathBuf,
    /// What it holds, where it is there.
    pub(super) before: Option<String>,
    /// What it would hold.
    pub(super) after: String,
    /// Who may read it where it is made anew.
    pub(super) readers: Readers,
}

/// Who may read a new file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Whoever the user's mask lets.
    Usual,
    /// Nobody but its owner, because passwords are kept there.
    Owner,
}

/// Something that is taken out, because it leads past the gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Removed {
    /// What, as it is spelled.
    pub(super) what: String,
    /// Why, as a clause.
    pub(super) why: &'static str,
}

impl Plan {
    /// Remembers a file where it would change.
    pub(super) fn change(&mut self, path: PathBuf, before: Option<String>, after: String) {
        self.change_read_by(path, before, after, Readers::Usual);
    }

    /// The same with who may read a new file.
    pub(super) fn change_read_by(
        &mut self,
        path: PathBuf,
        before: Option<String>,
        after: String,
        readers: Readers,
    ) {
        if before.as_deref() != Some(after.as_str()) {
            self.changes.push(Change {
                path,
                before,
                after,
                readers,
            });
        }
    }

    /// Remembers that something is taken out.
    pub(super) fn remove(&mut self, what: impl Into<String>, why: &'static str) {
        self.removed.push(Removed {
            what: what.into(),
            why,
        });
    }

    /// Remembers what people have to do.
    pub(super) fn remark(&mut self, text: impl Into<String>) {
        self.remarks.push(text.into());
    }
}

/// How a place is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It is the index.
    Index,
    /// Beside the index, for everything.
    Beside,
    /// Only for what names it.
    Named,
}

/// A place that a tool would ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// How.
    pub(super) how: How,
    /// The key or variable.
    pub(super) key: String,
    /// The URL or path as it is spelled.
    pub(super) url: String,
    /// The file with the line, or the variable's name.
    pub(super) place: String,
}

/// Something that keeps a tool from asking the gateway only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    /// What kind, for programs.
    pub(super) kind: &'static str,
    /// Where.
    pub(super) place: String,
    /// What, in one sentence.
    pub(super) message: String,
    /// What to do.
    pub(super) remedy: String,
}

/// Where nothing names an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Unnamed {
    /// The tool asks PyPI.
    #[default]
    Default,
    /// Each file that is looked into has a finding of its own.
    ByFile,
}

/// What a tool would ask as things are.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// What it means that nothing names an index.
    pub(super) unnamed: Unnamed,
    /// In the order of importance.
    pub(super) asked: Vec<Asked>,
    /// Other settings that matter.
    pub(super) findings: Vec<Finding>,
    /// What people should know besides.
    pub(super) remarks: Vec<String>,
}

impl Look {
    /// Remembers a place that is asked.
    pub(super) fn asks(
        &mut self,
        how: How,
        key: impl Into<String>,
        url: impl Into<String>,
        place: impl Into<String>,
    ) {
        self.asked.push(Asked {
            how,
            key: key.into(),
            url: url.into(),
            place: place.into(),
        });
    }

    /// Remembers a setting that matters.
    pub(super) fn find(
        &mut self,
        kind: &'static str,
        place: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.findings.push(Finding {
            kind,
            place: place.into(),
            message: message.into(),
            remedy: remedy.into(),
        });
    }

    /// Everything that keeps `tool` from asking the gateway, and nothing else.
    pub(super) fn judged(&self, tool: &str, aim: &Aim) -> Vec<Finding> {
        let mut found = Vec::new();
        let write = format!("portcullis config write {tool}");
        let names_index = self.asked.iter().any(|asked| asked.how == How::Index);
        if !names_index && self.unnamed == Unnamed::Default {
            found.push(Finding {
                kind: "default-index",
                place: tool.to_owned(),
                message: format!("nothing names an index, so that {tool} takes its default, PyPI"),
                remedy: write.clone(),
            });
        }
        for asked in &self.asked {
            if aim.is_simple(&asked.url) || aim.is_upload(&asked.url) {
                continue;
            }
            let (kind, message) = match asked.how {
                How::Index => ("other-index", format!("{} is not the gateway", asked.key)),
                How::Beside => (
                    "beside",
                    format!("{} is asked beside the gateway", asked.key),
                ),
                How::Named => continue,
            };
            let is_variable = asked.place == asked.key;
            let remedy = match is_variable {
                true => format!("unset {}; it counts before every file", asked.key),
                false => format!("{write}, or take it out of {}", asked.place),
            };
            found.push(Finding {
                kind,
                place: asked.place.clone(),
                message: format!("{message}: {}", super::show::masked(&asked.url)),
                remedy,
            });
        }
        found.extend(self.findings.iter().cloned());
        found
    }
}
