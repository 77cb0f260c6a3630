//! The servers that are compared: how each is configured, started, found ready and ended. Every one
//! listens on 127.0.0.1, has an empty folder of its own, and gets the same requests.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use crate::http::Connection;
use crate::process::Tree;

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Kind {
    /// Files that were rendered and compressed beforehand: what the machine can do.
    Nginx,
    /// A caching proxy that rewrites addresses and checks nothing.
    NginxCache,
    /// The fastest open index known, as `cargo xtask bench --against peryx` installs it.
    Peryx,
    /// An open registry that proxies and hosts, as `--against nora` installs it.
    Nora,
    /// This repository's.
    Portcullis,
}

impl Kind {
    /// What it is called in tables and on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::NginxCache => "nginx-cache",
            Self::Peryx => "peryx",
            Self::Nora => "nora",
            Self::Portcullis => "portcullis",
        }
    }

    /// Whether it has an index of what others have, rather than a folder.
    pub(crate) fn proxies(self) -> bool {
        self != Self::Nginx
    }
}

/// The programs to run.
#[derive(Clone, Debug)]
pub(crate) struct Programs {
    /// This repository's, built for release.
    pub(crate) portcullis: PathBuf,
    /// Where peers were installed, one folder each.
    pub(crate) peers: PathBuf,
}

/// What a server is to serve.
pub(crate) struct Content<'a> {
    /// The folder that nginx serves.
    pub(crate) site: &'a Path,
    /// The upstream's port.
    pub(crate) upstream: u16,
}

/// A server that is running. It is ended when this is dropped.
pub(crate) struct Server {
    /// Which one.
    pub(crate) kind: Kind,
    /// Where it listens.
    pub(crate) port: u16,
    /// How long it took until it answered.
    pub(crate) ready_after: Duration,
    child: Child,
    state: PathBuf,
}

/// How a server is started: a program with arguments and variables, and a path that answers when it is
/// ready.
struct Start {
    command: Command,
    ready: &'static str,
}

impl Server {
    /// Starts a server with its state in `state`, which it may find as it left it.
    pub(crate) fn start(
        kind: Kind,
        programs: &Programs,
        content: &Content<'_>,
        state: &Path,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(state)?;
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let Start { mut command, ready } = kind.start(programs, content, state, port)?;
        let log = File::create(state.join("output.log"))?;
        let began = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", kind.name()))?;
        let mut server = Self {
            kind,
            port,
            ready_after: Duration::ZERO,
            child,
            state: state.to_owned(),
        };
        while !server.answers(ready) {
            if let Some(status) = server.child.try_wait()? {
                bail!("{} ended ({status}): {}", kind.name(), server.log());
            }
            if began.elapsed() > PATIENCE {
                bail!("{} does not answer: {}", kind.name(), server.log());
            }
            thread::sleep(Duration::from_millis(5));
        }
        server.ready_after = began.elapsed();
        Ok(server)
    }

    fn answers(&self, path: &str) -> bool {
        let ask = || Connection::open(self.port)?.get(path, &[], |_| {});
        ask().is_ok_and(|answer: crate::http::Answer| answer.status < 500)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.state.join("output.log")).unwrap_or_default()
    }

    /// Its processes.
    pub(crate) fn tree(&self) -> Tree {
        Tree {
            root: self.child.id(),
        }
    }

    /// The path of a project's page.
    pub(crate) fn page(&self, project: &str) -> String {
        match self.kind {
            Kind::Peryx => format!("/up/simple/{project}/"),
            _ => format!("/simple/{project}/"),
        }
    }

    /// The path of the page of a project that was published here.
    pub(crate) fn hosted_page(&self, project: &str) -> String {
        match self.kind {
            Kind::Peryx => format!("/hosted/simple/{project}/"),
            _ => self.page(project),
        }
    }

    /// Where installers look, without credentials.
    pub(crate) fn index_url(&self) -> String {
        let path = self.page("");
        let path = path.trim_end_matches('/');
        format!("http://127.0.0.1:{}{path}/", self.port)
    }

    /// Where one publishes, with user and password.
    pub(crate) fn publishing(&self, programs: &Programs) -> anyhow::Result<Publishing> {
        let (path, user, password) = match self.kind {
            Kind::Peryx => ("/hosted/", "__token__", PERYX_SECRET.to_owned()),
            Kind::Nora => ("/simple/", "x", "x".to_owned()),
            _ => ("/legacy/", "__token__", self.token(programs)?),
        };
        Ok(Publishing {
            port: self.port,
            path,
            user,
            password,
        })
    }

    fn token(&self, programs: &Programs) -> anyhow::Result<String> {
        let made = Command::new(&programs.portcullis)
            .args(["token", "create", "bench", "--scope", "upload", "--config"])
            .arg(self.state.join("portcullis.toml"))
            .output()?;
        let text = String::from_utf8_lossy(&made.stdout).trim().to_owned();
        if !made.status.success() || text.is_empty() {
            bail!("no token: {}", String::from_utf8_lossy(&made.stderr));
        }
        Ok(text)
    }
}

/// Where and as whom one publishes.
#[derive(Clone, Debug)]
pub(crate) struct Publishing {
    /// The server's port.
    pub(crate) port: u16,
    /// The path that forms are sent to.
    pub(crate) path: &'static str,
    /// The user.
    pub(crate) user: &'static str,
    /// The password.
    pub(crate) password: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let process = rustix::process::Pid::from_child(&self.child);
        let asked = rustix::process::kill_process(process, rustix::process::Signal::TERM);
        let began = Instant::now();
        while asked.is_ok() && began.elapsed() < Duration::from_secs(10) {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const PERYX_SECRET: &str = "for-measuring-only";

impl Kind {
    fn start(
        self,
        programs: &Programs,
        content: &Content<'_>,
        state: &Path,
        port: u16,
    ) -> anyhow::Result<Start> {
        let upstream = content.upstream;
        let write = |name: &str, text: String| -> anyhow::Result<PathBuf> {
            let path = state.join(name);
            fs::write(&path, text)?;
            Ok(path)
        };
        Ok(match self {
            Self::Nginx | Self::NginxCache => {
                let server = match self {
                    Self::Nginx => nginx_of_files(content.site, port),
                    _ => nginx_cache(state, upstream, port),
                };
                let path = write("nginx.conf", nginx(state, &server))?;
                let mut command = Command::new(nginx_program());
                command.arg("-p").arg(state).arg("-c").arg(path);
                Start {
                    command,
                    ready: "/",
                }
            }
            Self::Portcullis => {
                let path = write("portcullis.toml", portcullis_toml(state, upstream, port))?;
                let mut command = Command::new(&programs.portcullis);
                command.arg("serve").arg("--config").arg(path);
                command.env("PORTCULLIS_LOG_LEVEL", "warn");
                Start {
                    command,
                    ready: "/readyz",
                }
            }
            Self::Peryx => {
                let path = write("peryx.toml", peryx_toml(state, upstream, port))?;
                let mut command = Command::new(programs.peers.join("peryx/bin/peryx"));
                command.arg("serve").arg("--config").arg(path);
                command.env("PERYX_LOG_LEVEL", "warn");
                Start {
                    command,
                    ready: "/",
                }
            }
            Self::Nora => {
                let mut command = Command::new(programs.peers.join("nora/bin/nora"));
                command
                    .arg("serve")
                    .envs(nora_variables(state, upstream, port));
                Start {
                    command,
                    ready: "/health",
                }
            }
        })
    }
}

/// Debian puts it where only root has its PATH.
fn nginx_program() -> PathBuf {
    let debian = Path::new("/usr/sbin/nginx");
    match debian.exists() {
        true => debian.to_owned(),
        false => "nginx".into(),
    }
}

fn nginx(state: &Path, server: &str) -> String {
    let state = state.display();
    let folders: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("  {what}_temp_path {state}/{what};\n"))
        .concat();
    format!(
        "worker_processes auto;\ndaemon off;\npid {state}/nginx.pid;\n\
         error_log {state}/error.log warn;\nevents {{ worker_connections 4096; }}\n\
         http {{\n  access_log off;\n  sendfile on;\n  tcp_nopush on;\n  tcp_nodelay on;\n  \
         keepalive_requests 100000000;\n{folders}{server}}}\n"
    )
}

/// The same bytes from files: pages rendered and compressed beforehand.
fn nginx_of_files(site: &Path, port: u16) -> String {
    let site = site.display();
    format!(
        "  open_file_cache max=50000 inactive=60s;\n  \
         map $http_accept $form {{ default html; \"~*simple.v1.json\" json; }}\n  \
         server {{\n    listen 127.0.0.1:{port} backlog=1024;\n    root {site};\n    \
         location /simple/ {{\n      rewrite ^(?<page>/simple/(?:.*/)?)$ ${{page}}index.$form break;\n      \
         gzip_static on;\n      add_header Vary \"Accept, Accept-Encoding\";\n      \
         types {{ text/html html; application/vnd.pypi.simple.v1+json json; }}\n    }}\n    \
         location /files/ {{ default_type application/octet-stream; }}\n  }}\n"
    )
}

/// A proxy that keeps what it got, once for all who wait, and leads clients to itself for files.
fn nginx_cache(state: &Path, upstream: u16, port: u16) -> String {
    let state = state.display();
    format!(
        "  proxy_cache_path {state}/kept keys_zone=kept:16m max_size=20g use_temp_path=off;\n  \
         upstream outside {{ server 127.0.0.1:{upstream}; keepalive 32; }}\n  \
         proxy_http_version 1.1;\n  proxy_set_header Connection \"\";\n  \
         proxy_set_header Accept-Encoding \"\";\n  proxy_cache kept;\n  proxy_cache_lock on;\n  \
         proxy_cache_lock_timeout 60s;\n  proxy_cache_lock_age 60s;\n  proxy_cache_valid 200 10m;\n  \
         server {{\n    listen 127.0.0.1:{port} backlog=1024;\n    \
         location = / {{ return 200 ready; }}\n    \
         location /simple/ {{\n      proxy_pass http://outside;\n      \
         proxy_cache_key $uri$http_accept;\n      sub_filter_types *;\n      sub_filter_once off;\n      \
         sub_filter \"http://127.0.0.1:{upstream}/\" \"http://127.0.0.1:{port}/\";\n    }}\n    \
         location /files/ {{ proxy_pass http://outside; proxy_cache_valid 200 365d; }}\n  }}\n"
    )
}

/// What one gets who configures nothing but where things are: full policy, inspection, records.
fn portcullis_toml(state: &Path, upstream: u16, port: u16) -> String {
    let state = state.display();
    format!(
        "listen = \"127.0.0.1:{port}\"\ndata = \"{state}/data\"\nanonymous-read = true\n\
         [sources.internal]\nkind = \"hosted\"\n\
         [sources.outside]\nkind = \"upstream\"\nurl = \"http://127.0.0.1:{upstream}/simple/\"\n\
         [indexes.main]\ndefault = true\nsources = [\"internal\", \"outside\"]\n"
    )
}

fn peryx_toml(state: &Path, upstream: u16, port: u16) -> String {
    let state = state.display();
    format!(
        "host = \"127.0.0.1\"\nport = {port}\ndata_dir = \"{state}/data\"\n\
         [[index]]\necosystem = \"pypi\"\nname = \"up\"\n\
         [[index.upstream]]\nname = \"primary\"\nurl = \"http://127.0.0.1:{upstream}/simple/\"\n\
         [[index]]\necosystem = \"pypi\"\nname = \"hosted\"\nhosted = true\n\
         [[index.access_token]]\nname = \"upload\"\nsecret = \"{PERYX_SECRET}\"\n\
         actions = [\"read\", \"write\", \"delete\"]\n"
    )
}

fn nora_variables(state: &Path, upstream: u16, port: u16) -> Vec<(&'static str, String)> {
    let state = state.display();
    vec![
        ("NORA_HOST", "127.0.0.1".to_owned()),
        ("NORA_PORT", port.to_string()),
        ("NORA_PUBLIC_URL", format!("http://127.0.0.1:{port}")),
        ("NORA_STORAGE_PATH", format!("{state}/data")),
        (
            "NORA_PYPI_PROXY",
            format!("http://127.0.0.1:{upstream}/simple/"),
        ),
        ("NORA_REGISTRIES_ENABLE", "pypi".to_owned()),
        ("NORA_RATE_LIMIT_ENABLED", "false".to_owned()),
        ("NORA_AUTH_TOKEN_STORAGE", format!("{state}/tokens")),
    ]
}
