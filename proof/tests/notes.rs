//! The crate `signed_note` reads what we sign and signs what we read.

use daftar_proof::{Checkpoint, Frontier, Guard, Hash, Head, LogKeys, Note, OpenError, SigningKey, VerifyError, VerifyingKey};
use proptest::prelude::*;
use signed_note::{Signature, StandardSigner, StandardVerifier, VerifierList};

fn key(seed: [u8; 32]) -> SigningKey {
    SigningKey::from_seed("daftar.example/books".parse().unwrap(), &seed)
}

fn head(leaves: u64) -> Head {
    let mut tree = Frontier::default();
    (0..leaves).for_each(|leaf| tree.push(Hash::of_leaf(&leaf.to_be_bytes())));
    Head { size: leaves, root: tree.root() }
}

fn sign(head: Head, keys: Vec<SigningKey>) -> Note {
    Guard::new(None).admit(head, &[]).unwrap().sign(&LogKeys::new(keys).unwrap())
}

fn their_verifiers(keys: &[VerifyingKey]) -> VerifierList {
    VerifierList::new(keys.iter().map(|key| Box::new(StandardVerifier::new(&key.to_string()).unwrap()) as _).collect())
}

fn ids(signatures: &[Signature]) -> Vec<u32> {
    signatures.iter().map(Signature::id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn they_verify_and_read_our_checkpoints(old: [u8; 32], new: [u8; 32], size in 0..500u64) {
        let public = [key(old).verifying_key(), key(new).verifying_key()];
        let bytes = sign(head(size), vec![key(old), key(new)]).to_string().into_bytes();
        let theirs = signed_note::Note::from_bytes(&bytes).unwrap();
        prop_assert_eq!(theirs.to_bytes(), bytes);
        let (verified, unverified) = theirs.verify(&their_verifiers(&public[..1])).unwrap();
        prop_assert_eq!((ids(&verified), ids(&unverified)), (vec![public[0].id()], vec![public[1].id()]));

        let checkpoint = tlog_tiles::Checkpoint::from_bytes(theirs.text()).unwrap();
        prop_assert_eq!((checkpoint.origin(), checkpoint.size()), ("daftar.example/books", size));
        prop_assert_eq!(checkpoint.hash().0, head(size).root.0);
        prop_assert_eq!(checkpoint.extension(), "");
    }

    #[test]
    fn we_verify_and_read_their_checkpoints(seed: [u8; 32], size: u64, root: [u8; 32], extension in "([a-z ]{1,20}\n){0,3}") {
        let signer = StandardSigner::new(&key(seed).to_secret_text()).unwrap();
        let text = tlog_tiles::Checkpoint::new("daftar.example/books", size, tlog_tiles::Hash(root), &extension).unwrap().to_bytes();
        let mut theirs = signed_note::Note::new(&text, &[]).unwrap();
        theirs.add_sigs(&[&signer]).unwrap();
        let trusted = [key(seed).verifying_key()];
        let theirs = theirs.to_bytes();
        let opened = Checkpoint::open(&theirs, &trusted).unwrap();
        prop_assert_eq!(opened.checkpoint.head(), Head { size, root: Hash(root) });
        prop_assert_eq!(opened.checkpoint.to_string().into_bytes(), text);

        let stranger = [key([0; 32]).verifying_key()];
        let error = Checkpoint::open(&theirs, &stranger).unwrap_err();
        let is_unknown = matches!(error, OpenError::Signature(VerifyError::NobodyTrusted { .. }));
        prop_assert!(is_unknown);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Both must refuse what one refuses: an auditor's other tool should not see more or less than ours.
    #[test]
    fn we_agree_on_altered_notes(place: prop::sample::Index, to: u8) {
        let mut bytes = sign(head(7), vec![key([1; 32])]).to_string().into_bytes();
        let place = place.index(bytes.len());
        bytes[place] = to;
        let trusted = [key([1; 32]).verifying_key()];
        let theirs = signed_note::Note::from_bytes(&bytes).and_then(|note| note.verify(&their_verifiers(&trusted)).map(drop));
        let ours = Note::parse(&bytes).is_ok_and(|note| note.verify(&trusted).is_ok());
        prop_assert_eq!(ours, theirs.is_ok());
    }
}
