//! Checkpoints as C2SP's `tlog-checkpoint` writes them: the origin, the size and the root, a line each, as a signed note.

use std::fmt;

use thiserror::Error;

use crate::{Hash, Head, KeyName, Note, NoteError, VerifyError, VerifyingKey};

/// What a log says of itself: so many leaves make this root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    head: Head,
    /// Lines that others may add. Ours have none: nobody could check them.
    extensions: Vec<String>,
}

/// Why a text is not a checkpoint, and in which line (the first is 1).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line} of the checkpoint: {reason}")]
pub struct CheckpointError {
    pub line: usize,
    pub reason: CheckpointReason,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointReason {
    #[error("the origin is missing")]
    NoOrigin,
    #[error("`{0}` is not a number of leaves")]
    NotASize(String),
    #[error("`{0}` is not a root")]
    NotARoot(String),
    #[error("an extension is never empty")]
    EmptyExtension,
    #[error("the last line does not end")]
    UnfinishedLine,
}

/// Why a signed checkpoint is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    #[error("this is not a signed note")]
    Note(#[from] NoteError),
    #[error("the checkpoint's signatures do not hold")]
    Signature(#[from] VerifyError),
    #[error("what is signed is not a checkpoint")]
    Checkpoint(#[from] CheckpointError),
    #[error("the checkpoint is of the log `{origin}`, and the key that signed it is for `{key}`")]
    OtherOrigin { origin: String, key: KeyName },
}

/// A checkpoint that was signed, and by which of the trusted keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenedCheckpoint<'a> {
    pub checkpoint: Checkpoint,
    pub signed_by: Vec<&'a VerifyingKey>,
}

impl Checkpoint {
    pub(crate) fn new(origin: &KeyName, head: Head) -> Self {
        Self { origin: origin.as_str().to_owned(), head, extensions: Vec::new() }
    }

    /// Reads a signed checkpoint and checks it with the keys of the log.
    pub fn open<'a>(bytes: &[u8], trusted: &'a [VerifyingKey]) -> Result<OpenedCheckpoint<'a>, OpenError> {
        let note = Note::parse(bytes)?;
        let (text, signed_by) = note.verify(trusted)?;
        let checkpoint = Self::from_text(text)?;
        match signed_by.iter().find(|key| key.name().as_str() != checkpoint.origin) {
            Some(key) => Err(OpenError::OtherOrigin { origin: checkpoint.origin, key: key.name().clone() }),
            None => Ok(OpenedCheckpoint { checkpoint, signed_by }),
        }
    }

    /// What a signed checkpoint says, whoever signed it: to find the way to it, never to believe it.
    pub fn unverified(bytes: &[u8]) -> Result<Self, OpenError> {
        Ok(Self::from_text(Note::parse(bytes)?.unverified_text())?)
    }

    fn from_text(text: &str) -> Result<Self, CheckpointError> {
        let fail = |line, reason| CheckpointError { line, reason };
        let mut lines = text.strip_suffix('\n').ok_or_else(|| fail(1, CheckpointReason::UnfinishedLine))?.split('\n');
        let mut line = || lines.next().unwrap_or("");
        let (origin, size, root) = (line(), line(), line());
        if origin.is_empty() {
            return Err(fail(1, CheckpointReason::NoOrigin));
        }
        // `parse` alone takes `+1` and `01` too.
        let number = size.parse().ok().filter(|number: &u64| number.to_string() == size);
        let number = number.ok_or_else(|| fail(2, CheckpointReason::NotASize(size.to_owned())))?;
        let root = root.parse().map_err(|_| fail(3, CheckpointReason::NotARoot(root.to_owned())))?;
        let extensions: Vec<_> = lines.map(str::to_owned).collect();
        if let Some(empty) = extensions.iter().position(String::is_empty) {
            return Err(fail(4 + empty, CheckpointReason::EmptyExtension));
        }
        Ok(Self { origin: origin.to_owned(), head: Head { size: number, root }, extensions })
    }

    pub fn origin(&self) -> &str {
        &self.origin
    }

    pub fn head(&self) -> Head {
        self.head
    }

    pub fn size(&self) -> u64 {
        self.head.size
    }

    pub fn root(&self) -> Hash {
        self.head.root
    }
}

/// The text that is signed.
impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, head: Head { size, root }, extensions } = self;
        writeln!(f, "{origin}\n{size}\n{root}")?;
        extensions.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    const ROOT: &str = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

    fn key(name: &str) -> SigningKey {
        SigningKey::from_seed(name.parse().unwrap(), &[7; 32])
    }

    /// The checkpoint that the specification shows.
    #[test]
    fn a_checkpoint_is_written_as_the_specification_shows() {
        let text = format!("example.com/behind-the-sofa\n20852163\n{ROOT}\n");
        let head = Head { size: 20_852_163, root: ROOT.parse().unwrap() };
        let checkpoint = Checkpoint::new(&"example.com/behind-the-sofa".parse().unwrap(), head);
        assert_eq!(checkpoint.to_string(), text);
        assert_eq!(Checkpoint::from_text(&text), Ok(checkpoint));
        let signed = format!(
            "{text}\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
        );
        assert_eq!(Checkpoint::unverified(signed.as_bytes()).unwrap().size(), 20_852_163);
        let extended = format!("{text}of somebody else\nand more\n");
        assert_eq!(Checkpoint::from_text(&extended).unwrap().to_string(), extended);
    }

    #[test]
    fn what_is_no_checkpoint_is_refused_with_line_and_reason() {
        let not_a_size = |size: &str| CheckpointReason::NotASize(size.to_owned());
        let cases = [
            ("", 1, CheckpointReason::UnfinishedLine),
            ("a\n1", 1, CheckpointReason::UnfinishedLine),
            ("\n", 1, CheckpointReason::NoOrigin),
            ("a\n", 2, not_a_size("")),
            ("a\n01\n", 2, not_a_size("01")),
            ("a\n+1\n", 2, not_a_size("+1")),
            ("a\n1 \n", 2, not_a_size("1 ")),
            ("a\n18446744073709551616\n", 2, not_a_size("18446744073709551616")),
            ("a\n0\n", 3, CheckpointReason::NotARoot(String::new())),
            ("a\n0\nAAAA\n", 3, CheckpointReason::NotARoot("AAAA".to_owned())),
        ];
        for (text, line, reason) in cases {
            assert_eq!(Checkpoint::from_text(text), Err(CheckpointError { line, reason }), "{text:?}");
        }
        let gap = format!("a\n0\n{ROOT}\nb\n\nc\n");
        assert_eq!(Checkpoint::from_text(&gap), Err(CheckpointError { line: 5, reason: CheckpointReason::EmptyExtension }));
    }

    #[test]
    fn a_key_vouches_for_its_own_log_only() {
        let head = Head { size: 0, root: Hash::of_nothing() };
        let checkpoint = Checkpoint::new(&"one.example".parse().unwrap(), head);
        let (one, two) = (key("one.example"), key("two.example"));
        let open = |signer: &SigningKey| {
            let note = Note::sign(checkpoint.to_string(), [signer]).to_string();
            Checkpoint::open(note.as_bytes(), &[one.verifying_key(), two.verifying_key()]).map(|opened| opened.checkpoint)
        };
        assert_eq!(open(&one), Ok(checkpoint.clone()));
        assert_eq!(open(&two), Err(OpenError::OtherOrigin { origin: "one.example".to_owned(), key: "two.example".parse().unwrap() }));
    }
}
