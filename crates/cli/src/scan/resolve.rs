//! From what is named to what is inspected: the pages of projects are asked for, each once and some at a
//! time, and the files that are meant become inputs. What cannot be resolved becomes an input as well, one
//! that could not be inspected.

use std::collections::HashMap;

use futures_util::StreamExt as _;
use futures_util::stream;
use indicatif::ProgressBar;
use portcullis_core::pypi::name::ProjectName;
use tokio::runtime::Handle;

use super::choice::{Only, Wanted, choose};
use super::fetch::Remote;
use super::index::Index;
use super::inputs::Input;
use super::named::{Named, Unusable};

/// How what is named is resolved.
pub(super) struct Resolving<'r> {
    pub(super) index: &'r Index,
    pub(super) only: Option<Only>,
    pub(super) at_once: usize,
    pub(super) runtime: &'r Handle,
}

/// The inputs that each of `named` stands for, in their order.
pub(super) async fn resolve(
    named: &[Named],
    resolving: &Resolving<'_>,
    progress: &ProgressBar,
) -> Vec<Vec<Input>> {
    let mut projects: HashMap<&ProjectName, Vec<(usize, &Wanted)>> = HashMap::new();
    let mut inputs: Vec<Vec<Input>> = Vec::with_capacity(named.len());
    for (position, one) in named.iter().enumerate() {
        inputs.push(match one {
            Named::Wanted(wanted) => {
                let same = projects.entry(&wanted.project).or_default();
                same.push((position, wanted));
                Vec::new()
            }
            Named::Place(place) if resolving.index.is_at(&place.what) => Vec::new(),
            Named::Place(unusable) | Named::Unusable(unusable) => vec![hopeless(unusable)],
        });
    }
    progress.set_length(projects.len() as u64);
    let asking = projects.into_iter().map(|(project, wanted)| async move {
        let found = of_project(project, &wanted, resolving).await;
        progress.inc(1);
        found
    });
    let mut answers = stream::iter(asking).buffer_unordered(resolving.at_once);
    while let Some(found) = answers.next().await {
        for (position, found) in found {
            inputs[position] = found;
        }
    }
    inputs
}

fn hopeless(unusable: &Unusable) -> Input {
    let Unusable { what, from, why } = unusable;
    Input::hopeless(what, Some(from), why)
}

async fn of_project(
    project: &ProjectName,
    wanted: &[(usize, &Wanted)],
    resolving: &Resolving<'_>,
) -> Vec<(usize, Vec<Input>)> {
    let listed = resolving.index.page(project).await;
    let inputs = |wanted: &Wanted| match &listed {
        Err(why) => vec![Input::hopeless(&wanted.what, wanted.from.as_deref(), why)],
        Ok(listed) => {
            let chosen = choose(wanted, &listed.page, resolving.only).into_iter();
            let remotes = chosen.map(|chosen| {
                chosen.and_then(|chosen| Remote::new(chosen, &listed.asked, resolving.runtime))
            });
            let input = |remote: Result<Remote, String>| match remote {
                Ok(remote) => Input::remote(remote, wanted.from.as_deref()),
                Err(why) => Input::hopeless(&wanted.what, wanted.from.as_deref(), &why),
            };
            remotes.map(input).collect()
        }
    };
    wanted
        .iter()
        .map(|(position, wanted)| (*position, inputs(wanted)))
        .collect()
}
