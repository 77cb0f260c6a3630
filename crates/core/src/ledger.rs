//! The hash chain of the ledger: what an entry is, how its hash is computed, and how a chain is
//! verified. Keeping the entries is the vault's business; nothing in here reads or writes any.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;
use sha2::Digest as _;

use crate::digest::Sha256;
use crate::time::Timestamp;

/// Separates these hashes from every other use of SHA-256 in the house, and names the encoding.
const ENCODING: &[u8] = b"portcullis ledger entry 1";

/// What the chain starts from: the `prev` of the first entry.
const GENESIS: &[u8] = b"portcullis ledger genesis 1";

/// What happened. The text of a kind is part of the hash, so that it never changes once released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A file was published here.
    Publication,
    /// Files were yanked (PEP 592).
    Yank,
    /// Files are no longer yanked.
    Unyank,
    /// Files published here were deleted; their names stay used.
    Deletion,
    /// The first verified digests of files from outside were pinned.
    Pin,
    /// A decision was shown or acted on for the first time.
    Decision,
    /// A reviewer approved or denied.
    Review,
    /// A waiver was given, changed or ended.
    Waiver,
    /// A name was owned, released, prohibited or allowed again.
    Name,
    /// A token was created or revoked.
    Token,
    /// Another policy took effect.
    Policy,
    /// Cached content was thrown away, or content that nothing refers to.
    Purge,
    /// Something that a person should look at.
    Alert,
    /// A group of downloads, bound by the digest over its rows.
    Downloads,
    /// A feed was loaded or forgotten; the digest of what it said and its newest record are bound.
    Feed,
    /// A team's lock file was put on record, replaced or removed.
    Lock,
    /// Releases were quarantined or released again.
    Quarantine,
    /// Something was approved for an index, or an approval was taken back.
    Approval,
    /// A content was inspected; the digest of what was seen is bound.
    Inspection,
}

impl Kind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 19] = [
        Self::Publication,
        Self::Yank,
        Self::Unyank,
        Self::Deletion,
        Self::Pin,
        Self::Decision,
        Self::Review,
        Self::Waiver,
        Self::Name,
        Self::Token,
        Self::Policy,
        Self::Purge,
        Self::Alert,
        Self::Downloads,
        Self::Feed,
        Self::Lock,
        Self::Quarantine,
        Self::Approval,
        Self::Inspection,
    ];

    /// The stable text.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Publication => "publication",
            Self::Yank => "yank",
            Self::Unyank => "unyank",
            Self::Deletion => "deletion",
            Self::Pin => "pin",
            Self::Decision => "decision",
            Self::Review => "review",
            Self::Waiver => "waiver",
            Self::Name => "name",
            Self::Token => "token",
            Self::Policy => "policy",
            Self::Purge => "purge",
            Self::Alert => "alert",
            Self::Downloads => "downloads",
            Self::Feed => "feed",
            Self::Lock => "lock",
            Self::Quarantine => "quarantine",
            Self::Approval => "approval",
            Self::Inspection => "inspection",
        }
    }
}

/// The text is not the kind of a ledger entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of ledger entry: {0:?}")]
pub struct UnknownKind(pub String);

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownKind(text.chars().take(80).collect()))
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// 1 for the first entry, and one more for each.
    pub seq: u64,
    /// When it was appended.
    pub at: Timestamp,
    /// What happened.
    pub kind: Kind,
    /// The particulars as canonical JSON text (see [`canonical`]); hashed byte for byte.
    pub payload: String,
    /// The hash of the entry before, or that of [`Head::genesis`].
    pub prev: Sha256,
    /// The hash of all of the above.
    pub hash: Sha256,
}

impl Entry {
    /// The hash that the entry's other fields call for.
    pub fn expected_hash(&self) -> Sha256 {
        let mut hasher = sha2::Sha256::new();
        let mut field = |bytes: &[u8]| {
            hasher.update((bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        field(ENCODING);
        field(&self.seq.to_be_bytes());
        field(&self.at.as_millis().to_be_bytes());
        field(self.kind.as_str().as_bytes());
        field(self.payload.as_bytes());
        field(self.prev.as_bytes());
        Sha256::from_bytes(hasher.finalize().into())
    }

    /// The end of a chain whose last entry this is.
    pub fn head(&self) -> Head {
        Head {
            seq: self.seq,
            hash: self.hash,
        }
    }
}

/// The end of a chain: what the next entry refers to. Kept outside, it shows that nothing was cut
/// off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many entries there are.
    pub seq: u64,
    /// The hash of the last one.
    pub hash: Sha256,
}

impl Head {
    /// The end of the empty chain.
    pub fn genesis() -> Self {
        Self {
            seq: 0,
            hash: Sha256::of(GENESIS),
        }
    }
}

/// The entry that follows `head`.
pub fn append(head: &Head, at: Timestamp, kind: Kind, payload: &Value) -> Entry {
    let mut entry = Entry {
        seq: head.seq + 1,
        at,
        kind,
        payload: canonical(payload),
        prev: head.hash,
        hash: head.hash,
    };
    entry.hash = entry.expected_hash();
    entry
}

/// JSON text with the keys of every object in byte order and no white space between tokens, so that
/// equal values have equal text.
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            write_joined(out, ['{', '}'], members, |(key, member), out| {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write_canonical(member, out);
            });
        }
        Value::Array(items) => write_joined(out, ['[', ']'], items, write_canonical),
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn write_joined<T>(
    out: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    write: impl Fn(T, &mut String),
) {
    out.push(open);
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            out.push(',');
        }
        write(item, out);
    }
    out.push(close);
}

/// A chain that holds together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How many entries were verified.
    pub count: u64,
    /// The end of the chain.
    pub head: Head,
}

/// A chain that does not hold together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the ledger is broken at entry {seq}: {what}")]
pub struct Broken {
    /// Where: the number that the entry should have.
    pub seq: u64,
    /// What is wrong there.
    pub what: String,
}

/// Verifies a chain entry by entry, for those who cannot hold it in memory.
#[derive(Clone, Copy, Debug)]
pub struct Verifier {
    head: Head,
}

impl Default for Verifier {
    fn default() -> Self {
        Self {
            head: Head::genesis(),
        }
    }
}

impl Verifier {
    /// Takes the next entry.
    ///
    /// # Errors
    /// [`Broken`] when it does not follow from those before, or was altered.
    pub fn check(&mut self, entry: &Entry) -> Result<(), Broken> {
        let seq = self.head.seq + 1;
        let broken = |what: String| Err(Broken { seq, what });
        if entry.seq != seq {
            return broken(format!("entry {} stands in its place", entry.seq));
        }
        if entry.prev != self.head.hash {
            return broken("it does not refer to the entry before it".to_owned());
        }
        if entry.hash != entry.expected_hash() {
            return broken("its content does not have its hash".to_owned());
        }
        self.head = entry.head();
        Ok(())
    }

    /// Verifies what follows on an entry that is believed.
    pub fn after(head: Head) -> Self {
        Self { head }
    }

    /// What was verified up to now.
    pub fn verified(&self) -> Verified {
        Verified {
            count: self.head.seq,
            head: self.head,
        }
    }
}

/// Verifies a whole chain.
///
/// # Errors
/// [`Broken`], at the first entry that does not hold.
pub fn verify<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Verified, Broken> {
    let mut verifier = Verifier::default();
    for entry in entries {
        verifier.check(entry)?;
    }
    Ok(verifier.verified())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn chain(payloads: &[Value]) -> Vec<Entry> {
        let mut head = Head::genesis();
        let mut entries = Vec::new();
        for (position, payload) in payloads.iter().enumerate() {
            let at = Timestamp::from_millis(1000 * position as i64);
            let kind = Kind::ALL[position % Kind::ALL.len()];
            let entry = append(&head, at, kind, payload);
            head = entry.head();
            entries.push(entry);
        }
        entries
    }

    fn three() -> Vec<Entry> {
        chain(&[json!({"a": 1}), json!({"b": [1, 2]}), json!(null)])
    }

    #[test]
    fn an_honest_chain_holds() {
        let entries = three();
        let verified = verify(&entries).unwrap();
        assert_eq!(
            verified,
            Verified {
                count: 3,
                head: entries[2].head()
            }
        );
        assert_eq!(verify(&[]).unwrap().head, Head::genesis());
    }

    #[test]
    fn the_encoding_never_changes() {
        let entry = append(
            &Head::genesis(),
            Timestamp::from_millis(1),
            Kind::Name,
            &json!({"a": 1}),
        );
        assert_eq!(
            entry.hash.to_hex(),
            "ef88578ee0fba3aecea37189a50886ab7d5c9bd55b84dda66c8b797016840e91"
        );
    }

    #[test]
    fn every_alteration_is_found_where_it_was_made() {
        type Alteration = fn(&mut Vec<Entry>);
        let table: [(u64, Alteration); 8] = [
            (2, |entries| entries[1].payload.push(' ')),
            (2, |entries| entries[1].kind = Kind::Alert),
            (2, |entries| entries[1].at = Timestamp::from_millis(7)),
            (2, |entries| entries[1].hash = Sha256::of(b"other")),
            (2, |entries| drop(entries.remove(1))),
            (1, |entries| drop(entries.remove(0))),
            (2, |entries| entries.swap(1, 2)),
            (3, |entries| {
                entries[1].payload = "{}".to_owned();
                entries[1].hash = entries[1].expected_hash();
            }),
        ];
        for (position, (seq, alter)) in table.into_iter().enumerate() {
            let mut entries = three();
            alter(&mut entries);
            assert_eq!(
                verify(&entries).unwrap_err().seq,
                seq,
                "alteration {position}"
            );
        }
    }

    #[test]
    fn moving_text_between_fields_changes_the_hash() {
        let [mut left, mut right] = [three()[0].clone(), three()[0].clone()];
        (left.kind, left.payload) = (Kind::Yank, "x".to_owned());
        (right.kind, right.payload) = (Kind::Unyank, "x".to_owned());
        assert_ne!(left.expected_hash(), right.expected_hash());
    }

    #[test]
    fn equal_values_have_equal_text() {
        let one: Value =
            serde_json::from_str(r#"{ "b": [1, {"d": "\n", "c": null}], "a": true }"#).unwrap();
        assert_eq!(canonical(&one), r#"{"a":true,"b":[1,{"c":null,"d":"\n"}]}"#);
        assert_eq!(canonical(&json!({})), "{}");
        assert_eq!(canonical(&json!([])), "[]");
    }

    #[test]
    fn kinds_survive_printing_and_parsing() {
        for kind in Kind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
        }
        assert!("Publication".parse::<Kind>().is_err());
    }

    proptest! {
        #[test]
        fn canonical_text_is_the_same_value(
            keys in proptest::collection::vec(".{0,6}", 0..6),
            text in ".{0,12}",
        ) {
            let members = keys.into_iter().map(|key| (key, json!([text, 1])));
            let value = Value::Object(members.collect());
            let read: Value = serde_json::from_str(&canonical(&value)).unwrap();
            prop_assert_eq!(canonical(&read), canonical(&value));
            prop_assert_eq!(read, value);
        }
    }
}
