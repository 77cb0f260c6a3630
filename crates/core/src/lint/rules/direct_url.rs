//! `direct-url`: files that are installed from a URL, whatever they are by then.

use crate::inspection::Severity;
use crate::lint::contents::{Origin, Role, Tool, Wanted};
use crate::lint::file::FileKind;
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};
use crate::pypi::name::ProjectName;

/// The rule.
#[derive(Debug)]
pub(super) struct DirectUrl;

impl Rule for DirectUrl {
    fn id(&self) -> &'static str {
        "direct-url"
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn summary(&self) -> &'static str {
        "a file is installed from a URL without a hash"
    }

    fn manual(&self) -> &'static str {
        "`name @ https://host/file.whl` takes whatever the host delivers, past the index and everything \
         that it checks: no pin, no yank, no quarantine, no advisory by version.\n\n\
         Use a release of an index. Where there is none, fix what is installed: \
         `https://host/file.whl#sha256=…`. What a lock with hashes has settled is not reported again, nor \
         are addresses on this machine."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "acme @ https://files.acme.example/acme-1.0-py3-none-any.whl\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let wanted = file.contents.wanted.iter();
            let open =
                wanted.filter(|wanted| is_open(wanted) && !is_settled(project, file, wanted));
            found.extend(open.map(|wanted| {
                let what = wanted.name.as_ref().map_or("a file", ProjectName::as_str);
                Finding::new(
                    self,
                    file,
                    &wanted.at,
                    format!("{what} is installed from a URL without a hash"),
                )
                .because("the host decides each time what is installed, and no index can stop it")
                .help("require a release of an index, or add #sha256=… to the URL")
            }));
        }
    }
}

fn is_open(wanted: &Wanted) -> bool {
    let Origin::Url { url } = &wanted.origin else {
        return false;
    };
    let is_here = ["://localhost", "://127.0.0.1"]
        .iter()
        .any(|host| url.contains(host));
    let is_fixed = wanted
        .hashes
        .iter()
        .any(|hash| hash.algorithm.starts_with("sha"));
    !is_here && !is_fixed
}

/// Whether a lock beside the file has settled what is installed: those of uv, poetry, pdm and pipenv keep the
/// hash of a URL and the commit of a branch.
pub(super) fn is_settled(project: &Project, file: &ProjectFile, wanted: &Wanted) -> bool {
    let lock = match wanted.tool {
        Tool::Uv => "uv.lock",
        Tool::Poetry => "poetry.lock",
        Tool::Pdm => "pdm.lock",
        Tool::Pipenv => "Pipfile.lock",
        _ => return false,
    };
    let is_locked = matches!(file.kind, FileKind::Pyproject | FileKind::Pipfile);
    is_locked && wanted.role != Role::Build && project.included(file, lock).is_some()
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn urls_need_a_hash_unless_a_lock_has_it() {
        let poetry = "[tool.poetry.dependencies]\nx = {url = 'https://a.example/x.whl'}\n";
        let project = project(&[
            (
                "requirements.txt",
                "x @ https://a.example/x.whl\nhttps://a.example/y.zip#sha256=aa\n\
                                  https://a.example/z.zip#md5=aa\nhttp://localhost/a.zip\n./b\n",
            ),
            ("open/pyproject.toml", poetry),
            ("locked/pyproject.toml", poetry),
            ("locked/poetry.lock", ""),
        ]);
        assert_eq!(
            found_by("direct-url", &project),
            [
                "open/pyproject.toml:2: x is installed from a URL without a hash [x = {url = 'https://a.example/x.whl'}]",
                "requirements.txt:1: x is installed from a URL without a hash [x @ https://a.example/x.whl]",
                "requirements.txt:3: a file is installed from a URL without a hash [https://a.example/z.zip#md5=aa]",
            ]
        );
    }
}
