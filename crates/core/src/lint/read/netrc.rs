//! `.netrc`: passwords by host, as a stream of words. Macros (`macdef`) are stepped over.

use crate::lint::address::is_secret;
use crate::lint::contents::{Contents, Secret, Span};

/// Reads a file.
pub(super) fn read(text: &str) -> Contents {
    let mut contents = Contents::default();
    let mut host = "any host".to_owned();
    let mut words = words(text).into_iter();
    while let Some((word, _)) = words.next() {
        match word {
            "machine" => host = words.next().map_or(host, |(name, _)| name.to_owned()),
            "default" => host = "any host".to_owned(),
            "password" => {
                let value = words.next().filter(|(value, _)| is_secret(value));
                contents.secrets.extend(value.map(|(_, at)| Secret {
                    what: format!("the password of {host}"),
                    at,
                }));
            }
            "login" | "user" | "account" => {
                words.next();
            }
            _ => {}
        }
    }
    contents
}

/// The words outside of comments and macros with their places, quotes taken away.
fn words(text: &str) -> Vec<(&str, Span)> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut is_in_macro = false;
    for line in text.split_inclusive('\n') {
        let is_blank = line.trim().is_empty();
        is_in_macro = (is_in_macro && !is_blank) || line.trim_start().starts_with("macdef");
        if !is_in_macro {
            words_of_line(line, start, &mut words);
        }
        start += line.len();
    }
    words
}

fn words_of_line<'t>(line: &'t str, start: usize, words: &mut Vec<(&'t str, Span)>) {
    let mut from = 0;
    while let Some(skipped) = line[from..].find(|c: char| !c.is_whitespace()) {
        let begin = from + skipped;
        let rest = &line[begin..];
        // `#` begins a comment, but a password may begin with it.
        let is_value = words.last().is_some_and(|(word, _)| *word == "password");
        if rest.starts_with('#') && !is_value {
            return;
        }
        let (inside, length) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"').unwrap_or(quoted.trim_end().len());
                (1..1 + end, (2 + end).min(rest.len()))
            }
            None => {
                let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
                (0..end, end)
            }
        };
        let at = start + begin + inside.start..start + begin + inside.end;
        words.push((&rest[inside], at));
        from = begin + length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::testing::places_hold;
    use proptest::prelude::*;

    const FILE: &str = "# hosts\nmachine a.example login ci password s3cret\nmachine b.example\n  login \
        password\n  password \"two words\"\nmacdef init\n  password no\n\ndefault login x password ${P}\n";

    #[test]
    fn passwords_are_found_by_host() {
        let contents = read(FILE);
        let found: Vec<_> = contents
            .secrets
            .iter()
            .map(|secret| (secret.what.as_str(), &FILE[secret.at.clone()]))
            .collect();
        assert_eq!(
            found,
            [
                ("the password of a.example", "s3cret"),
                ("the password of b.example", "two words"),
            ]
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(damage in ".{0,40}", at in 0..FILE.len()) {
            let damaged = format!("{}{damage}{}", &FILE[..at], &FILE[at..]);
            places_hold(&damaged, &read(&damaged));
            places_hold(&damage, &read(&damage));
        }
    }
}
