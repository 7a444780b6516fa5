//! The tree as it grows: what is left to remember of any number of leaves is one hash for each 1 in their number in binary.

use thiserror::Error;

use crate::Hash;

/// The right edge of a Merkle tree: all that the next root depends on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of complete subtrees, the largest first.
    peaks: Vec<Hash>,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrontierError {
    #[error("a frontier is its size and whole hashes, which {0} bytes are not")]
    Cut(usize),
    #[error("a frontier of {size} leaves has {} hashes, not {peaks}", size.count_ones())]
    Peaks { size: u64, peaks: usize },
}

impl Frontier {
    pub(crate) fn new(size: u64, peaks: Vec<Hash>) -> Result<Self, FrontierError> {
        if peaks.len() != size.count_ones() as usize {
            return Err(FrontierError::Peaks { size, peaks: peaks.len() });
        }
        Ok(Self { size, peaks })
    }

    pub fn size(&self) -> u64 {
        self.size
    }

    pub fn push(&mut self, leaf: Hash) {
        self.push_seeing(leaf, |_, _| ());
    }

    /// As [`push`](Self::push), showing each subtree that the leaf completes: its level (of the leaf itself: 0) and its root.
    pub fn push_seeing(&mut self, leaf: Hash, mut completed: impl FnMut(u32, Hash)) {
        completed(0, leaf);
        let mut hash = leaf;
        let completes = self.size.trailing_ones();
        let left = self.peaks.split_off(self.peaks.len().saturating_sub(completes as usize));
        for (level, left) in (1..=completes).zip(left.into_iter().rev()) {
            hash = Hash::of_node(left, hash);
            completed(level, hash);
        }
        self.peaks.push(hash);
        self.size += 1;
    }

    pub fn root(&self) -> Hash {
        let from_the_right = self.peaks.iter().rev().copied();
        from_the_right.reduce(|right, left| Hash::of_node(left, right)).unwrap_or_else(Hash::of_nothing)
    }

    /// The size, big-endian, and the hashes: a few hundred bytes at most.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.size.to_be_bytes().into_iter().chain(self.peaks.iter().flat_map(|peak| peak.0)).collect()
    }

    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrontierError> {
        let cut = || FrontierError::Cut(bytes.len());
        let (size, peaks) = bytes.split_first_chunk().ok_or_else(cut)?;
        Self::new(u64::from_be_bytes(*size), Hash::all_of(peaks).ok_or_else(cut)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HASH_BYTES, tree::naive};

    #[test]
    fn the_root_is_that_of_the_definition_at_every_size() {
        let leaves = naive::leaves(300);
        let mut frontier = Frontier::default();
        for size in 0..=300 {
            assert_eq!((frontier.size(), frontier.root()), (size as u64, naive::root(&leaves[..size])));
            if size < 300 {
                frontier.push(leaves[size]);
            }
        }
    }

    #[test]
    fn every_subtree_is_shown_once_when_it_is_complete() {
        let leaves = naive::leaves(300);
        let mut frontier = Frontier::default();
        let mut shown = [0; 10];
        for &leaf in &leaves {
            frontier.push_seeing(leaf, |level, hash| {
                let (width, index) = (1 << level, shown[level as usize]);
                assert_eq!(hash, naive::root(&leaves[index * width..(index + 1) * width]));
                shown[level as usize] += 1;
            });
        }
        assert_eq!(shown, [300, 150, 75, 37, 18, 9, 4, 2, 1, 0]);
    }

    #[test]
    fn a_restart_changes_nothing() {
        let leaves = naive::leaves(300);
        let mut frontier = Frontier::default();
        for &leaf in &leaves {
            let bytes = frontier.to_bytes();
            assert!(bytes.len() <= 8 + 9 * HASH_BYTES);
            let mut restarted = Frontier::from_bytes(&bytes).unwrap();
            frontier.push(leaf);
            restarted.push(leaf);
            assert_eq!(restarted, frontier);
        }
    }

    #[test]
    fn what_is_no_frontier_is_refused() {
        let mut frontier = Frontier::default();
        for leaf in naive::leaves(5) {
            frontier.push(leaf);
        }
        let bytes = frontier.to_bytes();
        for length in 0..bytes.len() {
            let expected = match length {
                8 => FrontierError::Peaks { size: 5, peaks: 0 },
                40 => FrontierError::Peaks { size: 5, peaks: 1 },
                _ => FrontierError::Cut(length),
            };
            assert_eq!(Frontier::from_bytes(&bytes[..length]), Err(expected));
        }
        let longer = [bytes, vec![0; HASH_BYTES]].concat();
        assert_eq!(Frontier::from_bytes(&longer), Err(FrontierError::Peaks { size: 5, peaks: 3 }));
    }
}
