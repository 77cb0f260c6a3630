//! The recipes: `test`, `setup` and `with`.

use std::thread;

use anyhow::Context as _;

use crate::arguments::Selection;
use crate::deny::Deny;
use crate::places::Places;
use crate::run::{cargo, command, run};
use crate::servers::Servers;
use crate::steps::{Steps, required};
use crate::{environments, system, test_counts, tidy, try_wheel};

/// Everything that must pass, or the part of it that was asked for. The last line sums the tests up.
pub(crate) fn test(places: &Places, selection: &Selection) -> anyhow::Result<()> {
    match selection {
        Selection::Everything => test_everything(places),
        Selection::Fast => {
            let mut steps = Steps::default();
            check_source(places, &mut steps);
            steps.run("tidy", || tidy::tidy(places));
            run_tests(places, steps, None, None)
        }
        Selection::Named(name) => {
            let servers = provide(places)?;
            run_tests(places, Steps::default(), Some(&servers), Some(name))
        }
        Selection::FastNamed(name) => run_tests(places, Steps::default(), None, Some(name)),
    }
}

fn test_everything(places: &Places) -> anyhow::Result<()> {
    let mut steps = Steps::default();
    required("system packages", system::install_missing)?;
    // Both take minutes the first time, most of it waiting or at low priority.
    let deny = required("dependency rules, in the background", || {
        Deny::start(places)
    })?;
    let installation = {
        let places = places.clone();
        thread::spawn(move || environments::install(&places))
    };
    check_source(places, &mut steps);
    required("virtual environments", || {
        installation
            .join()
            .unwrap_or_else(|_| Err(anyhow::anyhow!("the installation panicked")))
    })?;
    // It asks pip, which a fresh machine has only now.
    steps.run("tidy", || tidy::tidy(places));
    let servers = required("servers", || Servers::start(places))?;
    let mut counts = test_counts::Counts::default();
    steps.run("tests", || {
        cargo_test(places, Some(&servers), None, &mut counts)
    });
    drop(servers);
    steps.run("wheel", || try_wheel::try_wheel(places));
    steps.run("tests of the feature yara", || test_yara(places));
    steps.run("dependency rules", || deny.finish());
    println!("{counts}");
    steps.finish()
}

fn check_source(places: &Places, steps: &mut Steps) {
    let root = &places.root;
    steps.run("formatting", || {
        run(cargo().args(["fmt", "--all", "--check"]).current_dir(root))
    });
    steps.run("lints", || {
        let arguments = ["clippy", "--workspace", "--all-targets", "--locked", "--"];
        run(cargo()
            .args(arguments)
            .args(["-D", "warnings"])
            .current_dir(root))
    });
    // The one feature that is off by default.
    steps.run("lints of the feature yara", || {
        let packages = ["clippy", "-p", "portcullis", "-p", "portcullis-inspect"];
        run(cargo()
            .args(packages)
            .args(["--features", "yara", "--locked", "--", "-D", "warnings"])
            .current_dir(root))
    });
}

/// The tests of what only builds with the feature have.
fn test_yara(places: &Places) -> anyhow::Result<()> {
    let arguments = ["test", "-p", "portcullis-inspect", "--features", "yara"];
    run(cargo()
        .args(arguments)
        .args(["--lib", "--locked", "own_rules"])
        .current_dir(&places.root))
}

fn run_tests(
    places: &Places,
    mut steps: Steps,
    servers: Option<&Servers>,
    name: Option<&str>,
) -> anyhow::Result<()> {
    let mut counts = test_counts::Counts::default();
    steps.run("tests", || cargo_test(places, servers, name, &mut counts));
    println!("{counts}");
    steps.finish()
}

fn cargo_test(
    places: &Places,
    servers: Option<&Servers>,
    name: Option<&str>,
    counts: &mut test_counts::Counts,
) -> anyhow::Result<()> {
    let mut tests = cargo();
    tests
        .args(["test", "--workspace", "--locked", "--no-fail-fast"])
        .args(name);
    tests.current_dir(&places.root);
    if let Some(servers) = servers {
        tests.envs(servers.variables(places));
    }
    counts.run(&mut tests)
}

/// Everything that the tests use: installed, running, and ended when the value is dropped.
pub(crate) fn provide(places: &Places) -> anyhow::Result<Servers> {
    required("system packages", system::install_missing)?;
    required("virtual environments", || environments::install(places))?;
    required("servers", || Servers::start(places))
}

/// Installs what the tests need and starts and stops the servers once.
pub(crate) fn set_up(places: &Places) -> anyhow::Result<()> {
    let servers = provide(places)?;
    for (name, value) in servers.variables(places) {
        println!("{name}={}", value.display());
    }
    Ok(())
}

/// Runs a command as the tests run.
pub(crate) fn with(places: &Places, program: &[String]) -> anyhow::Result<()> {
    let servers = provide(places)?;
    let (name, arguments) = program
        .split_first()
        .context("the command line asks for one")?;
    run(command(name)
        .args(arguments)
        .envs(servers.variables(places)))
}
