//! The tests of faults that are worth more than the seconds they have in `cargo xtask test`: one after the other,
//! each for some minutes. What each of them did to the program, and what it found, is printed by the test.

use std::time::Instant;

use anyhow::bail;

use crate::arguments::Soaking;
use crate::places::Places;
use crate::run::{cargo, run};
use crate::test::provide;

/// A test that goes on for as long as `PORTCULLIS_SOAK_SECONDS` says.
struct Work {
    name: &'static str,
    test: &'static str,
}

const WORKS: [Work; 3] = [
    Work {
        name: "replicas",
        test: "replicas::chaos::nothing_is_wrong_or_lost_while_replicas_are_killed_and_cut_off",
    },
    Work {
        name: "rolling",
        test: "replicas::rolling::replicas_are_restarted_one_after_the_other_and_no_request_fails",
    },
    Work {
        name: "kills",
        test: "killed::a_killed_program_comes_back_by_itself_and_has_lost_nothing",
    },
];

/// Runs the chosen works, or each of them.
pub(crate) fn soak(places: &Places, soaking: &Soaking) -> anyhow::Result<()> {
    let chosen = chosen(&soaking.works)?;
    let servers = provide(places)?;
    let seconds = u64::from(soaking.minutes) * 60;
    for work in chosen {
        println!("==> {}, for {} min", work.name, soaking.minutes);
        let begun = Instant::now();
        run(cargo()
            .args([
                "test",
                "--locked",
                "--package",
                "portcullis",
                "--test",
                "it",
                "--",
            ])
            .args(["--exact", work.test, "--nocapture"])
            .envs(servers.variables(places))
            .env("PORTCULLIS_SOAK_SECONDS", seconds.to_string())
            .current_dir(&places.root))?;
        println!("==> {} held for {} s", work.name, begun.elapsed().as_secs());
    }
    Ok(())
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Work>> {
    if names.is_empty() {
        return Ok(WORKS.iter().collect());
    }
    let mut chosen = Vec::new();
    for name in names {
        match WORKS.iter().find(|work| work.name == name) {
            Some(work) => chosen.push(work),
            None => {
                let known: Vec<&str> = WORKS.iter().map(|work| work.name).collect();
                bail!("there is no work {name:?}, but {}", known.join(", "));
            }
        }
    }
    Ok(chosen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn works_are_found_by_name_and_all_of_them_without_one() {
        let all = chosen(&[]).unwrap_or_default();
        assert_eq!(all.len(), WORKS.len());
        let one = chosen(&["replicas".to_owned()]).unwrap_or_default();
        assert_eq!(one.len(), 1);
        assert!(chosen(&["mops".to_owned()]).is_err());
    }

    /// A test that was renamed would be soaked in silence.
    #[test]
    fn every_work_names_a_test_that_there_is() {
        let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/cli/tests/it");
        for work in &WORKS {
            let (module, test) = work.test.rsplit_once("::").unwrap_or_default();
            let file = tests.join(module.replace("::", "/"));
            let texts = [file.with_extension("rs"), file.join("mod.rs")];
            let text = texts
                .iter()
                .find_map(|path| std::fs::read_to_string(path).ok());
            let is_there = text.is_some_and(|text| text.contains(&format!("fn {test}()")));
            assert!(is_there, "{}", work.test);
        }
    }
}
