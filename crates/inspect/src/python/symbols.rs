//! Dotted names as numbers, with what the tables know of each. Names that are the same thing under
//! two names become one here: `posix.system` is `os.system`.

use std::sync::{Arc, LazyLock};

use rustc_hash::{FxHashMap, FxHashSet};

use super::special::BUILTINS;
use super::taint::tables::{Known, known};

/// A dotted name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Sym(u32);

/// All dotted names of one analysis.
#[derive(Default)]
pub(super) struct Symbols {
    entries: Vec<Entry>,
    index: FxHashMap<Arc<str>, Sym>,
    scratch: String,
    /// The builtins, numbered once they are asked for.
    builtins: FxHashMap<&'static str, Option<Sym>>,
    /// First parts of the names of the distribution's own modules.
    own: FxHashSet<Arc<str>>,
}

struct Entry {
    name: Arc<str>,
    /// What the tables know of it, where that is anything: of most names they know nothing.
    known: Option<Box<Known>>,
    is_own: bool,
    /// What calling it makes, once somebody asked.
    made: Option<Sym>,
}

/// A name is not made longer than this: `a().b().c()…` ends somewhere.
const LONGEST: usize = 160;

/// First parts of names that are other names.
static ALIASES: LazyLock<FxHashMap<&str, &str>> = LazyLock::new(|| {
    [
        ("posix", "os"),
        ("nt", "os"),
        ("posixpath", "os.path"),
        ("ntpath", "os.path"),
        ("__builtin__", "builtins"),
        ("__builtins__", "builtins"),
        ("_io", "io"),
        ("_socket", "socket"),
        ("_ssl", "ssl"),
        ("_pickle", "pickle"),
        ("cPickle", "pickle"),
        ("_ctypes", "ctypes"),
        ("_thread", "threading"),
        ("_operator", "operator"),
        ("_codecs", "codecs"),
        ("_imp", "imp"),
        ("_frozen_importlib", "importlib"),
        ("_winreg", "winreg"),
        ("urllib2", "urllib.request"),
        ("httplib", "http.client"),
        ("commands", "subprocess"),
        ("subprocess32", "subprocess"),
        ("simplejson", "json"),
        ("cloudpickle", "pickle"),
    ]
    .into_iter()
    .collect()
});

/// Whole names that are other names.
static SAME: LazyLock<FxHashMap<&str, &str>> = LazyLock::new(|| {
    [
        ("io.open", "builtins.open"),
        ("codecs.open", "builtins.open"),
        ("six.moves.urllib", "urllib"),
        ("six.moves.builtins", "builtins"),
        ("six.moves.cPickle", "pickle"),
        ("six.moves.http_client", "http.client"),
        ("urllib.urlopen", "urllib.request.urlopen"),
        ("urllib.urlretrieve", "urllib.request.urlretrieve"),
        ("pip._vendor.requests", "requests"),
        ("pathlib.PosixPath", "pathlib.Path"),
        ("pathlib.WindowsPath", "pathlib.Path"),
        ("pathlib.PurePath", "pathlib.Path"),
        ("requests.session()", "requests.Session()"),
        ("requests.sessions.Session()", "requests.Session()"),
        ("requests.api", "requests"),
        ("socket.create_connection()", "socket.socket()"),
        ("socket.fromfd()", "socket.socket()"),
        ("ssl.wrap_socket()", "socket.socket()"),
        (
            "ssl.create_default_context().wrap_socket()",
            "socket.socket()",
        ),
        ("ssl.SSLContext().wrap_socket()", "socket.socket()"),
        (
            "http.client.HTTPSConnection()",
            "http.client.HTTPConnection()",
        ),
        (
            "urllib.request.build_opener().open",
            "urllib.request.urlopen",
        ),
        (
            "urllib.request.OpenerDirector().open",
            "urllib.request.urlopen",
        ),
        ("httpx.AsyncClient()", "httpx.Client()"),
        (
            "urllib3.HTTPSConnectionPool()",
            "urllib3.HTTPConnectionPool()",
        ),
        (
            "urllib3.connection_from_url()",
            "urllib3.HTTPConnectionPool()",
        ),
        ("urllib3.ProxyManager()", "urllib3.PoolManager()"),
        ("ftplib.FTP_TLS()", "ftplib.FTP()"),
        ("telebot.async_telebot.AsyncTeleBot", "telebot.TeleBot"),
        ("multiprocessing.pool.Pool()", "multiprocessing.Pool()"),
        ("multiprocessing.dummy.Pool()", "multiprocessing.Pool()"),
        ("tarfile.TarFile()", "tarfile.open()"),
        ("tarfile.TarFile.open()", "tarfile.open()"),
        ("subprocess.os", "os"),
        ("shutil.os", "os"),
        ("tempfile._os", "os"),
        ("logging.os", "os"),
        ("os.sys", "sys"),
        ("types.CodeType", "types.CodeType"),
        ("threading.start_new_thread", "threading.Thread"),
        ("threading.start_new", "threading.Thread"),
        ("importlib.__import__", "builtins.__import__"),
        ("operator.call", "operator.call"),
        ("fernet.Fernet", "cryptography.fernet.Fernet"),
        ("Cryptodome", "Crypto"),
    ]
    .into_iter()
    .collect()
});

impl Symbols {
    /// The number of `name`.
    pub(super) fn intern(&mut self, name: &str) -> Sym {
        if let Some(found) = self.index.get(name) {
            return *found;
        }
        let canonical = canonical(name);
        if canonical != name {
            let same = self.intern(&canonical);
            self.index.insert(name.into(), same);
            return same;
        }
        let sym = Sym(self.entries.len() as u32);
        let name: Arc<str> = name.into();
        self.entries.push(Entry {
            name: name.clone(),
            known: told(known(&name)),
            is_own: self.own.contains(first(&name)),
            made: None,
        });
        self.index.insert(name, sym);
        sym
    }

    /// The number of `name`, if it was ever asked for under this very name.
    pub(super) fn find(&self, name: &str) -> Option<Sym> {
        let found = self.index.get(name).copied();
        found.filter(|sym| **self.name(*sym) == *name)
    }

    /// Says that the distribution has a module of this name. To be said of all modules before any name
    /// is asked for.
    pub(super) fn owns(&mut self, module: &str) {
        let Some(own) = Some(first(module)).filter(|own| !own.is_empty()) else {
            return;
        };
        if !self.own.insert(own.into()) {
            return;
        }
        // What stands in a module that takes the place of a known one is known under another name.
        if let Some(other) = ALIASES.get(own) {
            self.owns(other);
        }
        for (name, other) in SAME.iter() {
            if first(name) == own {
                self.owns(other);
            }
        }
    }

    /// Whether a module of the distribution may define the name.
    pub(super) fn is_own(&self, sym: Sym) -> bool {
        self.entries[sym.0 as usize].is_own
    }

    /// The builtin of this name, if Python knows one without an import.
    pub(super) fn builtin(&mut self, name: &str) -> Option<Sym> {
        if self.builtins.is_empty() {
            self.builtins = BUILTINS.iter().map(|name| (*name, None)).collect();
        }
        let known = *self.builtins.get(name)?;
        if known.is_some() {
            return known;
        }
        let module = self.intern("builtins");
        let builtin = self.member(module, name);
        *self.builtins.get_mut(name)? = Some(builtin);
        Some(builtin)
    }

    /// `owner.attribute`.
    pub(super) fn member(&mut self, owner: Sym, attribute: &str) -> Sym {
        self.extended(owner, ".", attribute)
    }

    /// What calling `owner` makes: `owner()`.
    pub(super) fn made_by(&mut self, owner: Sym) -> Sym {
        if let Some(made) = self.entries[owner.0 as usize].made {
            return made;
        }
        let made = self.extended(owner, "()", "");
        self.entries[owner.0 as usize].made = Some(made);
        made
    }

    fn extended(&mut self, owner: Sym, between: &str, after: &str) -> Sym {
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        scratch.push_str(&self.entries[owner.0 as usize].name);
        if scratch.len() + after.len() > LONGEST {
            self.scratch = scratch;
            return self.intern("?");
        }
        scratch.push_str(between);
        scratch.push_str(after);
        let sym = self.intern(&scratch);
        self.scratch = scratch;
        sym
    }

    /// The name.
    pub(super) fn name(&self, sym: Sym) -> &Arc<str> {
        &self.entries[sym.0 as usize].name
    }

    /// What the tables know of it.
    pub(super) fn known(&self, sym: Sym) -> Known {
        let known = self.entries[sym.0 as usize].known.as_deref();
        known.copied().unwrap_or_default()
    }
}

/// What is known, where it is more than nothing.
fn told(known: Known) -> Option<Box<Known>> {
    let is_nothing = matches!(
        known,
        Known {
            source: None,
            sink: None,
            decoder: None,
            capability: None,
            is_watched: false,
            calls_back: false,
            is_clean: false,
            reads_files: false,
            text: None,
        }
    );
    (!is_nothing).then(|| Box::new(known))
}

/// The first part of a dotted name.
fn first(name: &str) -> &str {
    name.split(['.', '(']).next().unwrap_or(name)
}

fn canonical(name: &str) -> String {
    let first = first(name);
    let mut name = match ALIASES.get(first) {
        Some(other) => format!("{other}{}", &name[first.len()..]),
        None => name.to_owned(),
    };
    for end in ends(&name) {
        if let Some(other) = SAME.get(&name[..end]) {
            name = format!("{other}{}", &name[end..]);
            break;
        }
    }
    name
}

/// Where a prefix of the name ends that is a name itself, longest first.
fn ends(name: &str) -> Vec<usize> {
    let mut ends: Vec<usize> = name
        .bytes()
        .enumerate()
        .filter(|(_, byte)| *byte == b'.')
        .map(|(at, _)| at)
        .collect();
    ends.push(name.len());
    ends.reverse();
    ends
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_has_one_name() {
        for (name, expected) in [
            ("posix.system", "os.system"),
            ("nt.popen", "os.popen"),
            ("cPickle.loads", "pickle.loads"),
            ("requests.session().post", "requests.Session().post"),
            ("six.moves.urllib.request.urlopen", "urllib.request.urlopen"),
            ("io.open", "builtins.open"),
            ("demo.posix", "demo.posix"),
        ] {
            assert_eq!(canonical(name), expected);
        }
    }

    #[test]
    fn members_of_what_is_made_are_named() {
        let mut symbols = Symbols::default();
        let session = symbols.intern("requests.session");
        let made = symbols.made_by(session);
        let post = symbols.member(made, "post");
        assert_eq!(&**symbols.name(post), "requests.Session().post");
        assert!(symbols.known(post).sink.is_some());
    }
}
