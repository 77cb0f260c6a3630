//! Dotted names as numbers, with what the tables know of each. Names that are the same thing under
//! two names become one here: `posix.system` is `os.system`.

use std::sync::{Arc, LazyLock};

use rustc_hash::FxHashMap;

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
}

struct Entry {
    name: Arc<str>,
    known: Known,
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
            known: known(&name),
        });
        self.index.insert(name, sym);
        sym
    }

    /// `owner.attribute`.
    pub(super) fn member(&mut self, owner: Sym, attribute: &str) -> Sym {
        self.extended(owner, ".", attribute)
    }

    /// What calling `owner` makes: `owner()`.
    pub(super) fn made_by(&mut self, owner: Sym) -> Sym {
        self.extended(owner, "()", "")
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
        self.entries[sym.0 as usize].known
    }
}

fn canonical(name: &str) -> String {
    let first = name.split(['.', '(']).next().unwrap_or(name);
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
