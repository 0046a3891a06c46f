//! Fingerprints: what tells a secret, or a file with one in it, from any other, and says nothing about it to whoever
//! does not have the key.

use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit, Mac};
use rand::{TryRng, rngs::SysRng};
use sha2::{Digest, Sha256};

use crate::failure::{Code, Failure};

const BYTES: usize = 32;

/// The key of the fingerprints; clones share it. It is made when it is first needed.
#[derive(Clone, Default)]
pub struct FingerprintKey(Arc<Mutex<Option<[u8; BYTES]>>>);

impl FingerprintKey {
    /// The HMAC-SHA-256 of these parts, in hexadecimal digits. Parts are kept apart: `ab`, `c` is not `a`, `bc`.
    ///
    /// # Errors
    /// `E-INTERNAL` when the operating system gives no randomness for the key.
    pub fn of(&self, parts: &[&[u8]]) -> Result<String, Failure> {
        let broken = |_| Failure::new(Code::Internal, "a key of fingerprints has the wrong length");
        let mut hmac = Hmac::<Sha256>::new_from_slice(&self.key()?).map_err(broken)?;
        for part in parts {
            hmac.update(&(part.len() as u64).to_be_bytes());
            hmac.update(part);
        }
        Ok(HEXLOWER.encode(&hmac.finalize().into_bytes()))
    }

    /// The same of a file: its permission bits and its content.
    ///
    /// # Errors
    /// As [`FingerprintKey::of`].
    pub fn of_file(&self, mode: u32, bytes: &[u8]) -> Result<String, Failure> {
        self.of(&[mode.to_be_bytes().as_slice(), bytes])
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
    use super::*;

    #[test]
    fn one_key_tells_one_thing_from_another() {
        let key = FingerprintKey::default();
        let of = |parts: &[&[u8]]| key.of(parts).expect("randomness");
        assert_eq!(of(&[b"ab", b"c"]), key.clone().of(&[b"ab", b"c"]).expect("randomness"));
        assert_ne!(of(&[b"ab", b"c"]), of(&[b"a", b"bc"]));
        assert_ne!(of(&[b"ab"]), FingerprintKey::default().of(&[b"ab"]).expect("randomness"));
    }
}
