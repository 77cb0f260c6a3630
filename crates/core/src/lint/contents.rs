//! [`Contents`]: what a file says about packages, in terms that do not depend on its format. Everything has
//! its place, in bytes of the file's text, so that a finding can show it and a fix replace it.
//!
//! Readers fill it in and judge nothing; rules read it and know no format.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

use crate::pypi::name::ProjectName;
use crate::pypi::version::{Version, VersionSpecifiers};

/// Bytes of a file's text.
pub type Span = Range<usize>;

/// Which [`Invocation`] of its file something is a part of: its position there.
pub type InvocationId = usize;

/// What a file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Contents {
    /// The name of the project that the file describes, with its place.
    pub name: Option<(ProjectName, Span)>,
    /// What is wanted, in the order of the file.
    pub wanted: Vec<Wanted>,
    /// Where packages come from.
    pub places: Vec<Place>,
    /// How installers are set, under the names of their own long options.
    pub settings: Vec<Setting>,
    /// Files that are read as a part of this one.
    pub included: Vec<Included>,
    /// Commands, as far as they can be told apart.
    pub commands: Vec<Command>,
    /// Those of the commands that run an installer.
    pub invocations: Vec<Invocation>,
    /// What a lock has settled.
    pub locked: Vec<LockedPackage>,
    /// What a lock says of itself.
    pub lock: Option<LockHead>,
    /// How a lock would name this file as its input.
    pub lock_inputs: LockInputs,
    /// Passwords and tokens that can be read.
    pub secrets: Vec<Secret>,
    /// What is fetched and run besides packages: images, actions, hooks.
    pub references: Vec<Reference>,
    /// What could not be read.
    pub unread: Vec<Unread>,
}

/// A program that installs, locks, builds or publishes packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is the name of the program")]
pub enum Tool {
    Pip,
    Uv,
    Poetry,
    Pdm,
    Pipenv,
    Hatch,
    Conda,
    Pipx,
    PipTools,
    Setuptools,
    Twine,
    Flit,
    Tox,
    Nox,
    PreCommit,
}

impl Tool {
    /// Its name as people type it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pip => "pip",
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pdm => "pdm",
            Self::Pipenv => "pipenv",
            Self::Hatch => "hatch",
            Self::Conda => "conda",
            Self::Pipx => "pipx",
            Self::PipTools => "pip-compile",
            Self::Setuptools => "setuptools",
            Self::Twine => "twine",
            Self::Flit => "flit",
            Self::Tox => "tox",
            Self::Nox => "nox",
            Self::PreCommit => "pre-commit",
        }
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What something is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// To run the project, its extras included.
    Runtime,
    /// To work on it: groups, development and test requirements, environments of tox, nox and hatch.
    Development,
    /// To build it: `[build-system] requires`, `setup_requires`.
    Build,
    /// A constraint: it narrows others down and wants nothing by itself.
    Constraint,
    /// Named on the command line of an installer.
    Command,
}

/// Something that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The requirement as it is spelled, without options and comment.
    pub spelled: String,
    /// Its place, without options and comment.
    pub at: Span,
    /// The project; `None` where a path or URL does not tell.
    pub name: Option<ProjectName>,
    /// From where and in which versions.
    pub origin: Origin,
    /// The hashes of files that are allowed.
    pub hashes: Vec<GivenHash>,
    /// What it is wanted for.
    pub role: Role,
    /// Who installs it.
    pub tool: Tool,
    /// The one index that it must come from, by its name there (poetry's `source`, uv's `index`, pipenv's
    /// `index`, pdm's `include_packages`).
    pub index: Option<String>,
    /// Whether something was written that only part of the shape of a requirement can be told of, such as a
    /// variable of a shell (`flask==$VERSION`).
    pub partly_known: bool,
    /// The environment marker behind `;`, as it is spelled.
    pub marker: Option<String>,
    /// The invocation that it is an argument of.
    pub by: Option<InvocationId>,
}

/// Where something that is wanted comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Origin {
    /// An index, in versions that these specifiers allow. poetry's `^` and `~`, pipenv's `*` and conda's `=`
    /// are turned into those of PEP 440.
    Index(VersionSpecifiers),
    /// A file at a URL.
    Url {
        /// The URL as it is spelled.
        url: String,
    },
    /// Version control.
    Vcs {
        /// `git`, `hg`, `svn` or `bzr`.
        kind: String,
        /// The URL of the repository as it is spelled, without `git+` and without what follows `@`.
        url: String,
        /// The commit, tag or branch.
        reference: Option<String>,
    },
    /// A path, editable or not.
    Path(String),
    /// It cannot be understood; the reason, as a clause.
    Unknown(String),
}

/// A hash that is given for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenHash {
    /// The algorithm as it is spelled, in lower case: `sha256`, `md5`.
    pub algorithm: String,
    /// The digest as it is spelled.
    pub digest: String,
    /// The place of both.
    pub at: Span,
}

/// A place where packages come from or go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The URL or path as it is spelled, with credentials and unexpanded variables.
    pub url: String,
    /// Its place.
    pub url_at: Span,
    /// The place of all of it: option and value, or the table.
    pub at: Span,
    /// How it is used.
    pub role: PlaceRole,
    /// Its name, where it has one.
    pub name: Option<String>,
    /// Whose setting it is.
    pub tool: Tool,
    /// The invocation that it is an option of.
    pub by: Option<InvocationId>,
}

/// How a place is used beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PlaceRole {
    /// It takes the place of the tool's default index: `--index-url`, uv's `default = true`, the first
    /// `[[source]]` of a Pipfile, poetry's primary source, pdm's source named `pypi`.
    Default,
    /// It is asked beside the default one, and the highest version of all of them wins: pip's
    /// `--extra-index-url`, a second primary source of poetry, a second source of pdm.
    Merged,
    /// It is asked before the default one, and the first that has the project wins: an index of uv, a second
    /// source of pipenv.
    Ordered,
    /// It is asked only for what names it.
    Explicit,
    /// It is asked where the others have nothing (poetry's `supplemental`).
    Supplemental,
    /// A page or folder of files: `--find-links`.
    FindLinks,
    /// Where releases are published.
    Upload,
}

/// A setting of an installer from a configuration file, a variable of the environment or an option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Whose it is.
    pub tool: Tool,
    /// Its name as the tool's long option or configuration key, in kebab case and without dashes before it:
    /// `trusted-host`, `index-strategy`, `require-hashes`.
    pub key: String,
    /// Its value as it is spelled, without quotes; `true` for an option without one.
    pub value: String,
    /// The place of key and value.
    pub at: Span,
    /// The place of the value; that of the key where there is none.
    pub value_at: Span,
    /// The invocation that it is an option of.
    pub by: Option<InvocationId>,
}

impl Setting {
    /// Whether it is switched on, as pip, uv and Python's `configparser` read booleans.
    #[must_use]
    pub fn is_on(&self) -> bool {
        let value = self.value.to_ascii_lowercase();
        matches!(value.as_str(), "true" | "1" | "yes" | "on" | "y" | "t")
    }

    /// Whether it is switched off explicitly.
    #[must_use]
    pub fn is_off(&self) -> bool {
        let value = self.value.to_ascii_lowercase();
        matches!(value.as_str(), "false" | "0" | "no" | "off" | "n" | "f")
    }
}

/// A file that is read as a part of another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Included {
    /// The path or URL as it is spelled.
    pub path: String,
    /// Its place.
    pub at: Span,
    /// What is in it.
    pub role: Role,
    /// The invocation that it is an option of.
    pub by: Option<InvocationId>,
}

/// A word of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What it comes to, quotes and escapes taken away. Variables stay as they are spelled.
    pub text: String,
    /// Its place, quotes included.
    pub at: Span,
    /// Whether it has variables or substitutions, so that nobody knows all of what it comes to.
    pub has_variables: bool,
}

/// One simple command: a program with its arguments, assignments before it taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Program and arguments; never empty. `sudo`, `env`, `exec`, `time`, `nohup` and the like stand in it.
    pub words: Vec<Word>,
    /// The place of all of it.
    pub at: Span,
    /// The variables that are assigned for it alone.
    pub variables: Vec<(String, String)>,
    /// Where it runs.
    pub runs: Runs,
    /// The command whose output it reads, by its position in the file.
    pub reads_from: Option<usize>,
}

/// Where a command runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// As whom.
    pub user: User,
    /// Whether a machine runs it without anybody who watches: pipelines, images.
    pub unattended: bool,
    /// Whether a virtual environment is known to be active there: tox, nox, an image that put one on `PATH`,
    /// `VIRTUAL_ENV`, an `activate` that was sourced before.
    pub in_environment: bool,
}

/// As whom a command runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum User {
    /// Nobody can tell.
    #[default]
    Unknown,
    /// The super-user: an image without `USER`, or `sudo`.
    Root,
    /// Somebody else.
    Other,
}

/// A command that runs an installer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    /// The installer.
    pub tool: Tool,
    /// What it is asked for.
    pub verb: Verb,
    /// The command, by its position in the file.
    pub command: usize,
    /// The place from the name of the installer to the last argument.
    pub at: Span,
    /// The place of the verb (`install`), behind which options can be added.
    pub verb_at: Span,
}

/// What an installer is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Packages are installed into an environment: `pip install`, `uv pip install`, `conda install`.
    Install,
    /// A dependency is added to the project and installed: `uv add`, `poetry add`.
    Add,
    /// What a lock says is installed: `uv sync`, `poetry install`, `pdm sync`, `pipenv install`.
    Sync,
    /// A lock is written: `uv lock`, `pip-compile`, `poetry lock`.
    Lock,
    /// Files are fetched or wheels are made: `pip download`, `pip wheel`.
    Download,
    /// A tool is installed or run from a throw-away environment: `uvx`, `pipx run`, `uv tool install`.
    Run,
    /// Files are published.
    Publish,
    /// A `setup.py` is run: `python setup.py install`.
    RunSetup,
    /// Configuration is changed: `pip config set`, `poetry config`.
    Configure,
    /// Something else.
    Other,
}

/// A package in a lock.
#[derive(Clone, Debug, PartialEq)]
pub struct LockedPackage {
    /// The project.
    pub name: ProjectName,
    /// Its version, where there is one.
    pub version: Option<Version>,
    /// The place of the name, or of the version where that can be told.
    pub at: Span,
    /// From where it comes.
    pub origin: LockedOrigin,
    /// Its files, as far as the format names them.
    pub files: Vec<LockedFile>,
    /// The hashes that stand for all files together (`Pipfile.lock`).
    pub hashes: Vec<GivenHash>,
}

/// Where a locked package comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LockedOrigin {
    /// An index, with its URL or name where the lock tells.
    Index(Option<String>),
    /// A URL.
    Url(String),
    /// Version control, with the commit where it tells.
    Vcs {
        /// The URL.
        url: String,
        /// The commit.
        commit: Option<String>,
    },
    /// A path, or the project itself.
    Path(String),
}

/// A file of a locked package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedFile {
    /// Its name or URL as it is spelled.
    pub location: String,
    /// The place of `location`.
    pub at: Span,
    /// Its hashes.
    pub hashes: Vec<GivenHash>,
}

/// What a lock says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LockHead {
    /// The version of its format as it is spelled.
    pub format: Option<String>,
    /// The digest that tells of which input it was made, as it is spelled: poetry's `content-hash`, pdm's
    /// `content_hash`, pipenv's `_meta.hash.sha256`.
    pub input_digest: Option<(String, Span)>,
    /// The projects of which it was made with what they required (uv's `requires-dist` and `requires-dev`).
    pub members: Vec<LockedMember>,
    /// The files of which it was made, where a header says so (`pip-compile`, `uv pip compile`).
    pub inputs: Vec<String>,
    /// The indexes of which it was made, as they are spelled.
    pub indexes: Vec<(String, Span)>,
}

/// A project that a lock was made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockedMember {
    /// Its folder as seen from the lock's: `.`, `packages/a`.
    pub folder: String,
    /// Its name.
    pub name: ProjectName,
    /// What it required when it was locked, extras and groups together.
    pub requires: BTreeSet<LockInput>,
}

/// A requirement of which a lock is made.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockInput {
    /// The project.
    pub name: ProjectName,
    /// Its extras, sorted.
    pub extras: BTreeSet<ProjectName>,
    /// The specifiers in the spelling of PEP 440, sorted; `None` where it comes from elsewhere than an index.
    pub specifiers: Option<BTreeSet<String>>,
}

/// How locks name a file as their input, as far as that can be told for certain.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LockInputs {
    /// The digests that a lock of this file carries, each with its tool. A tool has several where its versions
    /// digest different parts of the file.
    pub digests: Vec<(Tool, String)>,
    /// The requirements that uv keeps in a lock; `None` where the project computes some of them.
    pub requirements: Option<BTreeSet<LockInput>>,
    /// The tools that install the project as an application, whose lock belongs beside it: pipenv always, poetry
    /// with `package-mode = false`, uv with `package = false`.
    pub application_of: Vec<Tool>,
}

/// A password or token that anybody can read who reads the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secret {
    /// What it is for people: `password of the index acme`. Never the secret.
    pub what: String,
    /// Its place.
    pub at: Span,
}

/// Something that is fetched and run besides packages, by a name that may or may not stay the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// What it is.
    pub kind: ReferenceKind,
    /// What is fetched: an image, the repository of an action or of hooks.
    pub target: String,
    /// The tag, branch, digest or commit.
    pub revision: Option<String>,
    /// The place of all of it.
    pub at: Span,
}

/// What a [`Reference`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// An image of a container.
    Image,
    /// An action or workflow of GitHub, a template of GitLab or Azure.
    Action,
    /// A repository of pre-commit hooks.
    Hook,
}

/// Something in a file that could not be read, and so was not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its place, where it can be told.
    pub at: Option<Span>,
    /// Why, as a clause.
    pub why: String,
}

impl Contents {
    /// What could not be read as a whole.
    #[must_use]
    pub fn unreadable(why: impl Into<String>) -> Self {
        let unread = Unread {
            at: None,
            why: why.into(),
        };
        Self {
            unread: vec![unread],
            ..Self::default()
        }
    }

    /// Every place that is told of, in no order. All of them are within the text that was read, which tests
    /// and properties hold readers to.
    #[must_use]
    pub fn spans(&self) -> Vec<Span> {
        let mut spans = self.spans_of_locks();
        let hashes = self.wanted.iter().flat_map(|wanted| &wanted.hashes);
        spans.extend(hashes.map(|hash| hash.at.clone()));
        spans.extend(self.wanted.iter().map(|wanted| wanted.at.clone()));
        for place in &self.places {
            spans.extend([place.at.clone(), place.url_at.clone()]);
        }
        for setting in &self.settings {
            spans.extend([setting.at.clone(), setting.value_at.clone()]);
        }
        spans.extend(self.included.iter().map(|included| included.at.clone()));
        let words = self.commands.iter().flat_map(|command| &command.words);
        spans.extend(words.map(|word| word.at.clone()));
        spans.extend(self.commands.iter().map(|command| command.at.clone()));
        for invocation in &self.invocations {
            spans.extend([invocation.at.clone(), invocation.verb_at.clone()]);
        }
        spans.extend(self.secrets.iter().map(|secret| secret.at.clone()));
        spans.extend(self.references.iter().map(|reference| reference.at.clone()));
        spans.extend(self.unread.iter().filter_map(|unread| unread.at.clone()));
        spans
    }

    fn spans_of_locks(&self) -> Vec<Span> {
        let mut spans: Vec<Span> = self.locked.iter().map(|one| one.at.clone()).collect();
        let files = self.locked.iter().flat_map(|package| &package.files);
        spans.extend(files.clone().map(|file| file.at.clone()));
        let hashes = files.flat_map(|file| &file.hashes);
        let hashes = hashes.chain(self.locked.iter().flat_map(|package| &package.hashes));
        spans.extend(hashes.map(|hash| hash.at.clone()));
        if let Some(head) = &self.lock {
            spans.extend(head.input_digest.iter().map(|(_, at)| at.clone()));
            spans.extend(head.indexes.iter().map(|(_, at)| at.clone()));
        }
        spans
    }

    /// The settings of one invocation.
    pub fn settings_of(&self, id: InvocationId) -> impl Iterator<Item = &Setting> {
        let settings = self.settings.iter();
        settings.filter(move |setting| setting.by == Some(id))
    }

    /// What one invocation names to be installed.
    pub fn wanted_by(&self, id: InvocationId) -> impl Iterator<Item = &Wanted> {
        let wanted = self.wanted.iter();
        wanted.filter(move |wanted| wanted.by == Some(id))
    }

    /// The files that one invocation reads.
    pub fn included_by(&self, id: InvocationId) -> impl Iterator<Item = &Included> {
        let included = self.included.iter();
        included.filter(move |included| included.by == Some(id))
    }
}
