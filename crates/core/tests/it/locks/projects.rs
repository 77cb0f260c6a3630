//! Small projects out of a generator with a seed, each as the files that a tool wants to see: what is on the
//! indexes, in version control, at a URL and beside the project, wanted in every way that the tool has.

use portcullis_fixtures::{FixtureIndex, sdist, wheel};

use super::chance::Chance;

/// The indexes that projects are resolved against.
pub(super) struct Indexes {
    /// The one that everything comes from unless it is said.
    pub(super) main: FixtureIndex,
    /// One beside it, with a project of its own.
    pub(super) other: FixtureIndex,
    /// The address of a wheel that no index lists.
    pub(super) loose: String,
}

impl Indexes {
    pub(super) fn start() -> Self {
        let (main, other) = (
            FixtureIndex::start_blocking(),
            FixtureIndex::start_blocking(),
        );
        main.offer_metadata();
        for version in ["1.0", "1.5", "2.0"] {
            main.add(
                wheel("alpha", version)
                    .requires("beta>=1")
                    .header("Provides-Extra", "fast")
                    .requires("gamma; extra == 'fast'"),
            );
            main.add(wheel("delta", version).requires("e.long_name"));
            main.add(sdist("delta", version));
        }
        for version in ["1.0", "2.0"] {
            main.add(wheel("beta", version).requires("delta ; sys_platform == 'win32'"));
            main.add(
                wheel("beta", version)
                    .requires("delta ; sys_platform == 'win32'")
                    .tags("cp311", "cp311", "win_amd64"),
            );
            other.add(wheel("xi", version).requires("alpha"));
        }
        main.add(wheel("gamma", "1.0").requires_python(">=3.8"));
        main.add(sdist("gamma", "1.0").requires_python(">=3.8"));
        main.add(wheel("E.Long_name", "1.0.post1"));
        main.add(wheel("xi", "0.5"));
        let loose = main.add(wheel("loose", "4.0").requires("gamma"));
        Self { main, other, loose }
    }
}

/// The folder of a package that is built where it lies.
pub(super) fn package(name: &str, requires: &str) -> String {
    format!(
        "[project]\nname = \"{name}\"\nversion = \"7.0\"\ndependencies = [{requires}]\n\n[build-system]\n\
         requires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n"
    )
}

/// The backend of such a package.
pub(super) const BACKEND: &str = include_str!("backend.py");

/// From where something is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Main,
    Other,
    /// A repository, at a commit, tag or branch.
    Git(&'static str),
    Url,
    Folder,
    Editable,
    Member,
}

/// Something that is wanted.
#[derive(Clone, Copy)]
struct Need {
    name: &'static str,
    extras: &'static str,
    specifier: &'static str,
    marker: &'static str,
    from: From,
}

/// A project without a spelling.
pub(super) struct Project {
    /// Those of the project, of its extra and of its group.
    needs: [Vec<Need>; 3],
    /// Whether one project is wanted in two versions.
    is_forked: bool,
    is_package: bool,
}

const MARKERS: [&str; 6] = [
    "",
    "",
    "",
    "sys_platform == 'win32'",
    "python_version >= '3.9'",
    "os_name == 'nt' and python_version < '3.12'",
];

impl Project {
    /// What may be wanted from outside an index: `forms` says from where.
    fn generate(chance: &mut Chance, forms: &[From]) -> Self {
        let mut needs = [Vec::new(), Vec::new(), Vec::new()];
        let is_forked = chance.below(4) == 0;
        let elsewhere = forms.iter().map(|from| match from {
            From::Git(_) => "repo",
            From::Url => "loose",
            From::Folder | From::Editable => "lib",
            From::Member => "member",
            From::Main | From::Other => "xi",
        });
        let elsewhere: Vec<(&'static str, From)> = elsewhere.zip(forms.iter().copied()).collect();
        let on_main = ["Alpha", "beta", "gamma", "delta", "E_long.name"];
        let mut taken = Vec::new();
        for _ in 0..1 + chance.below(6) {
            let (name, from) = match chance.below(2) {
                0 if !elsewhere.is_empty() => elsewhere[chance.below(elsewhere.len())],
                _ => (chance.one(&on_main), From::Main),
            };
            if taken.contains(&name) || (is_forked && name == "delta") {
                continue;
            }
            taken.push(name);
            let is_released = matches!(from, From::Main | From::Other);
            let specifiers: &[&str] = match name {
                "E_long.name" => &[""],
                "gamma" => &["", ">=1", "==1.0", "==1.*"],
                _ => &["", "", ">=1", "<2", ">=1,<3", "!=1.5", "==2.0"],
            };
            needs[chance.below(4).saturating_sub(1)].push(Need {
                name,
                extras: match name {
                    "Alpha" => chance.one(&["", "fast"]),
                    _ => "",
                },
                specifier: match is_released {
                    true => chance.one(specifiers),
                    false => "",
                },
                marker: match is_released {
                    true => chance.one(&MARKERS),
                    false => "",
                },
                from,
            });
        }
        Self {
            needs,
            is_forked,
            is_package: chance.below(2) == 0,
        }
    }

    fn all(&self) -> impl Iterator<Item = &Need> {
        self.needs.iter().flatten()
    }

    fn wants(&self, from: From) -> bool {
        self.all().any(|need| need.from == from)
    }
}

/// The two needs of a project that is wanted in two versions.
const FORK: [Need; 2] = [
    Need {
        name: "delta",
        extras: "",
        specifier: "==1.0",
        marker: "sys_platform == 'win32'",
        from: From::Main,
    },
    Need {
        name: "delta",
        extras: "",
        specifier: ">=1.5",
        marker: "sys_platform != 'win32'",
        from: From::Main,
    },
];

/// A file of a project: its path, and what is in it. `{git}` and `{commit}` stand for the address of a
/// repository and for a commit of it.
pub(super) type File = (&'static str, String);

fn beside(mut files: Vec<File>) -> Vec<File> {
    files.extend([
        ("lib/pyproject.toml", package("lib", "\"beta\"")),
        ("lib/backend.py", BACKEND.to_owned()),
        (
            "members/member/pyproject.toml",
            package("member", "\"delta\""),
        ),
        ("members/member/backend.py", BACKEND.to_owned()),
    ]);
    files
}

/// A requirement of PEP 508.
fn requirement(need: &Need, url: &str) -> String {
    let extras = match need.extras {
        "" => String::new(),
        extras => format!("[{extras}]"),
    };
    let from = match url {
        "" => need.specifier.to_owned(),
        url => format!(" @ {url}"),
    };
    let marker = match need.marker {
        "" => String::new(),
        marker => format!(" ; {marker}"),
    };
    format!("{}{extras}{from}{marker}", need.name)
}

fn quoted(requirements: impl IntoIterator<Item = String>) -> String {
    let quoted = requirements.into_iter().map(|one| format!("\"{one}\""));
    quoted.collect::<Vec<_>>().join(", ")
}

const GIT: [From; 4] = [
    From::Git("rev = \"{commit}\""),
    From::Git("tag = \"v1\""),
    From::Git("branch = \"main\""),
    From::Git(""),
];

fn forms(chance: &mut Chance, more: &[From]) -> Vec<From> {
    let mut forms = vec![From::Other, From::Url, GIT[chance.below(GIT.len())]];
    forms.push(match chance.below(2) {
        0 => From::Folder,
        _ => From::Editable,
    });
    forms.extend(more);
    forms
}

/// A project of uv.
pub(super) fn uv(chance: &mut Chance, indexes: &Indexes) -> Vec<File> {
    let forms = forms(chance, &[From::Member]);
    let project = Project::generate(chance, &forms);
    let listed = |needs: &[Need]| quoted(needs.iter().map(|need| requirement(need, "")));
    let [runtime, extra, group] = &project.needs;
    let mut runtime = runtime.clone();
    if project.is_forked {
        runtime.extend(FORK);
    }
    let sources = project.all().filter_map(|need| {
        let source = match need.from {
            From::Main => return None,
            From::Other => "index = \"other\"".to_owned(),
            From::Git("") => "git = \"{git}\"".to_owned(),
            From::Git(at) => format!("git = \"{{git}}\", {at}"),
            From::Url => format!("url = \"{}\"", indexes.loose),
            From::Folder => "path = \"lib\"".to_owned(),
            From::Editable => "path = \"lib\", editable = true".to_owned(),
            From::Member => "workspace = true".to_owned(),
        };
        Some(format!("{} = {{ {source} }}\n", need.name))
    });
    let sources: String = sources.collect();
    let workspace = match project.wants(From::Member) {
        true => "[tool.uv.workspace]\nmembers = [\"members/*\"]\n",
        false => "",
    };
    let build = match project.is_package {
        true => package("", "")
            .split_once("\n\n")
            .map(|(_, build)| build.to_owned()),
        false => Some("[tool.uv]\npackage = false\n".to_owned()),
    };
    let text = format!(
        "[project]\nname = \"App\"\nversion = \"1.0\"\nrequires-python = \">=3.8\"\ndependencies = \
         [{}]\n\n[project.optional-dependencies]\nmore = [{}]\n\n[dependency-groups]\ndev = \
         [{}]\n\n{}\n[tool.uv.sources]\n{sources}\n{workspace}\n[[tool.uv.index]]\nname = \"main\"\nurl = \
         \"{}\"\ndefault = true\n\n[[tool.uv.index]]\nname = \"other\"\nurl = \"{}\"\nexplicit = true\n",
        listed(&runtime),
        listed(extra),
        listed(group),
        build.unwrap_or_default(),
        indexes.main.simple_url(),
        indexes.other.simple_url(),
    );
    beside(vec![
        ("pyproject.toml", text),
        ("backend.py", BACKEND.to_owned()),
    ])
}

/// A project of poetry.
pub(super) fn poetry(chance: &mut Chance, indexes: &Indexes) -> Vec<File> {
    let forms = forms(chance, &[]);
    let project = Project::generate(chance, &forms);
    let table = |need: &Need| {
        let from = match need.from {
            From::Main => String::new(),
            From::Other => ", source = \"other\"".to_owned(),
            From::Git("") => ", git = \"{git}\"".to_owned(),
            From::Git(at) => format!(", git = \"{{git}}\", {at}"),
            From::Url => format!(", url = \"{}\"", indexes.loose),
            From::Folder | From::Member => ", path = \"lib\"".to_owned(),
            From::Editable => ", path = \"lib\", develop = true".to_owned(),
        };
        let mut said = String::new();
        if matches!(need.from, From::Main | From::Other) {
            let any = if need.specifier.is_empty() {
                "*"
            } else {
                need.specifier
            };
            said += &format!(", version = \"{any}\"");
        }
        if !need.marker.is_empty() {
            said += &format!(", markers = \"{}\"", need.marker);
        }
        if !need.extras.is_empty() {
            said += &format!(", extras = [\"{}\"]", need.extras);
        }
        format!("{said}{from}").trim_start_matches(", ").to_owned()
    };
    let lines = |needs: &[Need], more: &str| {
        let lines = needs.iter();
        let lines = lines.map(|need| format!("\"{}\" = {{ {}{more} }}\n", need.name, table(need)));
        lines.collect::<String>()
    };
    let [runtime, extra, group] = &project.needs;
    let fork = match project.is_forked {
        true => format!(
            "delta = [{{ {} }}, {{ {} }}]\n",
            table(&FORK[0]),
            table(&FORK[1])
        ),
        false => String::new(),
    };
    let extras = quoted(extra.iter().map(|need| need.name.to_owned()));
    let text = format!(
        "[tool.poetry]\npackage-mode = false\n\n[tool.poetry.dependencies]\npython = \
         \">=3.8\"\n{}{fork}{}\n[tool.poetry.extras]\nmore = [{extras}]\n\n[tool.poetry.group.dev.dependencies]\n\
         {}\n[[tool.poetry.source]]\nname = \"main\"\nurl = \"{}\"\npriority = \"primary\"\n\n\
         [[tool.poetry.source]]\nname = \"other\"\nurl = \"{}\"\npriority = \"explicit\"\n",
        lines(runtime, ""),
        lines(extra, ", optional = true"),
        lines(group, ""),
        indexes.main.simple_url(),
        indexes.other.simple_url(),
    );
    beside(vec![("pyproject.toml", text)])
}

/// The address of something from elsewhere in a requirement of PEP 508; nothing for an index.
fn url(need: &Need, indexes: &Indexes) -> String {
    match need.from {
        From::Main | From::Other => String::new(),
        From::Git("") => "git+{git}".to_owned(),
        From::Git(at) => {
            let revision = at.split('"').nth(1).unwrap_or_default();
            format!("git+{{git}}@{revision}")
        }
        From::Url => indexes.loose.clone(),
        From::Folder | From::Editable | From::Member => "file:///${PROJECT_ROOT}/lib".to_owned(),
    }
}

/// A project of pdm.
pub(super) fn pdm(chance: &mut Chance, indexes: &Indexes) -> Vec<File> {
    let forms = forms(chance, &[]);
    let project = Project::generate(chance, &forms);
    let listed = |needs: &[Need]| {
        quoted(
            needs
                .iter()
                .map(|need| requirement(need, &url(need, indexes))),
        )
    };
    // Only its own table of groups may have what is editable.
    let [runtime, extra, group] = &project.needs;
    let (editable, plain): (Vec<Need>, Vec<Need>) =
        group.iter().partition(|need| need.from == From::Editable);
    let editable = match editable.is_empty() {
        true => "",
        false => "\"-e file:///${PROJECT_ROOT}/lib#egg=lib\"",
    };
    let strategy = chance.one(&["[]", "[\"static_urls\"]", "[\"inherit_metadata\"]"]);
    let text = format!(
        "[project]\nname = \"App\"\nversion = \"1.0\"\nrequires-python = \">=3.8\"\ndependencies = \
         [{}]\n\n[project.optional-dependencies]\nmore = [{}]\n\n[dependency-groups]\ndev = [{}]\n\n\
         [tool.pdm]\ndistribution = false\n\n[tool.pdm.dev-dependencies]\nedit = [{editable}]\n\n[tool.pdm.lock]\n\
         strategy = {strategy}\n\n[[tool.pdm.source]]\nname = \"pypi\"\nurl = \"{}\"\nverify_ssl = false\n\
         exclude_packages = [\"xi\"]\n\n[[tool.pdm.source]]\nname = \"other\"\nurl = \"{}\"\nverify_ssl = \
         false\ninclude_packages = [\"xi\"]\nexclude_packages = [\"*\"]\n",
        listed(runtime),
        listed(extra),
        listed(&plain),
        indexes.main.simple_url(),
        indexes.other.simple_url(),
    );
    beside(vec![("pyproject.toml", text)])
}

/// A project of pipenv.
pub(super) fn pipenv(chance: &mut Chance, indexes: &Indexes) -> Vec<File> {
    let forms = forms(chance, &[]);
    let project = Project::generate(chance, &forms);
    let line = |need: &Need| {
        let from = match need.from {
            From::Main => String::new(),
            From::Other => ", index = \"other\"".to_owned(),
            From::Git(at) => {
                let revision = at.split('"').nth(1).unwrap_or("main");
                format!(", git = \"{{git}}\", ref = \"{revision}\"")
            }
            From::Url => format!(", file = \"{}\"", indexes.loose),
            From::Folder | From::Member => ", path = \"./lib\"".to_owned(),
            From::Editable => ", path = \"./lib\", editable = true".to_owned(),
        };
        let mut said = String::new();
        if matches!(need.from, From::Main | From::Other) {
            // pipenv writes `==` before `!=` in a table.
            let any = match need.specifier {
                "" | "!=1.5" => "*",
                specifier => specifier,
            };
            said += &format!(", version = \"{any}\"");
        }
        if !need.marker.is_empty() {
            said += &format!(", markers = \"{}\"", need.marker);
        }
        if !need.extras.is_empty() {
            said += &format!(", extras = [\"{}\"]", need.extras);
        }
        let table = format!("{said}{from}");
        format!(
            "\"{}\" = {{ {} }}\n",
            need.name,
            table.trim_start_matches(", ")
        )
    };
    let lines = |needs: &[Need]| needs.iter().map(line).collect::<String>();
    let [runtime, extra, group] = &project.needs;
    let text = format!(
        "[[source]]\nname = \"main\"\nurl = \"{}\"\nverify_ssl = false\n\n[[source]]\nname = \"other\"\nurl = \
         \"{}\"\nverify_ssl = false\n\n[packages]\n{}\n[dev-packages]\n{}\n[docs]\n{}\n",
        indexes.main.simple_url(),
        indexes.other.simple_url(),
        lines(runtime),
        lines(extra),
        lines(group),
    );
    beside(vec![("Pipfile", text)])
}

/// What pip is told to lock.
pub(super) fn pip(chance: &mut Chance, indexes: &Indexes) -> Vec<File> {
    let forms = forms(chance, &[]);
    let project = Project::generate(chance, &forms);
    let lines = project.all().map(|need| match need.from {
        From::Editable => "-e ./lib".to_owned(),
        From::Folder | From::Member => "./lib".to_owned(),
        _ => requirement(need, &url(need, indexes)),
    });
    let lines: Vec<String> = lines.collect();
    let text = format!(
        "--index-url {}\n--extra-index-url {}\n{}\n",
        indexes.main.simple_url(),
        indexes.other.simple_url(),
        lines.join("\n")
    );
    beside(vec![("requirements.in", text)])
}
