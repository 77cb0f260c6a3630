//! `portcullis token`: who may do what. The text of a token is printed once, alone on the standard
//! output, and kept nowhere.

use clap::{Args, Subcommand};
use portcullis_core::access::{Scope, Scopes};
use portcullis_core::time::Timestamp;
use portcullis_store::tokens::{self, Created, NewToken, Token};
use serde_json::json;

use crate::context::{Absence, Place, data_flag, now, wait_for, who};
use crate::exit::{Exit, failure};
use crate::moment::{self, Ending};
use crate::output::{Format, print, print_json, remark, table};

/// The longest name of a token, in characters.
const LONGEST_NAME: usize = 100;

/// Create, list and revoke tokens
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis token create ci --scope upload:acme-*")]
pub struct Tokens {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Create a token and print its text, this once
    ///
    /// Only the text is written to the standard output. Installers use it as a password with the
    /// user name __token__.
    #[command(
        after_help = "Example:\n  portcullis token create ci --scope upload:acme-* --expires 90d"
    )]
    Create {
        /// What it is called in the ledger and in lists
        #[arg(value_parser = name)]
        name: String,
        /// What it may do: read, upload, upload:PROJECT, upload:PREFIX-*, review or admin
        #[arg(
            long = "scope",
            value_name = "SCOPE",
            required = true,
            value_delimiter = ','
        )]
        scopes: Vec<Scope>,
        /// When it ends: a length of time (30d, 12h), a date, or an RFC 3339 time
        #[arg(long, value_name = "WHEN", value_parser = moment::ending)]
        expires: Option<Ending>,
    },
    /// List the tokens that are not revoked
    #[command(after_help = "Example:\n  portcullis token list --all --format json")]
    List {
        /// Revoked ones too
        #[arg(long)]
        all: bool,
        /// The form of the answer
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Revoke a token: it is refused from now on
    #[command(after_help = "Example:\n  portcullis token revoke ci")]
    Revoke {
        /// Its name
        name: String,
    },
}

impl Tokens {
    /// Does what was asked for.
    pub fn run(self) -> anyhow::Result<Exit> {
        let place = self.place;
        match self.verb {
            Verb::Create {
                name,
                scopes,
                expires,
            } => wait_for(create(place, name, scopes, expires)),
            Verb::List { all, format } => wait_for(list(place, all, format)),
            Verb::Revoke { name } => wait_for(revoke(place, name)),
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_NAME || text.chars().any(char::is_control)
    {
        return Err(format!(
            "a name has 1 to {LONGEST_NAME} characters and stands on one line"
        ));
    }
    Ok(text.to_owned())
}

async fn create(
    place: Place,
    name: String,
    scopes: Vec<Scope>,
    expires: Option<Ending>,
) -> anyhow::Result<Exit> {
    let now = now();
    let expires_at = expires.map(|ending| ending.moment(now));
    if let Some(expires) = expires_at.filter(|expires| *expires <= now) {
        return Err(failure(
            format!("the token would have ended at {}", expires.to_minute()),
            "give --expires a moment that is yet to come, for example 30d",
        ));
    }
    let opened = place.database(Absence::Prepared).await?;
    let new = NewToken {
        name: name.clone(),
        scopes: Scopes::new(scopes)?,
        expires_at,
        created_by: who(),
    };
    let mut random = [0; 32];
    getrandom::fill(&mut random)?;
    let Created::New(text) = tokens::create(&opened.db, &new, random, now).await? else {
        return Err(failure(
            format!("there is a token {name:?} already"),
            format!(
                "choose another name, or end that one with `portcullis token revoke {name}{}`",
                data_flag(&opened.config)
            ),
        ));
    };
    if let Err(error) = print(text.reveal()) {
        // Nobody has seen it, and nobody ever will.
        tokens::revoke(&opened.db, &name, &who(), now).await?;
        return Err(error.context("the token could not be printed and was revoked"));
    }
    let until = match expires_at {
        Some(expires) => format!("until {}", expires.to_minute()),
        None => "until it is revoked".to_owned(),
    };
    remark(&format!(
        "Token {name} may {} {until}. It is not shown again.\n\
         Use it as password with the user name __token__.",
        new.scopes.to_string().replace(',', ", ")
    ));
    opened.db.close().await;
    Ok(Exit::Clean)
}

async fn list(place: Place, all: bool, format: Format) -> anyhow::Result<Exit> {
    let opened = place.database(Absence::Refused).await?;
    let now = now();
    let mut listed = tokens::list(&opened.db).await?;
    listed.retain(|token| all || token.revoked_at.is_none());
    match format {
        Format::Json => {
            let tokens: Vec<_> = listed.iter().map(|token| as_json(token, now)).collect();
            print_json(&json!({ "tokens": tokens }))?;
        }
        Format::Text if listed.is_empty() => print(&format!(
            "There are no tokens.\nCreate one:  portcullis token create NAME --scope upload{}",
            data_flag(&opened.config)
        ))?,
        Format::Text => print(&table(
            ["name", "may", "state", "expires", "last used", "created by"],
            listed.iter().map(|token| {
                [
                    token.name.clone(),
                    token.scopes.to_string().replace(',', " "),
                    state(token, now).to_owned(),
                    day(token.expires_at, "never"),
                    day(token.last_used_at, "never"),
                    token.created_by.clone(),
                ]
            }),
        ))?,
    }
    opened.db.close().await;
    Ok(Exit::Clean)
}

fn day(moment: Option<Timestamp>, otherwise: &str) -> String {
    moment.map_or_else(
        || otherwise.to_owned(),
        |moment| moment.to_string().chars().take(10).collect(),
    )
}

fn state(token: &Token, now: Timestamp) -> &'static str {
    match (token.revoked_at, token.is_live(now)) {
        (Some(_), _) => "revoked",
        (None, true) => "live",
        (None, false) => "expired",
    }
}

fn as_json(token: &Token, now: Timestamp) -> serde_json::Value {
    let scopes: Vec<String> = token.scopes.iter().map(ToString::to_string).collect();
    json!({
        "name": token.name,
        "scopes": scopes,
        "state": state(token, now),
        "created-at": token.created_at,
        "created-by": token.created_by,
        "expires-at": token.expires_at,
        "last-used-at": token.last_used_at,
        "revoked-at": token.revoked_at,
        "revoked-by": token.revoked_by,
    })
}

async fn revoke(place: Place, name: String) -> anyhow::Result<Exit> {
    let opened = place.database(Absence::Refused).await?;
    if !tokens::revoke(&opened.db, &name, &who(), now()).await? {
        return Err(failure(
            format!("there is no token {name:?} that could be revoked"),
            format!(
                "see `portcullis token list --all{}`",
                data_flag(&opened.config)
            ),
        ));
    }
    opened.db.close().await;
    print(&format!(
        "Token {name} is revoked. A running server refuses it within a second."
    ))?;
    Ok(Exit::Clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_token_stands_on_one_line() {
        assert_eq!(name(" ci ").as_deref(), Ok("ci"));
        for bad in ["", "  ", "a\nb", "a\u{1b}b", &"x".repeat(101)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }
}
