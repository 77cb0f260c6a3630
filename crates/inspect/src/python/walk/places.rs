//! Functions that give paths: what is in folders, temporary files, where Python and its packages are.

use std::sync::Arc;

use ruff_text_size::TextRange;

use super::super::analysis::HOLE;
use super::super::taint::paths;
use super::super::value::{Handle, Kind, Passed, Value};
use super::Walker;
use super::call::whole;

/// Where packages are installed, in folded paths.
pub(super) const PACKAGES: &str = "/usr/lib/python3/site-packages";

impl<'a> Walker<'a, '_, '_> {
    /// What `name` gives, when it is a function that gives paths.
    pub(super) fn path_source(
        &mut self,
        name: &str,
        passed: &[Passed],
        range: TextRange,
    ) -> Option<Value> {
        let taint = whole(passed);
        let below = |what: &str| {
            let first = passed.first().map(|each| &each.value.kind);
            let folders = first.map_or(&[][..], Kind::alternatives);
            let texts = folders.iter().map(|kind| match kind {
                Kind::Str(text) | Kind::Path(text) => paths::join(text, what),
                _ => paths::join(&HOLE.to_string(), what),
            });
            Kind::one_of(texts.map(Kind::str).collect())
        };
        let hole = HOLE.to_string();
        let list = |items: Vec<Kind>| {
            let items: Vec<Value> = items.into_iter().map(Value::from).collect();
            Kind::List(Arc::new(items))
        };
        let kind = match name {
            "glob.glob" | "glob.iglob" => list(vec![below("")]),
            "os.listdir" => list(vec![Kind::str(&*hole)]),
            "os.scandir" => {
                let Kind::Str(text) = below(&hole) else {
                    return None;
                };
                list(vec![Kind::Path(text)])
            }
            "os.walk" | "os.fwalk" => {
                let names = || list(vec![Kind::str(&*hole)]);
                list(vec![list(vec![below(&hole), names(), names()])])
            }
            "tempfile.gettempdir" => Kind::str("/tmp"),
            "tempfile.mktemp" | "tempfile.mkdtemp" => self.temporary(passed, range),
            "tempfile.mkstemp" => {
                let path = self.temporary(passed, range);
                list(vec![handle(path.clone()), path])
            }
            "os.memfd_create" => handle(self.temporary(&[], range)),
            "sysconfig.get_path" => {
                let scheme = passed.first().and_then(|each| each.value.kind.as_text());
                match scheme {
                    Some("purelib" | "platlib") => Kind::str(PACKAGES),
                    _ => return None,
                }
            }
            "site.getusersitepackages" | "distutils.sysconfig.get_python_lib" => {
                Kind::str(PACKAGES)
            }
            "site.getsitepackages" => list(vec![Kind::str(PACKAGES)]),
            "inspect.getsourcefile" | "inspect.getfile" => {
                let Kind::Symbol(sym, _) = passed.first()?.value.kind else {
                    return None;
                };
                return self.file_of_module(sym);
            }
            _ => return None,
        };
        Some(Value { kind, taint })
    }

    /// A path that no other call gives.
    fn temporary(&self, passed: &[Passed], range: TextRange) -> Kind {
        let suffix = passed
            .iter()
            .find(|each| each.keyword.as_deref() == Some("suffix"));
        let suffix = suffix
            .and_then(|each| each.value.kind.as_text())
            .unwrap_or_default();
        let number = range.start().to_u32();
        Kind::str(format!("/tmp/temporary-{}-{number}{suffix}", self.module))
    }

    /// `module.__file__` of a module that is not of the distribution.
    pub(super) fn file_of_module(&self, sym: super::super::symbols::Sym) -> Option<Value> {
        let name = self.engine.symbols.name(sym);
        let root = name.split(['.', '(']).next().unwrap_or(name);
        let is_own = |module: &str| module.split('.').next() == Some(root);
        if self
            .engine
            .modules
            .iter()
            .any(|module| is_own(&module.name))
        {
            return None;
        }
        let path = name.split('(').next().unwrap_or(name).replace('.', "/");
        Some(Value::text(&format!("{PACKAGES}/{path}/__init__.py")))
    }
}

fn handle(path: Kind) -> Kind {
    Kind::Handle(Arc::new(Handle {
        path,
        variable: None,
    }))
}
