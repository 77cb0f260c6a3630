//! Imports: names bound to dotted names, and edges to the modules they run.

use ruff_python_ast::{StmtImport, StmtImportFrom};
use ruff_text_size::Ranged;

use super::super::analysis::Reached;
use super::super::symbols::Sym;
use super::super::value::{Kind, Value};
use super::Walker;

impl<'a> Walker<'a, '_, '_> {
    pub(super) fn import(&mut self, import: &'a StmtImport) {
        for alias in &import.names {
            let name = alias.name.as_str();
            let sym = self.engine.symbols.intern(name);
            self.note_import(name, alias);
            self.runs(sym);
            match &alias.asname {
                Some(other) => {
                    self.bind(other.as_str(), Kind::Symbol(sym, Reached::Plainly).into())
                }
                None => {
                    let first = name.split('.').next().unwrap_or(name);
                    let sym = self.engine.symbols.intern(first);
                    self.bind(first, Kind::Symbol(sym, Reached::Plainly).into());
                }
            }
        }
    }

    pub(super) fn import_from(&mut self, import: &'a StmtImportFrom) {
        let module = import
            .module
            .as_ref()
            .map(|module| module.as_str())
            .unwrap_or_default();
        let from = self.absolute(module, import.level);
        if from.is_empty() {
            return;
        }
        let owner = self.engine.symbols.intern(&from);
        self.runs(owner);
        for alias in &import.names {
            let name = alias.name.as_str();
            if name == "*" {
                self.note_import(&from, alias);
                self.import_all(&from, owner);
                continue;
            }
            let sym = self.engine.symbols.member(owner, name);
            self.note_import(&format!("{from}.{name}"), alias);
            self.runs(sym);
            let value = match self.engine.exports.get(&sym) {
                Some(exported) => exported.clone(),
                None => {
                    if self.engine.symbols.is_own(sym) {
                        let module = &mut self.engine.modules[self.module as usize];
                        module.unresolved.insert(sym);
                    }
                    Value::from(Kind::Symbol(sym, Reached::Plainly))
                }
            };
            let bound = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
            self.bind(bound, value);
        }
    }

    /// `from module import *`: what the tables know below the module, as far as the code names it.
    fn import_all(&mut self, from: &str, owner: Sym) {
        self.stars.push(owner);
        for name in super::special::STAR_NAMES {
            let sym = self.engine.symbols.member(owner, name);
            let is_known = self.engine.symbols.known(sym).sink.is_some()
                || self.engine.symbols.known(sym).source.is_some()
                || self.engine.symbols.known(sym).decoder.is_some();
            if is_known && !matches!(from, "builtins") {
                self.bind(name, Kind::Symbol(sym, Reached::Plainly).into());
            }
        }
    }

    /// The function at hand runs the module `sym`, if it is one of the distribution.
    fn runs(&mut self, sym: Sym) {
        if self.engine.symbols.is_own(sym) {
            self.engine.import_edges.insert((self.frame.function, sym));
        }
    }

    /// The absolute name of `module`, seen from `level` folders up.
    fn absolute(&self, module: &str, level: u32) -> String {
        if level == 0 {
            return module.to_owned();
        }
        let state = &self.engine.modules[self.module as usize];
        let mut parts: Vec<&str> = state
            .name
            .split('.')
            .filter(|part| !part.is_empty())
            .collect();
        let up = if state.is_package { level - 1 } else { level };
        for _ in 0..up {
            parts.pop();
        }
        parts.extend(module.split('.').filter(|part| !part.is_empty()));
        parts.join(".")
    }

    fn note_import(&mut self, name: &str, node: &impl Ranged) {
        let offset = node.range().start().to_u32();
        let place = self.place(offset);
        let module = &mut self.engine.modules[self.module as usize];
        if module.noted.insert(offset) && module.facts.imports.len() < 2_000 {
            module.facts.imports.push(super::super::analysis::Import {
                name: name.into(),
                place,
            });
        }
    }
}
