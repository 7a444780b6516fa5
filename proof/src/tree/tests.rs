use proptest::prelude::*;

use super::{
    naive::{Leaves, Remembered, leaves, path, proof},
    *,
};

fn head(leaves: &[Hash]) -> Head {
    Head { size: leaves.len() as u64, root: naive::root(leaves) }
}

#[test]
fn proofs_are_those_of_the_definition_for_all_sizes_to_100() {
    let leaves = leaves(100);
    for size in 0..=100 {
        let tree = &leaves[..size];
        let nodes = &mut Leaves(tree);
        assert_eq!(root(nodes, size as u64), Ok(naive::root(tree)));
        for m in 0..size {
            assert_eq!(prove_inclusion(nodes, m as u64, size as u64), Ok(path(m, tree)), "leaf {m} of {size}");
        }
        for m in 0..=size {
            assert_eq!(prove_consistency(nodes, m as u64, size as u64), Ok(proof(m, tree)), "{m} in {size}");
        }
    }
}

#[test]
fn every_leaf_and_every_beginning_is_proven_for_all_sizes_to_300() {
    let leaves = leaves(300);
    let heads: Vec<_> = (0..=300).map(|size| head(&leaves[..size])).collect();
    let mut memory = Remembered::of(&leaves);
    for new in &heads {
        for (index, leaf) in (0..new.size).zip(&leaves) {
            let path = prove_inclusion(&mut memory, index, new.size).unwrap();
            assert_eq!(verify_inclusion(*leaf, index, &path, *new), Ok(()), "leaf {index} of {}", new.size);
        }
        for old in &heads[..=new.size as usize] {
            let proof = prove_consistency(&mut memory, old.size, new.size).unwrap();
            assert_eq!(verify_consistency(*old, *new, &proof), Ok(()), "{} in {}", old.size, new.size);
        }
    }
}

#[test]
fn a_leaf_is_proven_at_its_own_index_only() {
    let leaves = leaves(40);
    for size in 1..=40 {
        let tree = &leaves[..size];
        for (index, leaf) in tree.iter().enumerate() {
            let path = path(index, tree);
            for other in (0..size).filter(|other| *other != index) {
                assert!(verify_inclusion(*leaf, other as u64, &path, head(tree)).is_err(), "{index} as {other} of {size}");
            }
        }
    }
}

#[test]
fn what_cannot_be_is_neither_proven_nor_believed() {
    let leaves = leaves(5);
    let nodes = &mut Leaves(&leaves);
    let (five, three) = (head(&leaves), head(&leaves[..3]));
    assert_eq!(prove_inclusion(nodes, 5, 5), Err(ProveError::NoSuchLeaf { index: 5, size: 5 }));
    assert_eq!(prove_inclusion(nodes, 0, 0), Err(ProveError::NoSuchLeaf { index: 0, size: 0 }));
    assert_eq!(verify_inclusion(leaves[0], 5, &[], five), Err(InclusionError::NoSuchLeaf { index: 5, size: 5 }));
    assert_eq!(prove_consistency(nodes, 5, 3), Err(ProveError::Shrunk { old: 5, new: 3 }));
    assert_eq!(verify_consistency(five, three, &[]), Err(ConsistencyError::Shrunk { old: 5, new: 3 }));
}

#[test]
fn every_altered_proof_is_refused() {
    let leaves = leaves(13);
    let (old, new) = (head(&leaves[..6]), head(&leaves));
    let wrong = Hash::of_leaf(b"wrong");

    let path = path(4, &leaves);
    for place in 0..path.len() {
        let mut path = path.clone();
        path[place] = wrong;
        assert_eq!(verify_inclusion(leaves[4], 4, &path, new), Err(InclusionError::OtherRoot));
    }
    assert_eq!(verify_inclusion(wrong, 4, &path, new), Err(InclusionError::OtherRoot));
    assert_eq!(verify_inclusion(leaves[4], 4, &path[1..], new), Err(InclusionError::Length { expected: 4, actual: 3 }));
    let longer = [path, vec![wrong]].concat();
    assert_eq!(verify_inclusion(leaves[4], 4, &longer, new), Err(InclusionError::Length { expected: 4, actual: 5 }));

    let proof = proof(6, &leaves);
    for place in 0..proof.len() {
        let mut proof = proof.clone();
        proof[place] = wrong;
        assert!(verify_consistency(old, new, &proof).is_err());
    }
    assert_eq!(verify_consistency(Head { root: wrong, ..old }, new, &proof), Err(ConsistencyError::OtherOldRoot));
    assert_eq!(verify_consistency(old, Head { root: wrong, ..new }, &proof), Err(ConsistencyError::OtherNewRoot));
    let shorter = &proof[..proof.len() - 1];
    let length = ConsistencyError::Length { expected: proof.len(), actual: shorter.len() };
    assert_eq!(verify_consistency(old, new, shorter), Err(length));
}

#[test]
fn the_empty_tree_begins_every_tree_and_a_tree_itself() {
    let leaves = leaves(5);
    let (empty, five) = (head(&[]), head(&leaves));
    assert_eq!(verify_consistency(empty, five, &[]), Ok(()));
    assert_eq!(verify_consistency(empty, empty, &[]), Ok(()));
    assert_eq!(verify_consistency(five, five, &[]), Ok(()));
    let wrong = Hash::of_leaf(b"wrong");
    assert_eq!(verify_consistency(Head { root: wrong, ..empty }, five, &[]), Err(ConsistencyError::OtherOldRoot));
    assert_eq!(verify_consistency(five, Head { root: wrong, ..five }, &[]), Err(ConsistencyError::OtherNewRoot));
}

/// Sizes of no particular form, and around powers of two, where the tree changes its form.
fn size() -> impl Strategy<Value = u64> {
    prop_oneof![1..5000u64, (0..12u32, 0..3u64).prop_map(|(power, add)| (1 << power) + add)]
}

proptest! {
    #[test]
    fn proofs_hold_at_random_sizes(new in size(), leaf in any::<prop::sample::Index>(), old in any::<prop::sample::Index>()) {
        let leaves = leaves(new);
        let nodes = &mut Remembered::of(&leaves);
        let (index, old) = (leaf.index(leaves.len()), old.index(leaves.len() + 1));
        let (old, new) = (head(&leaves[..old]), head(&leaves));
        let path = prove_inclusion(nodes, index as u64, new.size).unwrap();
        prop_assert_eq!(&path, &naive::path(index, &leaves));
        prop_assert_eq!(verify_inclusion(leaves[index], index as u64, &path, new), Ok(()));
        let proof = prove_consistency(nodes, old.size, new.size).unwrap();
        prop_assert_eq!(verify_consistency(old, new, &proof), Ok(()));
    }

    #[test]
    fn no_other_history_is_consistent(new in 2..400u64, cut in any::<prop::sample::Index>(), altered in any::<prop::sample::Index>()) {
        let leaves = leaves(new);
        let old = 1 + cut.index(leaves.len() - 1);
        let mut other = leaves.clone();
        other[altered.index(old)] = Hash::of_leaf(b"rewritten");
        let proof = prove_consistency(&mut Remembered::of(&other), old as u64, new).unwrap();
        prop_assert!(verify_consistency(head(&leaves[..old]), head(&other), &proof).is_err());
    }
}
