//! Which characters a hand or an eye takes for one another: neighbours on a keyboard, vowels, and
//! characters that look the same.

/// The rows of a QWERTY keyboard, each with how far it is shifted, in quarters of a key.
const ROWS: [(&[u8], i32); 4] = [
    (b"1234567890-", 0),
    (b"qwertyuiop", 2),
    (b"asdfghjkl", 3),
    (b"zxcvbnm", 5),
];

/// Letters that are one key on two widespread layouts (QWERTY, QWERTZ, AZERTY).
const OTHER_LAYOUTS: [[u8; 2]; 3] = [*b"yz", *b"qa", *b"wz"];

/// Whether two keys touch on a keyboard, or are the same key on another layout.
pub(super) fn are_neighbours(one: u8, other: u8) -> bool {
    let same_key = OTHER_LAYOUTS
        .iter()
        .any(|pair| *pair == [one, other] || *pair == [other, one]);
    let touching = match (place(one), place(other)) {
        (Some((row, x)), Some((other_row, other_x))) => {
            row.abs_diff(other_row) <= 1 && (x - other_x).abs() <= 4
        }
        _ => false,
    };
    one != other && (same_key || touching)
}

/// The row, and the horizontal position in quarters of a key.
fn place(key: u8) -> Option<(usize, i32)> {
    ROWS.iter().enumerate().find_map(|(row, (keys, shift))| {
        let position = keys.iter().position(|&other| other == key)?;
        Some((row, i32::try_from(position).ok()? * 4 + shift))
    })
}

/// Whether the character is one of `aeiouy`.
pub(super) fn is_vowel(character: u8) -> bool {
    b"aeiouy".contains(&character)
}

/// The character that stands for all that look like this one: `0` is an `o`, and `1` and `i` are an `l`.
pub(super) fn look(character: u8) -> u8 {
    match character {
        b'0' => b'o',
        b'1' | b'i' => b'l',
        b'3' => b'e',
        b'4' => b'a',
        b'5' => b's',
        b'7' => b't',
        b'8' => b'b',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_touch() {
        for pair in ["as", "re", "rd", "tg", "bg", "bv", "yz", "op", "0o", "-p"] {
            let (one, other) = (pair.as_bytes()[0], pair.as_bytes()[1]);
            assert!(are_neighbours(one, other), "{pair}");
            assert!(are_neighbours(other, one), "{pair}");
        }
        for pair in ["aa", "ap", "qm", "tc", "1m", "ei"] {
            let (one, other) = (pair.as_bytes()[0], pair.as_bytes()[1]);
            assert!(!are_neighbours(one, other), "{pair}");
        }
    }
}
