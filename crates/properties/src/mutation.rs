//! [`mutated`]: an input made of others, for where no coverage guides the choice. What fuzzing with coverage
//! does better is left to it.

use crate::{Property, Random};

/// The longest input that is made, in bytes.
const LONGEST: usize = 64 << 10;

/// An input for `property`, made by changing one of `pool`.
pub fn mutated(property: &Property, pool: &[Vec<u8>], random: &mut Random) -> Vec<u8> {
    let mut bytes = match pool.is_empty() {
        true => Vec::new(),
        false => pool[random.below(pool.len())].clone(),
    };
    for _ in 0..=random.below(5) {
        change(property, &mut bytes, pool, random);
    }
    bytes.truncate(LONGEST);
    bytes
}

fn change(property: &Property, bytes: &mut Vec<u8>, pool: &[Vec<u8>], random: &mut Random) {
    let at = random.below(bytes.len() + 1);
    let end = at + random.below((bytes.len() - at).min(64) + 1);
    match random.below(8) {
        0 => drop(bytes.drain(at..end)),
        1 => {
            let count = 1 + random.below(8);
            let fresh = random.bytes(count);
            bytes.splice(at..at, fresh);
        }
        2 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
        3 if at < bytes.len() => bytes[at] = random.number() as u8,
        4 => {
            let again = bytes[at..end].repeat(1 + random.below(3));
            bytes.splice(at..at, again);
        }
        5 if !pool.is_empty() => {
            let other = &pool[random.below(pool.len())];
            let from = random.below(other.len() + 1);
            let to = from + random.below((other.len() - from).min(400) + 1);
            bytes.splice(at..end, other[from..to].iter().copied());
        }
        _ if !property.words.is_empty() => {
            let word = property.words[random.below(property.words.len())];
            bytes.splice(at..at, word.bytes());
        }
        _ => bytes.truncate(at),
    }
}
