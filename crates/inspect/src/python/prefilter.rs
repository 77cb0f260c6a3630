//! Which sources are followed at all. A source that names nothing that could do harm, and hides
//! nothing that could name it, is not parsed: its text is only looked at.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

/// How a pattern has to stand in the text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// As a whole word.
    Word,
    /// As a whole word that is neither an attribute nor being defined: `exec`, not `cursor.exec`.
    Alone,
    /// Anywhere.
    Anywhere,
}

use Stands::{Alone, Anywhere, Word};

/// Names without which nothing can be run, sent, loaded, spied or hidden.
static NAMES: &[(&str, Stands)] = &[
    ("exec", Alone),
    ("eval", Alone),
    ("execfile", Alone),
    ("compile", Alone),
    ("open", Alone),
    ("__import__", Word),
    ("__builtins__", Word),
    ("__builtin__", Word),
    ("builtins", Word),
    ("importlib", Word),
    ("runpy", Word),
    ("imp", Word),
    ("zipimport", Word),
    ("pkgutil", Word),
    ("globals", Alone),
    ("__subclasses__", Word),
    ("__globals__", Word),
    ("__getattribute__", Word),
    ("attrgetter", Word),
    ("methodcaller", Word),
    ("settrace", Word),
    ("FunctionType", Word),
    ("CodeType", Word),
    ("modules", Word),
    ("marshal", Word),
    ("pickle", Word),
    ("cPickle", Word),
    ("dill", Word),
    ("shelve", Word),
    ("joblib", Word),
    ("unsafe_load", Word),
    ("runcode", Word),
    ("runsource", Word),
    ("timeit", Word),
    ("system", Word),
    ("popen", Word),
    ("Popen", Word),
    ("subprocess", Word),
    ("commands", Word),
    ("startfile", Word),
    ("spawn", Anywhere),
    ("execv", Anywhere),
    ("execl", Anywhere),
    ("posix", Word),
    ("pty", Word),
    ("pexpect", Word),
    ("fork", Word),
    ("create_subprocess", Anywhere),
    ("WinExec", Word),
    ("ShellExecute", Anywhere),
    ("requests", Word),
    ("urllib", Word),
    ("urllib2", Word),
    ("urllib3", Word),
    ("httpx", Word),
    ("aiohttp", Word),
    ("http.client", Word),
    ("httplib", Word),
    ("HTTPConnection", Word),
    ("socket", Word),
    ("websocket", Word),
    ("websockets", Word),
    ("smtplib", Word),
    ("ftplib", Word),
    ("telnetlib", Word),
    ("paramiko", Word),
    ("socketio", Word),
    ("asyncssh", Word),
    ("pysftp", Word),
    ("imaplib", Word),
    ("poplib", Word),
    ("pika", Word),
    ("paho", Word),
    ("treq", Word),
    ("aiosmtplib", Word),
    ("HTTPHandler", Word),
    ("SysLogHandler", Word),
    ("DatagramHandler", Word),
    ("SocketHandler", Word),
    ("SMTPHandler", Word),
    ("memfd_create", Word),
    ("xmlrpc", Word),
    ("pycurl", Word),
    ("wget", Word),
    ("dns", Word),
    ("discord", Anywhere),
    ("dhooks", Word),
    ("telebot", Word),
    ("telegram", Word),
    ("slack", Anywhere),
    ("boto3", Word),
    ("webbrowser", Word),
    ("asyncio.open_connection", Anywhere),
    ("ctypes", Word),
    ("cffi", Word),
    ("mmap", Word),
    ("winreg", Word),
    ("_winreg", Word),
    ("win32", Anywhere),
    ("pynput", Word),
    ("keyboard", Word),
    ("pyHook", Anywhere),
    ("evdev", Word),
    ("pyperclip", Word),
    ("clipboard", Anywhere),
    ("ImageGrab", Word),
    ("pyautogui", Word),
    ("mss", Word),
    ("pyscreenshot", Word),
    ("cv2", Word),
    ("sounddevice", Word),
    ("pyaudio", Word),
    ("browser_cookie3", Word),
    ("keyring", Word),
    ("environ", Word),
    ("getenv", Word),
    ("b64decode", Anywhere),
    ("b85decode", Word),
    ("a85decode", Word),
    ("b32decode", Word),
    ("unhexlify", Word),
    ("fromhex", Word),
    ("bytes([", Anywhere),
    ("bytes((", Anywhere),
    ("bytearray([", Anywhere),
    ("bytearray((", Anywhere),
    ("decompress", Word),
    ("Fernet", Word),
    ("pyaes", Word),
    ("shutil", Word),
    ("rmtree", Word),
    ("write_text", Word),
    ("write_bytes", Word),
    ("unlink", Word),
    ("chmod", Word),
    ("cmdclass", Word),
    ("setup_requires", Word),
    ("dependency_links", Word),
    ("easy_install", Word),
    ("twine", Word),
    ("pip", Word),
    ("Unpickler", Word),
    ("spec_from_file_location", Word),
    ("SourceFileLoader", Word),
    ("add_dll_directory", Word),
    ("getattr", Alone),
    ("__dict__", Word),
    ("pyarmor", Anywhere),
    ("pytransform", Word),
    ("pyhook", Anywhere),
    ("PyHook3", Word),
];

/// Parts of literals that are worth reading the code around them.
static LITERALS: &[&str] = &[
    "api/webhooks",
    "api.telegram.org",
    "hooks.slack.com",
    "169.254.169.254",
    "fd00:ec2::254",
    "metadata.google",
    "stratum+tcp",
    "xmrig",
    "/.ssh",
    "id_rsa",
    "id_ed25519",
    ".aws/",
    ".kube/",
    ".netrc",
    ".pypirc",
    ".npmrc",
    ".git-credentials",
    "wallet.dat",
    "Login Data",
    "Local State",
    "key4.db",
    "logins.json",
    "leveldb",
    "Keychains",
    "login.keychain",
    "/etc/shadow",
    "/etc/passwd",
    "crontab",
    ".bashrc",
    ".zshrc",
    ".profile",
    "LaunchAgents",
    "systemd/",
    "CurrentVersion\\",
    "Startup",
    "site-packages",
    "sitecustomize",
    "usercustomize",
    ".pth",
    "powershell",
    "cmd.exe",
    "/dev/tcp",
    "| sh",
    "|sh",
    "| bash",
    "|bash",
    "curl ",
    "nslookup",
    ".onion",
    "ngrok",
    "pastebin",
    "transfer.sh",
    "burpcollaborator",
    "oastify",
    "interact.sh",
    "webhook.site",
    "requestbin",
    "pipedream",
    "ipinfo.io",
    "api.ipify",
    "ifconfig.me",
    "-EncodedC",
    "coinbase",
    "MetaMask",
    "nkbihfbeogaeaoehlefnkodbefgpgknn",
    "Exodus",
    "a-km-z",
    "mining.subscribe",
    "mining.authorize",
    "{40}",
    "{25,3",
    "{26,3",
    "{94}",
    "{33}",
    "/dev/input",
    "PowerShell_profile",
    ".github/workflows",
    "bc1q",
    "[a-fA-F0-9]{40}",
    "[0-9a-fA-F]{40}",
    "file_upload",
    "Cookies",
    "cookies.sqlite",
    "Web Data",
    "tdata",
    "autostart",
    "authorized_keys",
    ".cursorrules",
    ".windsurfrules",
    "CLAUDE.md",
    "AGENTS.md",
    "GEMINI.md",
    "mcp.json",
    "mcp_config",
    "claude_desktop_config",
    "copilot-instructions",
    ".claude/settings",
    "hooksPath",
    ".ipython",
    ".jupyter",
    "pbpaste",
    "pbcopy",
    "xclip",
    "wl-paste",
    "Get-Clipboard",
    "document.cookie",
    "window.ethereum",
    "window.solana",
    "eth_requestAccounts",
    "sendBeacon",
    "type=password",
    "dangerously-skip-permissions",
    "trust-all-tools",
    "<IMPORTANT>",
    "getAllCookies",
    "fish/conf.d",
    "://",
    "xn--",
];

/// Parts of literals that are programs themselves. Code has them too, where they say nothing.
static CODE: &[&str] = &["exec(", "b64decode", "urlopen"];

static WORDS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let literals = LITERALS
        .iter()
        .filter(|literal| **literal != "://")
        .copied();
    let patterns = NAMES.iter().map(|(name, _)| *name).chain(literals);
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(patterns)
        .expect("the tables hold a few hundred short patterns")
});

static PARTS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    AhoCorasick::new(LITERALS.iter().chain(CODE))
        .expect("the tables hold a few dozen short patterns")
});

/// Whether `text` names something that could do harm.
pub(super) fn is_interesting(text: &str) -> bool {
    if finds_name(text.as_bytes()) {
        return true;
    }
    // Python reads identifiers in compatibility form, so `ｅｘｅｃ` is `exec`.
    !text.is_ascii()
        && is_nfkc_quick(text.chars()) != IsNormalized::Yes
        && finds_name(text.nfkc().collect::<String>().as_bytes())
}

fn finds_name(text: &[u8]) -> bool {
    WORDS.find_iter(text).any(|found| {
        let Some((_, stands)) = NAMES.get(found.pattern().as_usize()) else {
            return true;
        };
        let before = found.start().checked_sub(1).map(|at| text[at]);
        let after = text.get(found.end()).copied();
        match stands {
            Anywhere => true,
            Word => !is_name(before) && !is_name(after),
            Alone => {
                !is_name(before)
                    && !is_name(after)
                    && before != Some(b'.')
                    && !text[..found.start()].ends_with(b"def ")
            }
        }
    })
}

fn is_name(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80)
}

/// Whether `text` begins with what a program begins with: an import, or a call of something that is always
/// there.
pub(super) fn begins_as_code(text: &str) -> bool {
    let text = text.trim_start();
    let is_part = |each: char| each.is_alphanumeric() || each == '_';
    let word = text.split(|each| !is_part(each)).next().unwrap_or_default();
    let rest = text[word.len()..].trim_start();
    match word {
        "import" => rest.starts_with(is_part) && !rest.contains(". "),
        "from" => rest.contains(" import "),
        _ => {
            text.len() >= SHORTEST_CALL
                && rest.starts_with('(')
                && rest.contains(')')
                && super::special::BUILTINS.contains(&word)
        }
    }
}

/// A call that is shorter says too little to have been hidden.
const SHORTEST_CALL: usize = 10;

/// Whether a literal of this text is worth telling rules about, however short it is.
pub(super) fn is_telling_literal(text: &str) -> bool {
    PARTS.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_count() {
        for text in [
            "exec(x)",
            "ｅｘｅｃ(x)",
            "import os; os.system",
            "a = 'curl x'",
            "𝖊𝖛𝖆𝖑(x)",
        ] {
            assert!(is_interesting(text), "{text}");
        }
        for text in [
            "def evaluate(x): pass",
            "cursor.exec(x)",
            "re.compile('a')",
            "é = 1",
            "prexec(1)",
            "def eval(x): 1",
        ] {
            assert!(!is_interesting(text), "{text}");
        }
    }
}
