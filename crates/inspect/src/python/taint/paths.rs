//! What a file's path says about what is in it.

use super::super::analysis::HOLE;
use super::super::label::Label;

/// Stands for the folder of the source at hand, in folded paths.
pub(in super::super) const HERE: &str = "<here>";

/// Parts of paths that hold credentials, with what they are.
static SECRETS: &[&str] = &[
    ".ssh/",
    ".ssh\\",
    "id_rsa",
    "id_ed25519",
    "id_ecdsa",
    ".aws/",
    ".aws\\",
    ".kube/",
    ".kube\\",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".docker/config",
    "gcloud/",
    "gcloud\\",
    "application_default_credentials",
    ".azure/",
    ".git-credentials",
    ".gitconfig",
    ".gnupg",
    "wallet.dat",
    ".electrum",
    "Electrum",
    "Exodus",
    "exodus.wallet",
    "Atomic/Local",
    "MetaMask",
    "nkbihfbeogaeaoehlefnkodbefgpgknn",
    "Login Data",
    "Local State",
    "Web Data",
    "Network/Cookies",
    "key4.db",
    "key3.db",
    "logins.json",
    "cookies.sqlite",
    "Local Storage/leveldb",
    "Local Storage\\leveldb",
    "discordcanary",
    "discordptb",
    "Telegram Desktop/tdata",
    "Telegram Desktop\\tdata",
    "Keychains/",
    "login.keychain",
    ".bash_history",
    ".zsh_history",
    ".python_history",
    "/etc/shadow",
    "/etc/passwd",
    "/proc/self/environ",
    ".vault-token",
    ".terraform.d",
    ".config/gh/hosts",
    ".config/solana",
    ".bitcoin",
    ".ethereum",
    ".pgpass",
    ".my.cnf",
    ".s3cfg",
    ".boto",
    ".cargo/credentials",
    ".gem/credentials",
    ".config/rclone",
    "FileZilla",
    "filezilla",
    "recentservers.xml",
    "service_account.json",
    "serviceaccount/token",
    ".claude/",
    ".codex/",
    ".config/op",
    "User Data/Default",
    "User Data\\Default",
];

/// The label of what is read from `path`.
pub(in super::super) fn label_of(path: &str) -> Label {
    if SECRETS.iter().any(|part| path.contains(part)) || is_dotenv(path) {
        return Label::SecretFile;
    }
    let is_python = [".py", ".pyi", ".pyw"]
        .iter()
        .any(|ending| path.ends_with(ending));
    if is_own(path) && !is_python {
        Label::OwnFile
    } else {
        Label::File
    }
}

/// Whether the path leads into the distribution itself, as far as that can be told.
fn is_own(path: &str) -> bool {
    if path.starts_with(HERE) {
        return true;
    }
    let elsewhere = ["/", "~", "\\", "."]
        .iter()
        .any(|start| path.starts_with(start))
        || path.contains(':')
        || path.contains(HOLE);
    !elsewhere && !path.is_empty()
}

fn is_dotenv(path: &str) -> bool {
    let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
    name == ".env" || name.starts_with(".env.")
}

/// `first` and `second` joined as `os.path.join` does, with `/`.
pub(in super::super) fn join(first: &str, second: &str) -> String {
    if second.starts_with('/') || first.is_empty() {
        return second.to_owned();
    }
    if first.ends_with(['/', '\\']) {
        return format!("{first}{second}");
    }
    format!("{first}/{second}")
}

/// The folder of `path`; unknown paths stay unknown.
pub(in super::super) fn parent(path: &str) -> String {
    match path.rfind('/') {
        Some(0) => "/".to_owned(),
        Some(at) => path[..at].to_owned(),
        None if path == HERE || path.contains(HOLE) => path.to_owned(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_say_what_they_lead_to() {
        for (path, label) in [
            ("~/.ssh/id_rsa", Label::SecretFile),
            ("\u{FFFC}/.aws/credentials", Label::SecretFile),
            ("app/.env", Label::SecretFile),
            ("<here>/logo.png", Label::OwnFile),
            ("<here>/_version.py", Label::File),
            ("README.md", Label::OwnFile),
            ("/etc/hosts", Label::File),
            ("\u{FFFC}", Label::File),
        ] {
            assert_eq!(label_of(path), label, "{path}");
        }
        assert_eq!(parent("<here>/a.py"), HERE);
        assert_eq!(parent(HERE), HERE);
    }
}
