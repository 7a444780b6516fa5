//! Proofs over the tree: that a leaf is in it (an audit path), and that a smaller tree is its beginning.
//!
//! A proof is made by walking from the root to the leaf and collecting what lies beside the way, and checked by walking the same way back. The
//! trees and the order of a proof's hashes are those of RFC 6962, section 2.1.

use thiserror::Error;

use crate::Hash;

/// Where the roots of complete subtrees come from.
pub trait Nodes {
    type Error;

    /// The root over the leaves from `index << level` to `(index + 1) << level`, all of which exist.
    fn node(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ProveError<E> {
    #[error("a tree of {size} leaves has no leaf {index}")]
    NoSuchLeaf { index: u64, size: u64 },
    #[error("a tree of {new} leaves does not contain one of {old}")]
    Shrunk { old: u64, new: u64 },
    #[error("the tree's hashes cannot be had")]
    Nodes(#[from] E),
}

/// Why a leaf is not proven to be in a tree.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InclusionError {
    #[error("a tree of {size} leaves has no leaf {index}")]
    NoSuchLeaf { index: u64, size: u64 },
    #[error("the path has {actual} hashes where {expected} belong")]
    Length { expected: usize, actual: usize },
    #[error("leaf and path lead to another root")]
    OtherRoot,
}

/// Why a tree is not proven to be the beginning of another.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConsistencyError {
    #[error("a tree of {new} leaves does not contain one of {old}")]
    Shrunk { old: u64, new: u64 },
    #[error("the proof has {actual} hashes where {expected} belong")]
    Length { expected: usize, actual: usize },
    #[error("the proof leads to another root of the smaller tree")]
    OtherOldRoot,
    #[error("the proof leads to another root of the larger tree")]
    OtherNewRoot,
}

/// A tree's size and root: what a checkpoint says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    pub size: u64,
    pub root: Hash,
}

pub fn root<N: Nodes>(nodes: &mut N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(Hash::of_nothing()) } else { Span { start: 0, length: size }.root(nodes) }
}

/// The audit path of the leaf, from its neighbour up.
pub fn prove_inclusion<N: Nodes>(nodes: &mut N, index: u64, size: u64) -> Result<Vec<Hash>, ProveError<N::Error>> {
    let way = way_to_leaf(index, size).ok_or(ProveError::NoSuchLeaf { index, size })?;
    way.iter().rev().map(|step| step.beside.root(nodes).map_err(ProveError::Nodes)).collect()
}

pub fn verify_inclusion(leaf: Hash, index: u64, path: &[Hash], head: Head) -> Result<(), InclusionError> {
    let way = way_to_leaf(index, head.size).ok_or(InclusionError::NoSuchLeaf { index, size: head.size })?;
    if path.len() != way.len() {
        return Err(InclusionError::Length { expected: way.len(), actual: path.len() });
    }
    let root = way.iter().rev().zip(path).fold(leaf, |hash, (step, &beside)| step.join(hash, beside));
    if root == head.root { Ok(()) } else { Err(InclusionError::OtherRoot) }
}

/// That the first `old` leaves of the tree of `new` leaves are the tree of `old` leaves.
pub fn prove_consistency<N: Nodes>(nodes: &mut N, old: u64, new: u64) -> Result<Vec<Hash>, ProveError<N::Error>> {
    let (way, end) = way_to_border(old, new).ok_or(ProveError::Shrunk { old, new })?;
    let end = end.filter(|end| end.start > 0);
    end.into_iter().chain(way.iter().rev().map(|step| step.beside)).map(|span| span.root(nodes).map_err(ProveError::Nodes)).collect()
}

pub fn verify_consistency(old: Head, new: Head, proof: &[Hash]) -> Result<(), ConsistencyError> {
    let (way, end) = way_to_border(old.size, new.size).ok_or(ConsistencyError::Shrunk { old: old.size, new: new.size })?;
    // Where the smaller tree is itself a subtree of the larger, its root stands for the proof's first hash.
    let is_given = end.is_some_and(|end| end.start > 0);
    let expected = way.len() + usize::from(is_given);
    if proof.len() != expected {
        return Err(ConsistencyError::Length { expected, actual: proof.len() });
    }
    let (first, beside) = match proof.split_first() {
        Some((&given, rest)) if is_given => (given, rest),
        Some(_) | None => (old.root, proof),
    };
    let (mut old_root, mut new_root) = (first, first);
    for (step, &beside) in way.iter().rev().zip(beside) {
        new_root = step.join(new_root, beside);
        if step.turn == Turn::Right {
            old_root = step.join(old_root, beside);
        }
    }
    if end.is_none() {
        // The empty tree is the beginning of every tree, and there is nothing to show.
        (old_root, new_root) = (Hash::of_nothing(), new.root);
    }
    if old_root != old.root {
        return Err(ConsistencyError::OtherOldRoot);
    }
    if new_root != new.root {
        return Err(ConsistencyError::OtherNewRoot);
    }
    Ok(())
}

/// Consecutive leaves that have a node above them.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u64,
    length: u64,
}

impl Span {
    /// The left half is the largest complete subtree that leaves something for the right.
    fn halves(self) -> Option<(Self, Self)> {
        let left = 1 << (self.length.checked_sub(1)?.checked_ilog2()?);
        Some((Self { length: left, ..self }, Self { start: self.start + left, length: self.length - left }))
    }

    fn root<N: Nodes>(self, nodes: &mut N) -> Result<Hash, N::Error> {
        match self.halves() {
            Some((left, right)) if !self.length.is_power_of_two() => Ok(Hash::of_node(left.root(nodes)?, right.root(nodes)?)),
            Some(_) | None => {
                let level = self.length.trailing_zeros();
                nodes.node(level, self.start >> level)
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Left,
    Right,
}

/// One step from a node down to one half, past the other.
#[derive(Clone, Copy, Debug)]
struct Step {
    turn: Turn,
    beside: Span,
}

impl Step {
    fn join(self, hash: Hash, beside: Hash) -> Hash {
        match self.turn {
            Turn::Left => Hash::of_node(hash, beside),
            Turn::Right => Hash::of_node(beside, hash),
        }
    }
}

fn way_to_leaf(index: u64, size: u64) -> Option<Vec<Step>> {
    (index < size).then(|| way(size, |span| span.length == 1, index).0)
}

/// The way to the subtree that the first `old` leaves end with, and that subtree. There is none if there are no leaves.
fn way_to_border(old: u64, new: u64) -> Option<(Vec<Step>, Option<Span>)> {
    if old > new {
        return None;
    }
    let Some(last) = old.checked_sub(1) else {
        return Some((Vec::new(), None));
    };
    let (way, end) = way(new, |span| span.start + span.length == old, last);
    Some((way, Some(end)))
}

fn way(size: u64, is_end: impl Fn(Span) -> bool, towards: u64) -> (Vec<Step>, Span) {
    let mut steps = Vec::new();
    let mut span = Span { start: 0, length: size };
    while !is_end(span)
        && let Some((left, right)) = span.halves()
    {
        let (turn, to, beside) = if towards < right.start { (Turn::Left, left, right) } else { (Turn::Right, right, left) };
        steps.push(Step { turn, beside });
        span = to;
    }
    (steps, span)
}

/// RFC 6962, section 2.1, word for word: slow and plain.
#[cfg(test)]
pub(crate) mod naive {
    use std::convert::Infallible;

    use super::*;

    pub(crate) fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|index| Hash::of_leaf(&index.to_be_bytes())).collect()
    }

    fn split(size: usize) -> usize {
        let mut k = 1;
        while 2 * k < size {
            k *= 2;
        }
        k
    }

    pub(crate) fn root(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => Hash::of_nothing(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len()));
                Hash::of_node(root(left), root(right))
            }
        }
    }

    pub(crate) fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if leaves.len() <= 1 {
            return Vec::new();
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        if m < k { [path(m, left), vec![root(right)]].concat() } else { [path(m - k, right), vec![root(left)]].concat() }
    }

    pub(crate) fn proof(m: usize, leaves: &[Hash]) -> Vec<Hash> {
        if m == 0 { Vec::new() } else { subproof(m, leaves, true) }
    }

    fn subproof(m: usize, leaves: &[Hash], is_known: bool) -> Vec<Hash> {
        if m == leaves.len() {
            return if is_known { Vec::new() } else { vec![root(leaves)] };
        }
        let k = split(leaves.len());
        let (left, right) = leaves.split_at(k);
        if m <= k {
            [subproof(m, left, is_known), vec![root(right)]].concat()
        } else {
            [subproof(m - k, right, false), vec![root(left)]].concat()
        }
    }

    pub(crate) struct Leaves<'a>(pub(crate) &'a [Hash]);

    impl Nodes for Leaves<'_> {
        type Error = Infallible;

        fn node(&mut self, level: u32, index: u64) -> Result<Hash, Infallible> {
            let (start, length) = ((index << level) as usize, 1 << level);
            Ok(root(&self.0[start..start + length]))
        }
    }

    /// Every complete subtree's root, kept: as plain, and quick.
    pub(crate) struct Remembered(Vec<Vec<Hash>>);

    impl Remembered {
        pub(crate) fn of(leaves: &[Hash]) -> Self {
            let mut levels = vec![leaves.to_vec()];
            while let Some(row) = levels.last().filter(|row| row.len() > 1) {
                levels.push(row.as_chunks().0.iter().map(|[left, right]| Hash::of_node(*left, *right)).collect());
            }
            Self(levels)
        }
    }

    impl Nodes for Remembered {
        type Error = Infallible;

        fn node(&mut self, level: u32, index: u64) -> Result<Hash, Infallible> {
            Ok(self.0[level as usize][index as usize])
        }
    }
}

#[cfg(test)]
mod tests;
