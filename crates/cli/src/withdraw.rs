//! `portcullis yank`, `unyank` and `delete`: taking back what was published here. What was fetched
//! from outside is `portcullis purge`'s.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use clap::Args;
use portcullis_core::digest::Sha256;
use portcullis_core::pypi::filename::{DistFilename, has_distribution_ending};
use portcullis_core::pypi::name::ProjectName;
use portcullis_core::pypi::requirement::Requirement;
use portcullis_core::pypi::version::Version;
use portcullis_server::Config;
use portcullis_server::config::SourceConfig;
use portcullis_store::blobs::Blobs;
use portcullis_store::hosted::{self, HostedFile, Target, Withdrawal};
use portcullis_store::{Db, references};

use crate::context::{Absence, Opened, Place, now, wait_for, who};
use crate::exit::{Exit, failure};
use crate::output::{bytes, count, print, remark, table};

/// Mark a published release, so that installers take it only when it is pinned (PEP 592)
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis yank acme-core==1.4.0 --reason 'loses the last row'"
)]
pub struct Yank {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    meant: Meant,
    /// Why, for those who have it pinned
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// Take a yank back
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis unyank acme-core==1.4.0")]
pub struct Unyank {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    meant: Meant,
}

/// Delete published files for good
///
/// The names of the files are never used again, and the project's name stays owned.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis delete acme-core==1.4.0 --yes")]
pub struct Delete {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    meant: Meant,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Which files are meant.
#[derive(Debug, Args)]
struct Meant {
    /// One release (acme-core==1.4.0), a project together with --all, or the name of one file
    #[arg(value_name = "REQUIREMENT|FILENAME")]
    subject: String,
    /// Every file of the project
    #[arg(long)]
    all: bool,
    /// The hosted source [default: every one that has such files]
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
}

/// Which files are meant, read.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Subject {
    File(String),
    Release(ProjectName, Version),
    Project(ProjectName),
}

impl Yank {
    /// Yanks.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let subject = self.meant.subject()?;
            let opened = self.place.database(Absence::Refused).await?;
            let who = who();
            let mut yanked = Vec::new();
            for (source, project) in places(&opened, &self.meant, &subject).await? {
                let withdrawal = withdrawal(&source, &project, &subject, &who);
                yanked.extend(hosted::yank(&opened.db, &withdrawal, &self.reason, now()).await?);
            }
            opened.db.close().await;
            let what = "Yanked {}: installers take them only when they are pinned.";
            tell(&self.meant.subject, &yanked, what)
        })
    }
}

impl Unyank {
    /// Takes a yank back.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let subject = self.meant.subject()?;
            let opened = self.place.database(Absence::Refused).await?;
            let who = who();
            let mut unyanked = Vec::new();
            for (source, project) in places(&opened, &self.meant, &subject).await? {
                let withdrawal = withdrawal(&source, &project, &subject, &who);
                unyanked.extend(hosted::unyank(&opened.db, &withdrawal, now()).await?);
            }
            opened.db.close().await;
            if unyanked.is_empty() {
                print("No file of it was yanked; nothing has changed.")?;
                return Ok(Exit::Clean);
            }
            tell(&self.meant.subject, &unyanked, "{} no longer yanked.")
        })
    }
}

impl Delete {
    /// Deletes, after asking.
    pub fn run(self) -> anyhow::Result<Exit> {
        wait_for(async {
            let subject = self.meant.subject()?;
            let opened = self.place.database(Absence::Refused).await?;
            let places = places(&opened, &self.meant, &subject).await?;
            if !self.yes && !confirmed(&opened.db, &places, &subject).await? {
                print("Nothing was deleted.")?;
                return Ok(Exit::Findings);
            }
            let who = who();
            let mut deleted = Vec::new();
            for (source, project) in &places {
                let withdrawal = withdrawal(source, project, &subject, &who);
                deleted.extend(hosted::delete(&opened.db, &withdrawal, now()).await?);
            }
            let freed = free(&opened, &deleted).await?;
            opened.db.close().await;
            let what = format!(
                "Deleted {{}}, {} freed. The names of these files are never used again, and the \
                 project's name stays owned.",
                bytes(freed)
            );
            tell(&self.meant.subject, &deleted, &what)
        })
    }
}

impl Meant {
    fn subject(&self) -> anyhow::Result<Subject> {
        if has_distribution_ending(&self.subject) {
            let filename = DistFilename::parse(&self.subject, None)?;
            if self.all {
                return Err(failure(
                    "a file name and --all contradict each other",
                    "name the project with --all, or the file alone",
                ));
            }
            return Ok(Subject::File(filename.as_str().to_owned()));
        }
        let requirement: Requirement = self.subject.parse()?;
        match (requirement.exact_version(), self.all) {
            (Some(version), false) => {
                Ok(Subject::Release(requirement.name.clone(), version.clone()))
            }
            (None, true) if requirement.specifiers.is_empty() => {
                Ok(Subject::Project(requirement.name))
            }
            (_, true) => Err(failure(
                "a version and --all contradict each other",
                "name the project with --all, or one version with ==",
            )),
            (None, false) => Err(failure(
                format!("{requirement} does not say which release"),
                format!(
                    "name one with {0}==VERSION, or all of them with {0} --all",
                    requirement.name
                ),
            )),
        }
    }
}

fn withdrawal<'a>(
    source: &'a str,
    project: &'a ProjectName,
    subject: &'a Subject,
    who: &'a str,
) -> Withdrawal<'a> {
    let target = match subject {
        Subject::File(filename) => Target::File(filename),
        Subject::Release(_, version) => Target::Release(version),
        Subject::Project(_) => Target::Project,
    };
    Withdrawal {
        source,
        project,
        target,
        who,
    }
}

fn hosted_sources(config: &Config, only: Option<&str>) -> anyhow::Result<Vec<String>> {
    let hosted = config.sources.iter();
    let hosted = hosted.filter(|(_, source)| matches!(source, SourceConfig::Hosted));
    let names: Vec<String> = hosted.map(|(name, _)| name.to_string()).collect();
    match only {
        None => Ok(names),
        Some(only) if names.iter().any(|name| name == only) => Ok(vec![only.to_owned()]),
        Some(only) => Err(failure(
            format!("there is no hosted source {only:?}"),
            format!("the hosted sources are: {}", names.join(", ")),
        )),
    }
}

/// The sources and projects that have files which are meant.
async fn places(
    opened: &Opened,
    meant: &Meant,
    subject: &Subject,
) -> anyhow::Result<Vec<(String, ProjectName)>> {
    let mut places = Vec::new();
    for source in hosted_sources(&opened.config, meant.source.as_deref())? {
        let project = match subject {
            Subject::Release(project, _) | Subject::Project(project) => Some(project.clone()),
            Subject::File(filename) => {
                let file = hosted::file(&opened.db, &source, filename).await?;
                file.map(|file| file.project)
            }
        };
        let Some(project) = project else { continue };
        // A project stays after the last of its files, and can be deleted too.
        let is_there = match subject {
            Subject::Project(_) => hosted::project(&opened.db, &source, &project)
                .await?
                .is_some(),
            _ => !files(&opened.db, &source, &project, subject)
                .await?
                .is_empty(),
        };
        if is_there {
            places.push((source, project));
        }
    }
    if places.is_empty() {
        return Err(failure(
            format!(
                "nothing that is published here is meant by {}",
                meant.subject
            ),
            "what was fetched from outside is thrown away with `portcullis purge`",
        ));
    }
    Ok(places)
}

async fn files(
    db: &Db,
    source: &str,
    project: &ProjectName,
    subject: &Subject,
) -> anyhow::Result<Vec<HostedFile>> {
    let mut files = hosted::files(db, source, project).await?;
    files.retain(|file| match subject {
        Subject::File(filename) => file.filename == *filename,
        Subject::Release(_, version) => file
            .version
            .parse::<Version>()
            .is_ok_and(|found| found == *version),
        Subject::Project(_) => true,
    });
    Ok(files)
}

async fn confirmed(
    db: &Db,
    places: &[(String, ProjectName)],
    subject: &Subject,
) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(failure(
            "deleting cannot be taken back, and there is no terminal to ask at",
            "say --yes",
        ));
    }
    let mut rows = Vec::new();
    for (source, project) in places {
        let files = files(db, source, project, subject).await?;
        rows.extend(
            files
                .into_iter()
                .map(|file| [file.filename, source.clone(), bytes(file.size)]),
        );
    }
    let number = count(rows.len() as u64, "file");
    remark(&table(["file", "source", "size"], rows));
    eprint!("Delete {number} for good? The names are never used again. [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Deletes the bytes that nothing refers to any more and returns how many they were.
async fn free(opened: &Opened, deleted: &[HostedFile]) -> anyhow::Result<u64> {
    let config = &opened.config;
    let blobs = Blobs::connect(&config.blobs, &config.data, std::env::vars_os())?;
    let mut content: Vec<Sha256> = deleted
        .iter()
        .flat_map(|file| [Some(file.sha256), file.metadata_sha256])
        .flatten()
        .collect();
    content.sort();
    content.dedup();
    let mut freed = 0;
    for sha256 in content {
        let deleted = references::delete_unneeded(&opened.db, &blobs, &sha256).await?;
        freed += deleted.unwrap_or(0);
    }
    Ok(freed)
}

/// Shows the files and then the sentence, in which `{}` stands for how many there are.
fn tell(subject: &str, files: &[HostedFile], sentence: &str) -> anyhow::Result<Exit> {
    if files.is_empty() {
        print(&format!("No file of {subject} is published here any more."))?;
        return Ok(Exit::Clean);
    }
    let rows = files
        .iter()
        .map(|file| [file.filename.clone(), file.source.clone()]);
    print(&table(["file", "source"], rows))?;
    let number = count(files.len() as u64, "file");
    print(&format!(
        "\n{}",
        crate::output::paragraph(0, &sentence.replace("{}", &number))
    ))?;
    Ok(Exit::Clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(subject: &str, all: bool) -> Result<String, String> {
        let meant = Meant {
            subject: subject.to_owned(),
            all,
            source: None,
        };
        let read = meant.subject().map_err(|error| error.to_string())?;
        Ok(match read {
            Subject::File(filename) => format!("file {filename}"),
            Subject::Release(project, version) => format!("release {project} {version}"),
            Subject::Project(project) => format!("project {project}"),
        })
    }

    #[test]
    fn what_is_meant_is_said_exactly() {
        for (subject, all, expected) in [
            ("Acme_Core==1.4.0", false, "release acme-core 1.4.0"),
            ("acme-core", true, "project acme-core"),
            (
                "acme_core-1.4.0-py3-none-any.whl",
                false,
                "file acme_core-1.4.0-py3-none-any.whl",
            ),
        ] {
            assert_eq!(read(subject, all).as_deref(), Ok(expected));
        }
        for (subject, all) in [
            ("acme-core", false),
            ("acme-core>=1", false),
            ("acme-core>=1", true),
            ("acme-core==1.4.0", true),
            ("acme_core-1.4.0-py3-none-any.whl", true),
            ("../x.whl", false),
            ("", false),
        ] {
            assert!(read(subject, all).is_err(), "{subject:?} {all}");
        }
    }
}
