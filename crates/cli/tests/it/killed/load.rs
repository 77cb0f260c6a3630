//! [`Load`]: what clients and operators do to a program that is killed all the time, and what of it was
//! acknowledged. It judges each answer by itself; what is lost is for others to see.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{Scope, sleep};
use std::time::Duration;

use portcullis_fixtures::{Wheel, wheel};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::ending::Ending;
use crate::gateway::{self, Gateway};
use crate::wire::{self, Answer, Form};

/// How many public wheels are downloaded and purged.
pub(super) const PUBLIC: usize = 12;

/// How many projects policies refuse in turn.
pub(super) const GATES: usize = 3;

/// How many projects there are to be put into quarantine.
pub(super) const HELD: usize = 2_000;

pub(super) fn public(number: usize) -> Wheel {
    wheel(&format!("public-{number}"), "1.0").payload(10_000 + number * 60_000)
}

pub(super) fn gate(number: usize) -> Wheel {
    wheel(&format!("gate-{number}"), "1.0")
}

pub(super) fn held(number: usize) -> Wheel {
    wheel(&format!("held-{number:04}"), "1.0")
}

/// A policy that refuses one gate and no other.
pub(super) fn policy(number: usize) -> String {
    format!(
        "# The policy {number}.\n[conditions.gate]\nwhen = 'project == \"gate-{}\"'\neffect = \"deny\"\n\
         message = \"it is its turn\"\nremedy = \"wait\"\n",
        number % GATES
    )
}

/// What it may do.
pub(super) struct Tokens {
    pub(super) upload: String,
    pub(super) review: String,
}

/// What was acknowledged, and what else became of requests.
#[derive(Default)]
pub(super) struct Told {
    pub(super) uploads: Mutex<Vec<Wheel>>,
    /// Everything that was ever sent.
    pub(super) attempts: Mutex<Vec<Wheel>>,
    /// The numbers of what was put into quarantine.
    pub(super) quarantines: Mutex<Vec<usize>>,
    /// Complete downloads, by project.
    pub(super) downloads: Mutex<BTreeMap<String, usize>>,
    /// Uploads that were sent again because nobody had answered.
    pub(super) again: AtomicUsize,
    pub(super) pages: AtomicUsize,
    pub(super) purges: AtomicUsize,
    pub(super) purges_killed: AtomicUsize,
    pub(super) policies: AtomicUsize,
    pub(super) cut: AtomicUsize,
    pub(super) refused: AtomicUsize,
    /// Answers to those who came while an inspection was under way.
    pub(super) early: AtomicUsize,
}

/// Clients and operators of one gateway.
pub(super) struct Load {
    pub(super) told: Told,
    folder: PathBuf,
    tokens: Tokens,
    /// Where the gateway is, while it runs.
    url: Mutex<Option<String>>,
    over: AtomicBool,
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Load {
    pub(super) fn over(gateway: &Gateway, tokens: Tokens) -> Self {
        Self {
            told: Told::default(),
            folder: gateway.folder().to_owned(),
            tokens,
            url: Mutex::new(Some(gateway.url().to_owned())),
            over: AtomicBool::new(false),
        }
    }

    pub(super) fn is_gone(&self) {
        *self.url.lock().unwrap() = None;
    }

    pub(super) fn is_back(&self, url: &str) {
        *self.url.lock().unwrap() = Some(url.to_owned());
    }

    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(super) fn ends_with_this(&self) -> Ending<'_> {
        Ending(&self.over)
    }

    /// Begins, in threads of `scope`.
    pub(super) fn begin<'s>(&'s self, scope: &'s Scope<'s, '_>, seed: u64) {
        let works: [fn(&Self, u64, &mut StdRng); 8] = [
            Self::uploads,
            Self::uploads,
            Self::downloads,
            Self::downloads,
            Self::downloads,
            Self::purges,
            Self::policies,
            Self::quarantines,
        ];
        for (number, work) in (0..).zip(works) {
            scope.spawn(move || {
                let _ended = self.ends_with_this();
                work(self, number, &mut StdRng::seed_from_u64(seed ^ number));
            });
        }
    }

    /// Asks, when there is somebody to ask. Whoever is not answered comes again.
    fn ask(&self, request: impl FnOnce(&str) -> io::Result<Answer>) -> Option<Answer> {
        let url = self.url.lock().unwrap().clone();
        let answer = match url {
            None => None,
            Some(url) => request(&url).map_err(|_| count(&self.told.cut)).ok(),
        };
        if answer.is_none() {
            sleep(Duration::from_millis(10));
        }
        answer
    }

    fn uploads(&self, client: u64, random: &mut StdRng) {
        for own in 0.. {
            sleep(Duration::from_millis(random.random_range(50..300)));
            let project = format!("acme-{client}-{}", own / 20);
            let ours =
                wheel(&project, &format!("{own}.0")).payload(random.random_range(0..200_000));
            self.told.attempts.lock().unwrap().push(ours.clone());
            let mut tries = 0;
            loop {
                if self.is_over() {
                    return;
                }
                let form = Form::of(&ours);
                let Some(answer) = self.ask(|url| form.try_send(url, &self.tokens.upload)) else {
                    tries += 1;
                    continue;
                };
                if answer.status == 200 {
                    break;
                }
                self.is_an_outage(&answer);
            }
            if tries > 0 {
                count(&self.told.again);
            }
            self.told.uploads.lock().unwrap().push(ours);
        }
    }

    /// The only answer beside the right one.
    fn is_an_outage(&self, answer: &Answer) {
        // On a machine that is busy enough an inspection outlasts the patience. It goes on, and whoever comes again
        // is answered.
        if answer.status == 403 && answer.text().contains("it is being inspected") {
            count(&self.told.early);
            return sleep(Duration::from_secs(1));
        }
        assert!(matches!(answer.status, 500..), "{}", answer.screen());
        count(&self.told.refused);
    }

    fn downloads(&self, _client: u64, random: &mut StdRng) {
        while !self.is_over() {
            sleep(Duration::from_millis(random.random_range(0..60)));
            let file = public(random.random_range(0..PUBLIC));
            match random.random_range(0..6) {
                0 => self.page(&file),
                1 => self.metadata(&file),
                2 => {
                    let uploads = self.told.uploads.lock().unwrap();
                    let ours = match uploads.len() {
                        0 => None,
                        some => Some(uploads[random.random_range(0..some)].clone()),
                    };
                    drop(uploads);
                    ours.iter().for_each(|ours| self.file(ours));
                }
                _ => self.file(&file),
            }
        }
    }

    fn page(&self, file: &Wheel) {
        let path = format!("/simple/{}/", file.name());
        match self.ask(|url| wire::try_get(url, &path)) {
            None => {}
            Some(answer) if answer.status != 200 => self.is_an_outage(&answer),
            Some(answer) if !answer.is_whole() => count(&self.told.cut),
            Some(answer) => {
                assert!(answer.text().contains(&file.filename()), "{path}");
                count(&self.told.pages);
            }
        }
    }

    fn metadata(&self, file: &Wheel) {
        let path = format!("/files/{}/{}.metadata", file.name(), file.filename());
        match self.ask(|url| wire::try_get(url, &path)) {
            None => {}
            Some(answer) if answer.status != 200 => self.is_an_outage(&answer),
            Some(answer) if !answer.is_whole() => count(&self.told.cut),
            Some(answer) => assert!(answer.body == file.metadata(), "{path} has other bytes"),
        }
    }

    fn file(&self, file: &Wheel) {
        let path = format!("/files/{}/{}", file.name(), file.filename());
        match self.ask(|url| wire::try_get(url, &path)) {
            None => {}
            Some(answer) if answer.status != 200 => self.is_an_outage(&answer),
            Some(answer) => {
                assert!(answer.announces_length(), "{path}: {}", answer.head);
                if !answer.is_whole() {
                    return count(&self.told.cut);
                }
                assert!(answer.body == file.build(), "{path} has other bytes");
                let mut downloads = self.told.downloads.lock().unwrap();
                *downloads.entry(file.name().to_owned()).or_default() += 1;
            }
        }
    }

    /// Commands beside the gateway, a third of which are killed.
    fn purges(&self, _client: u64, random: &mut StdRng) {
        while !self.is_over() {
            sleep(Duration::from_millis(random.random_range(50..400)));
            let project = format!("public-{}", random.random_range(0..PUBLIC));
            let mut arguments = vec!["purge", project.as_str()];
            if random.random_range(0..4) == 0 {
                arguments.push("--forget");
            }
            let mut command = gateway::program(&self.folder, &arguments);
            command.stdout(Stdio::null()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            if random.random_range(0..3) == 0 {
                sleep(Duration::from_millis(random.random_range(0..400)));
                child.kill().unwrap();
                child.wait().unwrap();
                count(&self.told.purges_killed);
            } else {
                let output = child.wait_with_output().unwrap();
                assert!(output.status.success(), "{arguments:?}: {output:?}");
            }
            count(&self.told.purges);
        }
    }

    /// Whole policies only, since whoever starts reads what is there.
    fn policies(&self, _client: u64, random: &mut StdRng) {
        for number in 1.. {
            sleep(Duration::from_millis(random.random_range(50..400)));
            if self.is_over() {
                return;
            }
            let written = self.folder.join("policy.toml.next");
            std::fs::write(&written, policy(number)).unwrap();
            std::fs::rename(&written, self.folder.join("policy.toml")).unwrap();
            self.told.policies.store(number, Ordering::Relaxed);
        }
    }

    fn quarantines(&self, _client: u64, random: &mut StdRng) {
        for number in 0..HELD {
            let order = format!(
                "{{\"requirement\":\"{}\",\"reason\":\"a test\"}}",
                held(number).name()
            );
            loop {
                if self.is_over() {
                    return;
                }
                sleep(Duration::from_millis(random.random_range(20..300)));
                let post = |url: &str| {
                    wire::try_post(url, "/api/v1/quarantines", &self.tokens.review, &order)
                };
                match self.ask(post) {
                    None => {}
                    Some(answer) if matches!(answer.status, 200 | 201) => break,
                    Some(answer) => self.is_an_outage(&answer),
                }
            }
            self.told.quarantines.lock().unwrap().push(number);
        }
    }
}
