//! The forms under which two names are the same for a careless eye: without separators, as a
//! skeleton of what characters look like, as sorted words; and the letter bag that says quickly how
//! far apart two names must be at least.

use super::keyboard::look;

/// The name without its separators.
pub(super) fn without_separators(name: &str) -> String {
    name.replace('-', "")
}

/// What the name looks like: separators dropped, each character replaced by its look-alike's
/// representative, `rn` read as `m`, `vv` as `w` and `cl` as `d`. PyPI's own comparison of new names
/// with old ones folds a part of this.
pub(super) fn skeleton(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for byte in name.bytes().filter(|byte| *byte != b'-') {
        let pair = match (folded.as_bytes().last(), byte) {
            (Some(b'r'), b'n') => Some('m'),
            (Some(b'v'), b'v') => Some('w'),
            (Some(b'c'), b'l') => Some('d'),
            _ => None,
        };
        match pair {
            Some(character) => {
                folded.pop();
                folded.push(character);
            }
            None => folded.push(char::from(look(byte))),
        }
    }
    folded
}

/// The words of the name in alphabetical order; `None` for a name of one word.
pub(super) fn sorted_words(name: &str) -> Option<String> {
    if !name.contains('-') {
        return None;
    }
    let mut words: Vec<&str> = name.split('-').collect();
    words.sort_unstable();
    Some(words.join("-"))
}

/// The letter bag: one bit for each character that occurs, and another for each letter or separator
/// that occurs twice. Adding or dropping a character changes at most one bit, replacing one at most
/// two, and swapping none.
pub(super) fn letter_bag(name: &[u8]) -> u64 {
    let mut once = 0_u64;
    let mut twice = 0_u64;
    for byte in name {
        let bit = match byte {
            b'a'..=b'z' => 1 << (byte - b'a'),
            b'-' => 1 << 26,
            b'0'..=b'9' => 1 << (27 + byte - b'0'),
            _ => 0,
        };
        twice |= once & bit;
        once |= bit;
    }
    const LETTERS: u64 = (1 << 27) - 1;
    once | ((twice & LETTERS) << 37)
}

/// FNV-1a over 64 bits, salted. Every hit is compared with the name itself, so that a collision
/// costs time and never an answer.
pub(super) fn hash(salt: u8, text: &str) -> u64 {
    let bytes = std::iter::once(salt).chain(text.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_has_one_skeleton() {
        for (one, other) in [
            ("m0dern", "modem"),
            ("w1ndows", "vvindovvs"),
            ("req-uests", "requests"),
            ("pi1low", "pillow"),
            ("r3qu35t5", "requests"),
            ("clata", "data"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        assert_ne!(skeleton("flask"), skeleton("flash"));
    }

    #[test]
    fn words_are_sorted() {
        assert_eq!(sorted_words("python-nmap"), sorted_words("nmap-python"));
        assert_eq!(sorted_words("nmap"), None);
    }
}
