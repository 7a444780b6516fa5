//! Signed notes as C2SP's `signed-note` writes them: a text, an empty line, and a line for each signature.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use thiserror::Error;

use crate::{KeyName, SigningKey, VerifyingKey};

/// More than the specification asks for, and less than would hurt.
const MAX_SIGNATURES: usize = 64;
const MAX_BYTES: usize = 1 << 20;

/// A text with signatures that have not been checked. Only [`verify`](Self::verify) shows the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct NoteSignature {
    name: KeyName,
    key_id: u32,
    signature: Vec<u8>,
}

/// Why bytes are not a note, and in which line (the first is 1).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line} of the note: {reason}")]
pub struct NoteError {
    pub line: usize,
    pub reason: NoteReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteReason {
    #[error("a note has at most {MAX_BYTES} bytes, not {0}")]
    TooLong(usize),
    #[error("it is not UTF-8")]
    NotUtf8,
    #[error("it has a control character")]
    ControlCharacter,
    #[error("the last line does not end")]
    UnfinishedLine,
    #[error("there is no empty line before the signatures")]
    NoSignatures,
    #[error("there are more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    #[error("a signature begins with `— ` and has a name and base64")]
    NotASignature,
    #[error("the signature is not base64 of a key's id and more")]
    NotBase64,
}

/// Why a note is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerifyError {
    #[error("the signature of `{name}` (key {key_id:08x}) does not fit the text")]
    WrongSignature { name: KeyName, key_id: u32 },
    #[error("none of the keys that are trusted has signed; those that have: {}", signers.join(", "))]
    NobodyTrusted { signers: Vec<String> },
}

impl Note {
    /// Signs a text of whole lines with every key.
    pub(crate) fn sign<'a>(text: String, keys: impl IntoIterator<Item = &'a SigningKey>) -> Self {
        let sign = |key: &SigningKey| {
            let public = key.verifying_key();
            NoteSignature { name: public.name().clone(), key_id: public.id(), signature: key.sign(&text).to_vec() }
        };
        let signatures = keys.into_iter().map(sign).collect();
        Self { text, signatures }
    }

    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        let line_of = |offset: usize| 1 + bytes[..offset].iter().filter(|byte| **byte == b'\n').count();
        let fail = |offset, reason| NoteError { line: line_of(offset), reason };
        if bytes.len() > MAX_BYTES {
            return Err(NoteError { line: 1, reason: NoteReason::TooLong(bytes.len()) });
        }
        let text = str::from_utf8(bytes).map_err(|error| fail(error.valid_up_to(), NoteReason::NotUtf8))?;
        if let Some(offset) = bytes.iter().position(|byte| *byte < b' ' && *byte != b'\n') {
            return Err(fail(offset, NoteReason::ControlCharacter));
        }
        let body = text.strip_suffix('\n').ok_or_else(|| fail(bytes.len(), NoteReason::UnfinishedLine))?;
        let border = body.rfind("\n\n").ok_or_else(|| fail(body.len(), NoteReason::NoSignatures))?;
        let signatures = body[border + 2..].split('\n').zip(line_of(border + 2)..);
        let signatures = signatures.map(|(line, number)| signature(line).map_err(|reason| NoteError { line: number, reason }));
        let signatures = signatures.collect::<Result<Vec<_>, _>>()?;
        if signatures.len() > MAX_SIGNATURES {
            return Err(fail(bytes.len() - 1, NoteReason::TooManySignatures));
        }
        Ok(Self { text: text[..=border].to_owned(), signatures })
    }

    /// The text, if a trusted key has signed it and no trusted key's signature is wrong; and the keys that have.
    ///
    /// Signatures by other keys are passed over: that is how keys rotate and witnesses join.
    pub fn verify<'a>(&self, trusted: &'a [VerifyingKey]) -> Result<(&str, Vec<&'a VerifyingKey>), VerifyError> {
        let mut signed_by: Vec<&VerifyingKey> = Vec::new();
        for NoteSignature { name, key_id, signature } in &self.signatures {
            for key in trusted.iter().filter(|key| key.name() == name && key.id() == *key_id) {
                if !key.verifies(&self.text, signature) {
                    return Err(VerifyError::WrongSignature { name: name.clone(), key_id: *key_id });
                }
                if !signed_by.contains(&key) {
                    signed_by.push(key);
                }
            }
        }
        if signed_by.is_empty() {
            let signers = self.signatures.iter().map(|signature| format!("{}+{:08x}", signature.name, signature.key_id)).collect();
            return Err(VerifyError::NobodyTrusted { signers });
        }
        Ok((&self.text, signed_by))
    }

    /// The text, whoever wrote it: for showing, and for finding one's way before a key is at hand.
    pub(crate) fn unverified_text(&self) -> &str {
        &self.text
    }
}

fn signature(line: &str) -> Result<NoteSignature, NoteReason> {
    let (name, base64) = line.strip_prefix("— ").and_then(|rest| rest.split_once(' ')).ok_or(NoteReason::NotASignature)?;
    let name = name.parse().map_err(|_| NoteReason::NotASignature)?;
    let bytes = STANDARD.decode(base64).map_err(|_| NoteReason::NotBase64)?;
    match bytes.split_first_chunk() {
        Some((key_id, signature)) if !signature.is_empty() => {
            Ok(NoteSignature { name, key_id: u32::from_be_bytes(*key_id), signature: signature.to_vec() })
        }
        Some(_) | None => Err(NoteReason::NotBase64),
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        for NoteSignature { name, key_id, signature } in &self.signatures {
            let bytes = [key_id.to_be_bytes().as_slice(), signature].concat();
            writeln!(f, "— {name} {}", STANDARD.encode(bytes))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, seed: u8) -> SigningKey {
        SigningKey::from_seed(name.parse().unwrap(), &[seed; 32])
    }

    const TEXT: &str = "دفتر\n\nsecond paragraph\n";

    #[test]
    fn a_note_survives_its_text_and_shows_who_signed() {
        let (old, new) = (key("daftar.example", 1), key("daftar.example", 2));
        let note = Note::sign(TEXT.to_owned(), [&old, &new]);
        let parsed = Note::parse(note.to_string().as_bytes()).unwrap();
        assert_eq!(parsed, note);
        let (old, new, other) = (old.verifying_key(), new.verifying_key(), key("daftar.example", 3).verifying_key());
        for trusted in [vec![old.clone()], vec![new.clone()], vec![old.clone(), new.clone()], vec![other.clone(), new.clone()]] {
            let expected: Vec<_> = trusted.iter().filter(|key| **key != other).collect();
            assert_eq!(parsed.verify(&trusted), Ok((TEXT, expected)));
        }
        let signers = vec![format!("daftar.example+{:08x}", old.id()), format!("daftar.example+{:08x}", new.id())];
        assert_eq!(parsed.verify(&[other]), Err(VerifyError::NobodyTrusted { signers }));
    }

    /// The note in the documentation of Go's `note` package.
    #[test]
    fn a_note_is_written_as_go_writes_it() {
        let key: SigningKey = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz".parse().unwrap();
        let text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
        let signature = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=";
        assert_eq!(Note::sign(text.to_owned(), [&key]).to_string(), format!("{text}\n— PeterNeumann {signature}\n"));
    }

    #[test]
    fn a_wrong_signature_by_a_trusted_key_spoils_the_note_whoever_else_signed() {
        let (one, two) = (key("one.example", 1), key("two.example", 2));
        let text = Note::sign(TEXT.to_owned(), [&one, &two]).to_string();
        let other = Note::sign("other\n".to_owned(), [&two]).to_string();
        let (_, wrong) = other.rsplit_once("\n\n").unwrap();
        let (kept, _) = text.rsplit_once("— two").unwrap();
        let spoilt = Note::parse(format!("{kept}{wrong}").as_bytes()).unwrap();
        let (one, two) = (one.verifying_key(), two.verifying_key());
        assert_eq!(spoilt.verify(std::slice::from_ref(&one)), Ok((TEXT, vec![&one])));
        let error = VerifyError::WrongSignature { name: two.name().clone(), key_id: two.id() };
        assert_eq!(spoilt.verify(&[one, two]), Err(error));
    }

    #[test]
    fn what_is_no_note_is_refused_with_line_and_reason() {
        let good = Note::sign("a\nb\n".to_owned(), [&key("n", 1)]).to_string();
        let signature_line = good.lines().last().unwrap();
        let many = format!("a\n\n{}", format!("{signature_line}\n").repeat(65));
        let cases: [(&[u8], usize, NoteReason); 13] = [
            (b"", 1, NoteReason::UnfinishedLine),
            (b"a\nb", 2, NoteReason::UnfinishedLine),
            (b"a\nb\n", 2, NoteReason::NoSignatures),
            (b"a\nb\n\n", 3, NoteReason::NoSignatures),
            (b"a\n\xff\n", 2, NoteReason::NotUtf8),
            (b"a\nb\tc\n", 2, NoteReason::ControlCharacter),
            (b"a\r\n", 1, NoteReason::ControlCharacter),
            (b"a\n\nb\n", 3, NoteReason::NotASignature),
            ("a\n\n— b\n".as_bytes(), 3, NoteReason::NotASignature),
            ("a\n\n— b+c AAAAAAA=\n".as_bytes(), 3, NoteReason::NotASignature),
            ("a\n\n— b AAAAAA\n".as_bytes(), 3, NoteReason::NotBase64),
            ("a\n\n— b AAAAAA==\n".as_bytes(), 3, NoteReason::NotBase64),
            (many.as_bytes(), 67, NoteReason::TooManySignatures),
        ];
        for (bytes, line, reason) in cases {
            assert_eq!(Note::parse(bytes), Err(NoteError { line, reason }), "{}", String::from_utf8_lossy(bytes));
        }
        let second = format!("{good}— n\n");
        assert_eq!(Note::parse(second.as_bytes()), Err(NoteError { line: 5, reason: NoteReason::NotASignature }));
        let long = vec![b'a'; MAX_BYTES + 1];
        assert_eq!(Note::parse(&long), Err(NoteError { line: 1, reason: NoteReason::TooLong(MAX_BYTES + 1) }));
    }

    #[test]
    fn every_altered_byte_of_a_note_is_found() {
        let key = key("daftar.example", 1);
        let good = Note::sign(TEXT.to_owned(), [&key]).to_string().into_bytes();
        let trusted = [key.verifying_key()];
        assert!(Note::parse(&good).unwrap().verify(&trusted).is_ok());
        for place in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[place] ^= 1 << bit;
                let refused = Note::parse(&bytes).map_or(true, |note| note.verify(&trusted).is_err());
                assert!(refused, "bit {bit} of byte {place}");
            }
        }
    }
}
