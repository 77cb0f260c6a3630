//! `credentials-in-url`: a password or token inside of a URL.

use crate::inspection::Severity;
use crate::lint::address::{Address, token_kind};
use crate::lint::contents::{Contents, LockedOrigin, Origin, Span};
use crate::lint::project::{Project, ProjectFile};
use crate::lint::rule::{Finding, Rule};

/// The rule.
#[derive(Debug)]
pub(super) struct CredentialsInUrl;

impl Rule for CredentialsInUrl {
    fn id(&self) -> &'static str {
        "credentials-in-url"
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn summary(&self) -> &'static str {
        "a password or token stands in a URL"
    }

    fn manual(&self) -> &'static str {
        "A URL with a password is in every copy of the file, in the logs of the installer and of \
         proxies, and in locks that are made of it. Whoever reads one of them can use \
         it.\n\nWithdraw the password first. Then put a variable in its place, which pip, uv and \
         pipenv expand (`${TOKEN}`), or leave it out: `UV_INDEX_NAME_PASSWORD`, \
         `POETRY_HTTP_BASIC_NAME_PASSWORD`, `.netrc` of the user or a keyring."
    }

    fn example(&self) -> (&'static str, &'static str) {
        (
            "requirements.txt",
            "--index-url https://ci:correct-horse@packages.acme.example/simple\n",
        )
    }

    fn check(&self, project: &Project, found: &mut Vec<Finding>) {
        for file in &project.files {
            let mut seen: Vec<String> = Vec::new();
            for (url, at) in urls(&file.contents) {
                let Some(address) = Address::of(url) else {
                    continue;
                };
                let Some(secret) = address.secret() else {
                    continue;
                };
                // A lock repeats its index for every package.
                if seen.iter().any(|before| before == secret) {
                    continue;
                }
                seen.push(secret.to_owned());
                let kind = token_kind(secret).unwrap_or("a password");
                let message = format!("{kind} stands in the URL of {}", address.host);
                let at = place_of(url, &address.credentials_at, at, file);
                found.push(
                    Finding::new(self, file, &at, message)
                        .because("it is in every copy of the file, in its history and in logs")
                        .help("withdraw it, then put a variable in its place or leave it to a keyring"),
                );
            }
        }
    }
}

/// The URLs of a file, each with the place of what it is a part of.
fn urls(contents: &Contents) -> Vec<(&str, &Span)> {
    let places = contents.places.iter();
    let mut urls: Vec<(&str, &Span)> = places.map(|place| (&*place.url, &place.url_at)).collect();
    for wanted in &contents.wanted {
        match &wanted.origin {
            Origin::Url { url } | Origin::Vcs { url, .. } => urls.push((url, &wanted.at)),
            _ => {}
        }
    }
    let includes = contents.included.iter();
    urls.extend(includes.map(|included| (&*included.path, &included.at)));
    for package in &contents.locked {
        match &package.origin {
            LockedOrigin::Index(Some(url))
            | LockedOrigin::Url(url)
            | LockedOrigin::Vcs { url, .. } => {
                urls.push((url, &package.at));
            }
            _ => {}
        }
        let files = package.files.iter();
        urls.extend(files.map(|file| (&*file.location, &file.at)));
    }
    let indexes = contents.lock.iter().flat_map(|head| &head.indexes);
    urls.extend(indexes.map(|(url, at)| (&**url, at)));
    urls
}

/// The place of the credentials where the URL is written as it is, else that of what it is a part of.
fn place_of(url: &str, credentials: &Span, at: &Span, file: &ProjectFile) -> Span {
    let written = file.text.get(at.clone()).unwrap_or_default();
    match written.find(url) {
        Some(start) => {
            let start = at.start + start;
            start + credentials.start..start + credentials.end.saturating_sub(1)
        }
        None => at.clone(),
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::{found_by, project};

    #[test]
    fn passwords_are_found_and_variables_are_not() {
        let package = |name: &str| {
            format!(
                "[[package]]\nname = \"{name}\"\nversion = \"1\"\nsource = {{ registry = \
                 \"https://ci:s3cret@a.example/simple\" }}\n"
            )
        };
        let lock = format!("version = 1\n{}{}", package("a"), package("b"));
        let files = [
            (
                "pip.conf",
                "[global]\nindex-url = https://ci:s3cret@a.example/simple\n",
            ),
            (
                "uv.toml",
                "[[index]]\nurl = \"https://__token__:${TOKEN}@a.example/simple\"\n",
            ),
            ("uv.lock", &lock),
        ];
        assert_eq!(
            found_by("credentials-in-url", &project(&files)),
            [
                "pip.conf:2: a password stands in the URL of a.example [ci:s3cret]",
                "uv.lock:4: a password stands in the URL of a.example [1]",
            ]
        );
    }
}
