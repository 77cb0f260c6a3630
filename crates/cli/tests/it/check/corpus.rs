//! Small repositories in the shape of real ones, in `tests/corpus/check`, one folder each, and all that is said of
//! them. To add one: its folder, and `INSTA_UPDATE=always cargo test -p portcullis --test it check::corpus` once;
//! read the snapshot before it is kept. What a file `NAME.arguments` beside the folder says is added to
//! the command line.

use std::path::{Path, PathBuf};

use super::{Repository, stdout};

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/check")
}

fn copy(from: &Path, below: &Path, to: &Repository) {
    for entry in from.join(below).read_dir().unwrap() {
        let entry = entry.unwrap();
        let path = below.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copy(from, &path, to),
            false => {
                let bytes = std::fs::read(entry.path()).unwrap();
                to.write(path.to_str().unwrap(), bytes);
            }
        }
    }
}

#[test]
fn everything_that_is_said_of_the_corpus_is_as_it_was() {
    let mut names: Vec<String> = corpus()
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert!(names.len() >= 6, "{names:?}");
    for name in names {
        let repository = Repository::new(&[]);
        copy(&corpus().join(&name), Path::new(""), &repository);
        let more = std::fs::read_to_string(corpus().join(format!("{name}.arguments")));
        let more = more.unwrap_or_default();
        let mut arguments = vec!["--machine", "none"];
        arguments.extend(more.split_whitespace());
        let output = repository.check(&arguments);
        let screen = format!(
            "{}{}exit {}\n",
            stdout(&output),
            String::from_utf8_lossy(&output.stderr),
            output.status.code().unwrap()
        );
        assert!(
            screen.lines().all(|line| line.chars().count() <= 120),
            "{name}: {screen}"
        );
        insta::with_settings!({
            filters => vec![(r"· \d+\.\d\d s", "· [time]")],
            snapshot_path => "../snapshots/check",
            omit_expression => true,
            prepend_module_to_snapshot => false,
        }, {
            insta::assert_snapshot!(name, screen);
        });
    }
}
