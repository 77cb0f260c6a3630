//! Pipelines of GitLab: images, services, variables, files of others, and scripts.

use super::commands;
use super::images;
use super::not_readable;
use super::shell::Dialect;
use crate::lint::contents::{Contents, Reference, ReferenceKind, Runs, User};
use crate::lint::syntax::{Node, yaml};

/// Reads a pipeline.
pub(super) fn read(text: &str) -> Contents {
    let documents = match yaml::parse(text) {
        Ok(documents) => documents,
        Err(error) => return not_readable(error),
    };
    let mut contents = Contents::default();
    for root in &documents {
        let general = root
            .get("default")
            .and_then(|one| one.get("image"))
            .or(root.get("image"));
        let general = general.and_then(image_name).unwrap_or_default().to_owned();
        take_job(root, &general, &mut contents);
        for include in root
            .get("include")
            .map(Node::one_or_more)
            .unwrap_or_default()
        {
            take_include(include, &mut contents);
        }
        for job in root
            .entries()
            .iter()
            .filter(|entry| !entry.value.entries().is_empty())
        {
            if !matches!(
                job.key.as_str(),
                "variables" | "include" | "workflow" | "image" | "cache"
            ) {
                take_job(&job.value, &general, &mut contents);
            }
        }
    }
    contents
}

fn image_name(image: &Node) -> Option<&str> {
    image.get("name").unwrap_or(image).text()
}

fn take_image(image: Option<&Node>, contents: &mut Contents) {
    let image = image.map(|image| image.get("name").unwrap_or(image));
    if let Some(spelled) = image.and_then(Node::spelled) {
        contents
            .references
            .extend(images::reference(spelled.as_str(), spelled.at()));
    }
}

/// Takes a job, or what is said for all of them.
fn take_job(job: &Node, general: &str, contents: &mut Contents) {
    take_image(job.get("image"), contents);
    for service in job.get("services").map(Node::items).unwrap_or_default() {
        take_image(Some(service), contents);
    }
    commands::variables(job.get("variables"), contents);
    let image = job.get("image").and_then(image_name).unwrap_or(general);
    let runs = Runs {
        user: match image {
            "" => User::Unknown,
            image => images::user_of(image),
        },
        unattended: true,
        in_environment: false,
    };
    // The script runs in the shell of what is before it, the rest in one of its own.
    let before = job.get("before_script");
    let between = before.map_or(runs, |before| {
        commands::scripts(before, Dialect::Posix, runs, contents)
    });
    for (key, runs) in [("script", between), ("after_script", runs)] {
        if let Some(script) = job.get(key) {
            commands::scripts(script, Dialect::Posix, runs, contents);
        }
    }
}

/// Takes a file of another project; those of this one and of GitLab itself are no strangers.
fn take_include(include: &Node, contents: &mut Contents) {
    let reference = |target: &str, revision: Option<&str>| Reference {
        kind: ReferenceKind::Action,
        target: target.to_owned(),
        revision: revision.map(str::to_owned),
        at: include.at.clone(),
    };
    let is_remote = |text: &str| text.starts_with("https://") || text.starts_with("http://");
    if let Some(project) = include.text_of("project") {
        contents
            .references
            .push(reference(project, include.text_of("ref")));
    } else if let Some(component) = include.text_of("component") {
        let (target, version) = component.rsplit_once('@').unwrap_or((component, ""));
        let version = Some(version).filter(|version| !version.is_empty());
        contents.references.push(reference(target, version));
    } else if let Some(url) = include
        .text_of("remote")
        .or(include.text().filter(|text| is_remote(text)))
    {
        contents.references.push(reference(url, None));
    }
}
