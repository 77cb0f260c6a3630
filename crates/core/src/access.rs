//! Tokens and what they may do. A [`TokenText`] is the secret as its owner holds it; only its
//! digest is ever kept. Who holds which token is the vault's business, and no randomness is drawn
//! in here.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::Sha256;
use crate::pypi::name::{NamePattern, ProjectName};

/// What every token starts with, so that secret scanners know it.
pub const TOKEN_PREFIX: &str = "pc_";

/// What every token looks like, as a regular expression for secret scanners.
pub const TOKEN_REGEX: &str = "pc_[0-9A-Za-z]{49}";

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 62^43 is just above 2^256.
const SECRET_LENGTH: usize = 43;
/// 62^6 is above 2^32.
const CHECKSUM_LENGTH: usize = 6;
const TOKEN_LENGTH: usize = TOKEN_PREFIX.len() + SECRET_LENGTH + CHECKSUM_LENGTH;

/// The text of a token: `pc_`, 43 base-62 digits of 256 random bits, and 6 base-62 digits of a
/// checksum that tells a mistyped or invented token from a revoked one without a look-up. Printing
/// it with `{}` or `{:?}` shows nothing of the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(Box<str>);

/// The text is not a token. Nothing of the text is repeated, since it may be nearly one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidToken {
    /// It does not start as tokens do.
    #[error("not a token: tokens start with \"{TOKEN_PREFIX}\"")]
    Prefix,
    /// It is too short, too long, or has other characters than letters and digits.
    #[error("not a token: cut off, or not only letters and digits")]
    Shape,
    /// It looks like a token, but was mistyped or invented.
    #[error("not a token: mistyped, its checksum does not fit")]
    Checksum,
}

impl TokenText {
    /// The token that these random bytes make.
    pub fn from_random(bytes: [u8; 32]) -> Self {
        let secret = base62(bytes.to_vec(), SECRET_LENGTH);
        let checksum = checksum(&secret);
        Self(format!("{TOKEN_PREFIX}{secret}{checksum}").into())
    }

    /// Reads a token that somebody presented.
    ///
    /// # Errors
    /// [`InvalidToken`] when prefix, length, alphabet or checksum do not fit.
    pub fn parse(text: &str) -> Result<Self, InvalidToken> {
        let body = text
            .strip_prefix(TOKEN_PREFIX)
            .ok_or(InvalidToken::Prefix)?;
        if text.len() != TOKEN_LENGTH || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(InvalidToken::Shape);
        }
        let (secret, given) = body.split_at(SECRET_LENGTH);
        if checksum(secret) != given {
            return Err(InvalidToken::Checksum);
        }
        Ok(Self(text.into()))
    }

    /// What is stored in the token's stead. A plain digest suffices, as the secret has 256 random
    /// bits and cannot be guessed.
    pub fn hash(&self) -> Sha256 {
        Sha256::of(self.0.as_bytes())
    }

    /// The secret itself, to be shown once to its owner.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// The number that `bytes` is (big-endian) in `length` base-62 digits, with leading zeros.
fn base62(mut bytes: Vec<u8>, length: usize) -> String {
    let mut digits = vec![DIGITS[0]; length];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_usize;
        for byte in &mut bytes {
            let dividend = remainder * 256 + usize::from(*byte);
            *byte = (dividend / DIGITS.len()) as u8;
            remainder = dividend % DIGITS.len();
        }
        *digit = DIGITS[remainder];
    }
    digits.into_iter().map(char::from).collect()
}

fn checksum(secret: &str) -> String {
    let digest = Sha256::of(format!("{TOKEN_PREFIX}{secret}").as_bytes());
    base62(digest.as_bytes()[..4].to_vec(), CHECKSUM_LENGTH)
}

impl fmt::Display for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{TOKEN_PREFIX}…")
    }
}

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenText({self})")
    }
}

/// One thing that a token may do.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// `read`: look at pages and download files.
    Read,
    /// `upload`: publish any project, and read.
    Upload,
    /// `upload:project` or `upload:prefix-*`: publish these projects, and read.
    UploadOnly(NamePattern),
    /// `review`: approve and deny what is held.
    Review,
    /// `admin`: everything.
    Admin,
}

/// What somebody is about to do.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// Look at pages and download files.
    Read,
    /// Publish this project.
    Upload(&'a ProjectName),
    /// Approve or deny what is held.
    Review,
    /// Anything that changes how Portcullis behaves.
    Admin,
}

/// The text is not a scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a scope: {0:?} (read, upload, upload:project, upload:prefix-*, review or admin)")]
pub struct InvalidScope(pub String);

impl Scope {
    /// Whether this scope alone allows `action`.
    pub fn allows(&self, action: Action<'_>) -> bool {
        match (self, action) {
            (Self::Admin, _)
            | (Self::Read | Self::Upload | Self::UploadOnly(_), Action::Read)
            | (Self::Upload, Action::Upload(_))
            | (Self::Review, Action::Review) => true,
            (Self::UploadOnly(pattern), Action::Upload(project)) => pattern.matches(project),
            (Self::Read, Action::Upload(_) | Action::Review | Action::Admin)
            | (Self::Upload | Self::UploadOnly(_), Action::Review | Action::Admin)
            | (Self::Review, Action::Read | Action::Upload(_) | Action::Admin) => false,
        }
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || InvalidScope(text.chars().take(80).collect());
        match text {
            "read" => Ok(Self::Read),
            "upload" => Ok(Self::Upload),
            "review" => Ok(Self::Review),
            "admin" => Ok(Self::Admin),
            _ => {
                let pattern = text.strip_prefix("upload:").ok_or_else(invalid)?;
                pattern.parse().map(Self::UploadOnly).map_err(|_| invalid())
            }
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read => f.write_str("read"),
            Self::Upload => f.write_str("upload"),
            Self::UploadOnly(pattern) => write!(f, "upload:{pattern}"),
            Self::Review => f.write_str("review"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

/// All that a token may do: at least one scope. Printed and parsed as scopes joined by commas or
/// white space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// These scopes.
    ///
    /// # Errors
    /// [`InvalidScope`] when there is none.
    pub fn new(scopes: impl IntoIterator<Item = Scope>) -> Result<Self, InvalidScope> {
        let scopes: BTreeSet<_> = scopes.into_iter().collect();
        if scopes.is_empty() {
            return Err(InvalidScope(String::new()));
        }
        Ok(Self(scopes))
    }

    /// Whether any of the scopes allows `action`.
    pub fn allows(&self, action: Action<'_>) -> bool {
        self.0.iter().any(|scope| scope.allows(action))
    }

    /// The scopes, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

impl FromStr for Scopes {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts = text.split(|c: char| c == ',' || c.is_ascii_whitespace());
        let scopes: Result<Vec<Scope>, _> = parts
            .filter(|part| !part.is_empty())
            .map(str::parse)
            .collect();
        Self::new(scopes?)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, scope) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "," };
            write!(f, "{separator}{scope}")?;
        }
        Ok(())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> ProjectName {
        ProjectName::new(text).unwrap()
    }

    #[test]
    fn every_scope_against_every_action() {
        let (own, other) = (name("acme-billing"), name("flask"));
        let actions = [
            Action::Read,
            Action::Upload(&own),
            Action::Upload(&other),
            Action::Review,
            Action::Admin,
        ];
        let table = [
            ("read", [true, false, false, false, false]),
            ("upload", [true, true, true, false, false]),
            ("upload:acme-billing", [true, true, false, false, false]),
            ("upload:Acme_*", [true, true, false, false, false]),
            ("review", [false, false, false, true, false]),
            ("admin", [true, true, true, true, true]),
            ("read,review", [true, false, false, true, false]),
            (
                "upload:acme-billing upload:flask",
                [true, true, true, false, false],
            ),
        ];
        for (scopes, expected) in table {
            let parsed: Scopes = scopes.parse().unwrap();
            assert_eq!(
                actions.map(|action| parsed.allows(action)),
                expected,
                "{scopes}"
            );
        }
    }

    #[test]
    fn scopes_survive_printing_and_parsing() {
        let scopes: Scopes = " admin, upload:Acme.*\nread ".parse().unwrap();
        assert_eq!(scopes.to_string(), "read,upload:acme-*,admin");
        assert_eq!(scopes.to_string().parse(), Ok(scopes));
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for text in [
            "",
            " ,",
            "root",
            "upload:",
            "upload:*",
            "Read",
            "upload:a/b",
            "read;admin",
        ] {
            assert!(text.parse::<Scopes>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_token_has_the_shape_that_scanners_look_for() {
        for bytes in [[0; 32], [255; 32], *Sha256::of(b"x").as_bytes()] {
            let token = TokenText::from_random(bytes);
            let text = token.reveal();
            assert_eq!(text.len(), TOKEN_LENGTH, "{text}");
            assert!(
                text[3..].bytes().all(|byte| byte.is_ascii_alphanumeric()),
                "{text}"
            );
            assert_eq!(TokenText::parse(text), Ok(token.clone()));
        }
        let digits = SECRET_LENGTH + CHECKSUM_LENGTH;
        assert_eq!(
            TOKEN_REGEX,
            format!("{TOKEN_PREFIX}[0-9A-Za-z]{{{digits}}}")
        );
    }

    #[test]
    fn printing_a_token_shows_nothing_of_it() {
        let token = TokenText::from_random([7; 32]);
        assert_eq!(format!("{token} {token:?}"), "pc_… TokenText(pc_…)");
    }

    #[test]
    fn what_is_no_token_is_refused_before_any_look_up() {
        let good = TokenText::from_random([7; 32]).reveal().to_owned();
        let mistyped = good.replacen(
            &good[10..11],
            if &good[10..11] == "a" { "b" } else { "a" },
            1,
        );
        let table = [
            ("", InvalidToken::Prefix),
            ("hunter2", InvalidToken::Prefix),
            ("PC_aaa", InvalidToken::Prefix),
            (&good[..51], InvalidToken::Shape),
            (&format!("{good}a"), InvalidToken::Shape),
            (&format!("{good}\n"), InvalidToken::Shape),
            (&good.replace(&good[20..21], "-"), InvalidToken::Shape),
            (&format!("pc_{}é", &good[5..]), InvalidToken::Shape),
            (&mistyped, InvalidToken::Checksum),
        ];
        for (text, expected) in table {
            assert_eq!(TokenText::parse(text), Err(expected), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn different_bytes_make_different_tokens(
            one in any::<[u8; 32]>(),
            two in any::<[u8; 32]>(),
        ) {
            let tokens = [TokenText::from_random(one), TokenText::from_random(two)];
            prop_assert_eq!(one == two, tokens[0] == tokens[1]);
            prop_assert_eq!(one == two, tokens[0].hash() == tokens[1].hash());
            prop_assert_eq!(TokenText::parse(tokens[0].reveal()), Ok(tokens[0].clone()));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = TokenText::parse(&text);
            let _ = TokenText::parse(&format!("pc_{text}"));
            let _ = text.parse::<Scopes>();
        }
    }
}
