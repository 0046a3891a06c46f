//! What stood somewhere before: text or bytes, and maybe a secret.

use std::{fmt, sync::Arc};

use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A value that is to be put back. Nobody sees it but the journal.
#[derive(Clone)]
pub struct Content(Arc<SecretSlice<u8>>);

impl Content {
    /// These bytes.
    pub fn new(bytes: &[u8]) -> Self {
        Self(Arc::new(bytes.to_vec().into()))
    }

    /// The bytes, to be written where they were.
    pub fn bytes(&self) -> &[u8] {
        self.0.expose_secret()
    }

    /// The same as text, where it is some.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(self.bytes()).ok()
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content")
    }
}

/// Text stays readable for people; other bytes are written in base64.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Shape<'a> {
    Text(std::borrow::Cow<'a, str>),
    Base64(String),
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.text() {
            Some(text) => Shape::Text(text.into()),
            None => Shape::Base64(BASE64.encode(self.bytes())),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Shape::deserialize(deserializer)? {
            Shape::Text(text) => Ok(Self::new(text.as_bytes())),
            Shape::Base64(text) => {
                BASE64.decode(text.as_bytes()).map(|bytes| Self::new(&bytes)).map_err(D::Error::custom)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_come_back() {
        for bytes in [b"".as_slice(), b"plain", b"\xff\0\n", "dön\"er".as_bytes()] {
            let text = serde_json::to_string(&Content::new(bytes)).expect("it can be written");
            let back: Content = serde_json::from_str(&text).expect("it can be read");
            assert_eq!(back.bytes(), bytes, "{text}");
            assert_eq!(format!("{back:?}"), "Content");
        }
    }
}
