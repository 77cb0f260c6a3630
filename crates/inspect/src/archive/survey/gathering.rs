//! [`Gathering`]: what has been seen of an archive so far, whatever the container, and how much
//! more may be read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use portcullis_core::inspection::CodeHash;
use portcullis_core::pypi::filename::DistFilename;

use super::compiled::Compiled;
use super::fact::MemberFact;
use super::flaw::{Flaw, Violations};
use super::intake::LONGEST_SOURCE;
use super::place::{Interest, interest};
use super::{Text, Visitor};
use crate::archive::limits::Limits;
use crate::python::code_hash;

/// The documents of one distribution together, in bytes.
const DOCUMENTS: usize = 32 << 20;

/// Above this an archive is worth a word.
const MANY_MEMBERS: u64 = 100_000;
const LARGE_TOTAL: u64 = 2 << 30;
const RATIO: u64 = 100;

/// What has been seen so far.
pub(super) struct Gathering<'a> {
    pub(super) filename: &'a DistFilename,
    pub(super) limits: &'a Limits,
    pub(super) members: Vec<MemberFact>,
    pub(super) violations: Violations,
    pub(super) documents: BTreeMap<Arc<str>, Vec<u8>>,
    pub(super) compared: Vec<(Arc<str>, bool)>,
    pub(super) codes: HashMap<Arc<str>, CodeHash>,
    pub(super) inflated: u64,
    visit: Visitor<'a>,
    documents_size: usize,
    stopped: bool,
}

impl<'a> Gathering<'a> {
    pub(super) fn new(filename: &'a DistFilename, limits: &'a Limits, visit: Visitor<'a>) -> Self {
        Self {
            filename,
            limits,
            members: Vec::new(),
            violations: Violations::default(),
            documents: BTreeMap::new(),
            compared: Vec::new(),
            codes: HashMap::new(),
            inflated: 0,
            visit,
            documents_size: 0,
            stopped: false,
        }
    }

    pub(super) fn is_wheel(&self) -> bool {
        self.filename.is_wheel()
    }

    /// Whether a member of `size` bytes may be read, which is counted.
    pub(super) fn may_read(&mut self, size: u64) -> bool {
        let total = self.inflated.saturating_add(size);
        if self.stopped || size > self.limits.member_size || total > self.limits.total_size {
            return false;
        }
        self.inflated = total;
        true
    }

    /// Reports volumes that are worth a word, and stops the reading of a bomb. To be called as
    /// often as the numbers are known better.
    pub(super) fn report_volume(&mut self, members: u64, total: u64, length: u64) {
        let mut once = |applies: bool, flaw: Flaw, evidence: String| {
            if applies && !self.violations.has(&[flaw]) {
                self.violations.container(flaw, evidence);
            }
        };
        let is_large = total > Limits::RATIO_FREE;
        once(
            members > MANY_MEMBERS,
            Flaw::ManyMembers,
            format!("{members}"),
        );
        once(
            total > LARGE_TOTAL,
            Flaw::LargeTotal,
            format!("{total} bytes"),
        );
        let ratio = total / length.max(1);
        once(
            is_large && ratio > RATIO,
            Flaw::Ratio,
            format!("{total} bytes out of {length}"),
        );
        if total > self.limits.total_size || (is_large && ratio > self.limits.ratio) {
            once(
                true,
                Flaw::NotInspected,
                format!("{total} bytes out of {length}"),
            );
            self.stopped = true;
        }
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Takes a member in, with its bytes where somebody wants them.
    pub(super) fn add(&mut self, fact: MemberFact, bytes: Option<Vec<u8>>) {
        if let (Some(bytes), true) = (bytes, fact.is_file()) {
            self.hand_out(&fact, bytes);
        }
        self.members.push(fact);
    }

    fn hand_out(&mut self, fact: &MemberFact, bytes: Vec<u8>) {
        let is_python = matches!(&*fact.extension(), "py" | "pyw");
        let is_document = interest(&fact.name, fact.content) == Interest::Document;
        if (is_python || !is_document) && bytes.len() as u64 <= LONGEST_SOURCE {
            self.codes.insert(fact.name.clone(), code_hash(&bytes));
        }
        if is_document {
            if bytes.len() as u64 != fact.size || self.documents_size + bytes.len() > DOCUMENTS {
                self.violations
                    .member(Flaw::NotInspected, &fact.name, "too long");
                return;
            }
            self.documents_size += bytes.len();
            if is_python {
                (self.visit)(Text {
                    name: &fact.name,
                    bytes: bytes.clone(),
                });
            }
            self.documents.insert(fact.name.clone(), bytes);
        } else {
            (self.visit)(Text {
                name: &fact.name,
                bytes,
            });
        }
    }

    /// Holds compiled Python against its source.
    pub(super) fn compare_compiled(&mut self, pyc: &Arc<str>, source: &[u8]) {
        let header = self.members.iter().find(|member| member.name == *pyc);
        if let Some(header) = header.and_then(|member| member.pyc) {
            self.compared.push((pyc.clone(), header.is_of(source)));
        }
    }

    /// Every compiled file, with what comparing came to.
    pub(super) fn compiled(&self) -> Vec<Compiled> {
        let mut all = super::compiled::find(&self.members);
        for each in &mut all {
            let compared = self.compared.iter().find(|(pyc, _)| *pyc == each.pyc);
            each.matches = compared.map(|(_, matches)| *matches);
        }
        all
    }
}
