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
    "Local Extension Settings",
    ".config/google-chrome",
    ".config/chromium",
    "Chrome/User Data",
    "Chrome/Default",
    "Brave-Browser",
    "Microsoft Edge/Default",
    "Edge/User Data",
    ".mozilla/firefox",
    "Firefox/Profiles",
    ".kdbx",
    ".password-store/",
    "keyrings/",
    "Bitwarden/",
    "1Password/",
    ".config/pip/pip.conf",
    ".pip/pip.conf",
    ".git/config",
    ".yarnrc",
    ".config/hub",
    ".composer/auth.json",
    ".config/containers/auth.json",
    ".mysql_history",
    ".psql_history",
    ".node_repl_history",
    ".docker/",
    ".config/gcloud",
    "Slack/storage",
    "Signal/config.json",
    "/run/secrets/",
    "/etc/kubernetes/",
    "/var/lib/jenkins",
    "/var/lib/kubelet",
    "credentials.xml",
    "terraform.tfstate",
    ".tfvars",
    "/etc/ssl/private",
    "krb5.keytab",
    "/etc/openvpn",
    "/etc/wireguard",
    "debian.cnf",
    "wp-config.php",
    ".htpasswd",
    "/etc/sudoers",
    "/etc/rancher",
    ".config/filezilla",
    ".minio",
    ".mc/config.json",
    ".databrickscfg",
    ".snowflake",
    ".config/doctl",
    ".oci/",
    ".bluemix",
    ".heroku",
    ".config/heroku",
    ".huggingface/token",
    "huggingface/token",
    ".kaggle/kaggle.json",
    ".wandb",
    ".openai",
    ".anthropic",
];

/// Folders that hold nothing but credentials.
static FOLDERS: &[&str] = &[
    ".ssh",
    ".aws",
    ".kube",
    ".azure",
    ".gnupg",
    ".docker",
    "gcloud",
    "tdata",
    ".config/gh",
    ".config/op",
    ".terraform.d",
    ".password-store",
    "keyrings",
    ".claude",
    ".codex",
];

/// The label of what is read from `path`.
pub(in super::super) fn label_of(path: &str) -> Label {
    if path.starts_with("/dev/input") {
        return Label::Keys;
    }
    let whole = path.trim_end_matches(['/', '*']);
    let is_folder = |folder: &&str| {
        let before = whole.strip_suffix(*folder);
        before.is_some_and(|before| before.ends_with('/'))
    };
    if SECRETS.iter().any(|part| path.contains(part))
        || FOLDERS.iter().any(is_folder)
        || is_dotenv(path)
        || is_memory(path)
    {
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

/// Whether the path leads to what belongs to the person at the machine: below the home folder, in the
/// system's settings, or anywhere at all.
pub(in super::super) fn is_personal(path: &str) -> bool {
    let after_home = path.strip_prefix('~').is_some_and(|rest| rest.len() > 1);
    after_home
        || path.starts_with("/etc/")
        || path.starts_with("/home/")
        || path.starts_with("/Users/")
}

/// Whether the path leads into the distribution itself, as far as that can be told.
fn is_own(path: &str) -> bool {
    if path.starts_with(HERE) {
        return true;
    }
    let elsewhere = ["/", "~", "\\", ".", "<"]
        .iter()
        .any(|start| path.starts_with(start))
        || path.contains(':')
        || path.contains(HOLE);
    !elsewhere && !path.is_empty()
}

/// The memory or the environment of another process.
pub(in super::super) fn is_memory(path: &str) -> bool {
    let inside = path
        .strip_prefix("/proc/")
        .and_then(|rest| rest.split_once('/'));
    inside.is_some_and(|(process, file)| {
        !matches!(process, "self" | "thread-self") && matches!(file, "mem" | "environ")
    })
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
            ("<stdin>", Label::File),
        ] {
            assert_eq!(label_of(path), label, "{path}");
        }
        assert_eq!(parent("<here>/a.py"), HERE);
        assert_eq!(parent(HERE), HERE);
    }
}
