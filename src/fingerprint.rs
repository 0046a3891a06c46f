//! Fingerprints: what tells a secret, or a file with one in it, from any other, and says nothing about it to whoever
//! does not have the key.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use rand::{TryRng, rngs::SysRng};
use secrecy::SecretString;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::failure::{Code, Failure};

const BYTES: usize = 32;

/// The key of the fingerprints; clones share it. It is made when it is first needed, unless it was kept from before.
#[derive(Clone, Default)]
pub struct FingerprintKey(Arc<Mutex<Option<[u8; BYTES]>>>);

impl FingerprintKey {
    /// The HMAC-SHA-256 of these parts, in hexadecimal digits. Parts are kept apart: `ab`, `c` is not `a`, `bc`.
    ///
    /// # Errors
    /// `E-INTERNAL` when the operating system gives no randomness for the key.
    pub fn of(&self, parts: &[&[u8]]) -> Result<String, Failure> {
        let mut feed = self.feed()?;
        parts.iter().for_each(|part| feed.part(part));
        Ok(feed.end())
    }

    /// The same of a value in its shortest JSON, of which no copy is made; `kind` keeps apart what only looks alike.
    ///
    /// # Errors
    /// As [`FingerprintKey::of`], and for a value that has no JSON.
    pub fn of_json(&self, kind: &str, value: &impl Serialize) -> Result<String, Failure> {
        let mut feed = self.feed()?;
        feed.part(kind.as_bytes());
        serde_json::to_writer(&mut feed, value)
            .map_err(|_| Failure::new(Code::Internal, "a value cannot be written as JSON"))?;
        Ok(feed.end())
    }

    /// The same of a file: its permission bits and its content.
    ///
    /// # Errors
    /// As [`FingerprintKey::of`].
    pub fn of_file(&self, mode: u32, bytes: &[u8]) -> Result<String, Failure> {
        self.of(&[mode.to_be_bytes().as_slice(), bytes])
    }

    /// What the key is called, in hexadecimal digits: it tells nothing about the key.
    ///
    /// # Errors
    /// As [`FingerprintKey::of`].
    pub fn id(&self) -> Result<String, Failure> {
        let mut id = self.of(&[b"the id of a key"])?;
        id.truncate(16);
        Ok(id)
    }

    /// The key as text, to be kept where only its owner reads it.
    ///
    /// # Errors
    /// As [`FingerprintKey::of`].
    pub fn to_text(&self) -> Result<SecretString, Failure> {
        Ok((HEXLOWER.encode(&self.key()?) + "\n").into())
    }

    /// The key from such a text; none when it is none.
    pub fn from_text(text: &[u8]) -> Option<Self> {
        let bytes = HEXLOWER.decode(text.trim_ascii_end()).ok()?;
        Some(Self(Arc::new(Mutex::new(Some(bytes.try_into().ok()?)))))
    }

    fn feed(&self) -> Result<Feed, Failure> {
        let broken = |_| Failure::new(Code::Internal, "a key of fingerprints has the wrong length");
        Hmac::new_from_slice(&self.key()?).map(Feed).map_err(broken)
    }

    fn key(&self) -> Result<[u8; BYTES], Failure> {
        let mut key = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = *key {
            return Ok(key);
        }
        let mut made = [0; BYTES];
        SysRng.try_fill_bytes(&mut made).map_err(|error| {
            Failure::new(Code::Internal, "the operating system gave no randomness for a key")
                .why(error.to_string())
                .remedy("run again")
        })?;
        Ok(*key.insert(made))
    }
}

/// A fingerprint that is being taken.
struct Feed(Hmac<Sha256>);

impl Feed {
    fn part(&mut self, part: &[u8]) {
        self.0.update(&(part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    fn end(self) -> String {
        HEXLOWER.encode(&self.0.finalize().into_bytes())
    }
}

impl io::Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl std::fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FingerprintKey")
    }
}

/// The SHA-256 of what needs no key, since whoever can read it can read more: in hexadecimal digits. Parts are kept
/// apart.
pub fn digest(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    HEXLOWER.encode(&digest.finalize())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn one_key_tells_one_thing_from_another() {
        let key = FingerprintKey::default();
        let of = |parts: &[&[u8]]| key.of(parts).expect("randomness");
        assert_eq!(of(&[b"ab", b"c"]), key.clone().of(&[b"ab", b"c"]).expect("randomness"));
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"ab"]), FingerprintKey::default().of(&[b"ab"]).expect("randomness"));
    }

    #[test]
    fn a_key_that_was_kept_is_the_same_key() {
        let key = FingerprintKey::default();
        let text = key.to_text().expect("randomness");
        let again = FingerprintKey::from_text(text.expose_secret().as_bytes()).expect("a key");
        let json = |key: &FingerprintKey| key.of_json("list", &["a", "b"]).expect("JSON");
        assert_eq!((key.id().ok(), json(&key)), (again.id().ok(), json(&again)));
        assert_ne!(json(&key), key.of_json("lists", &["a", "b"]).expect("JSON"));
        assert_ne!(key.id().ok(), FingerprintKey::default().id().ok());
        for text in ["", "00", "no digits", &"0".repeat(66)] {
            assert!(FingerprintKey::from_text(text.as_bytes()).is_none(), "{text}");
        }
    }
}
