//! Settings that are sound and not wise.

use std::path::Path;

use portcullis_server::App;
use portcullis_server::config::Reading;
use portcullis_store::tokens;

use super::{Check, Finding, timed};

/// Everything that can be said of them.
pub(super) async fn all(app: &App, file: Option<&Path>) -> Vec<Check> {
    let file = file.map(Path::to_path_buf);
    let config_file = timed("configuration file", async {
        match &file {
            Some(file) => readers(file),
            None => Finding::well("there is none: the defaults are in force"),
        }
    });
    let data = timed("data directory", async { listing(&app.config.data) });
    let listening = timed("listening", async { listening(app) });
    let reading = timed("tokens", tokens_of(app));
    let garbage = timed("cache", async { cache(app) });
    vec![
        config_file.await,
        data.await,
        listening.await,
        reading.await,
        garbage.await,
    ]
}

/// Who beside its owner may read a file, as bits of its mode.
#[cfg(unix)]
fn others(path: &Path) -> std::io::Result<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o004)
}

#[cfg(not(unix))]
fn others(_: &Path) -> std::io::Result<u32> {
    Ok(0)
}

fn readers(file: &Path) -> Finding {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let shown = file.display();
    match (others(file), has_secret(&text)) {
        (Err(error), _) => Finding::unknown(
            format!("{shown}: {error}"),
            "see that the file is there and may be read by this user",
        ),
        (Ok(0), _) => Finding::well(format!("{shown}, for its owner and group only")),
        (Ok(_), false) => Finding::well(format!("{shown}, without secrets")),
        (Ok(_), true) => Finding::fails(
            format!("{shown} holds a password and everybody on this machine may read it"),
            format!("chmod o-r {shown}, or move the password into a variable or file of its own"),
        ),
    }
}

/// Whether a URL with a password is in the text.
fn has_secret(text: &str) -> bool {
    let text = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    text.flat_map(|line| line.split("://").skip(1)).any(|rest| {
        let authority = rest.split(['/', '"', '\'', '?']).next().unwrap_or_default();
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        user.is_some_and(|user| user.contains(':'))
    })
}

fn listing(data: &Path) -> Finding {
    match others(data) {
        Ok(0) => Finding::well("for its owner and group only"),
        Ok(_) => Finding::warns(
            format!("everybody on this machine may list {}", data.display()),
            format!(
                "chmod o-rwx {}: it holds who has downloaded what",
                data.display()
            ),
        ),
        Err(error) => Finding::unknown(
            error.to_string(),
            "see that the data directory is there and may be read by this user",
        ),
    }
}

fn listening(app: &App) -> Finding {
    let config = &app.config;
    let says = format!("on {}", config.listen);
    let is_encrypted = config
        .public_url
        .as_ref()
        .is_some_and(|url| url.scheme() == "https");
    match () {
        () if config.listen.ip().is_loopback() => {
            Finding::well(format!("{says}, for this machine"))
        }
        () if config.reading == Reading::Anonymous => Finding::warns(
            format!("{says}, and whoever reaches it may read"),
            "set anonymous-read = false unless everybody in that network may have every file",
        ),
        () if !is_encrypted => Finding::warns(
            format!("{says}, and nothing says that people reach it by https"),
            "put TLS before it and say so in `public-url`: tokens are readable on the way otherwise",
        ),
        () => Finding::well(says),
    }
}

async fn tokens_of(app: &App) -> Finding {
    let all = match tokens::list(&app.db).await {
        Ok(all) => all,
        Err(error) => return Finding::unknown(error.to_string(), "see what the database says"),
    };
    let live = all.iter().filter(|token| token.is_live(app.now())).count();
    match (app.config.reading, live) {
        (Reading::WithToken, 0) => Finding::warns(
            "reading needs a token, and there is none",
            "portcullis token create NAME --scope read",
        ),
        (_, live) => Finding::well(format!("{live} in force")),
    }
}

fn cache(app: &App) -> Finding {
    match app.config.cache.is_bounded() {
        true => Finding::well("bounded"),
        false => {
            Finding::well("files from outside are kept without a bound ([cache] max-size sets one)")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_an_address_is_a_secret() {
        for (text, expected) in [
            (
                "database = \"postgres://portcullis:pw@db/portcullis\"",
                true,
            ),
            ("url = 'https://ann:pw@pkgs.example/simple/'", true),
            ("# url = 'https://ann:pw@pkgs.example/simple/'", false),
            ("url = 'https://pkgs.example/simple/'", false),
            ("url = 'https://ann@pkgs.example/simple/'", false),
            ("url = 'https://pkgs.example/@scope:x/'", false),
        ] {
            assert_eq!(has_secret(text), expected, "{text}");
        }
    }
}
