//! Which event is wrong: the log's leaves, one after the other, beside those that the checkpoint vouches for.

use std::{collections::VecDeque, fmt};

use crate::{
    Hash,
    tiles::{AuthenticTiles, TileError, TileSource},
};

/// How far around a difference is looked to tell what was done.
const LOOK_AHEAD: usize = 256;

/// The first leaf that is not what it was when the checkpoint was signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    pub index: u64,
    pub kind: DifferenceKind,
}

/// What seems to have been done, judged by the leaves that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// The event is another, and those after it are where they were.
    Altered,
    /// So many events from here on are gone.
    Deleted { count: u64 },
    /// So many events from here on were not there.
    Inserted { count: u64 },
    /// The event and the one `distance` after it have changed places.
    Swapped { distance: u64 },
    /// The log ends here, so many events before the checkpoint.
    CutOff { count: u64 },
    /// Nothing that follows is as it was.
    Rewritten,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let index = self.index;
        match self.kind {
            DifferenceKind::Altered => write!(f, "leaf {index} was altered"),
            DifferenceKind::Deleted { count } => write!(f, "leaf {index} and {count} in all are gone"),
            DifferenceKind::Inserted { count } => write!(f, "leaf {index} and {count} in all were inserted"),
            DifferenceKind::Swapped { distance } => write!(f, "leaf {index} and leaf {} have changed places", index + distance),
            DifferenceKind::CutOff { count } => write!(f, "the log ends before leaf {index}: the last {count} are gone"),
            DifferenceKind::Rewritten => write!(f, "everything from leaf {index} on was rewritten"),
        }
    }
}

/// Takes the log's leaves in order and remembers the first difference and what comes right after it.
#[derive(Debug)]
pub struct LeafCheck<S> {
    tiles: AuthenticTiles<S>,
    seen: u64,
    /// From the first difference on.
    actual: VecDeque<Hash>,
    difference_at: Option<u64>,
}

impl<S: TileSource> LeafCheck<S> {
    pub fn new(tiles: AuthenticTiles<S>) -> Self {
        Self { tiles, seen: 0, actual: VecDeque::new(), difference_at: None }
    }

    /// Takes the next leaf. What comes after the checkpoint is not its business.
    pub fn push(&mut self, leaf: Hash) -> Result<(), TileError> {
        let index = self.seen;
        self.seen += 1;
        if self.difference_at.is_none() && index < self.tiles.head().size && self.tiles.leaf(index)? != leaf {
            self.difference_at = Some(index);
        }
        if self.difference_at.is_some() && self.actual.len() < LOOK_AHEAD {
            self.actual.push_back(leaf);
        }
        Ok(())
    }

    /// Whether enough was seen to say what [`finish`](Self::finish) will.
    pub fn is_decided(&self) -> bool {
        self.actual.len() == LOOK_AHEAD
    }

    /// The first difference, once the log has ended or enough was seen.
    pub fn finish(mut self) -> Result<Option<Difference>, TileError> {
        let size = self.tiles.head().size;
        let Some(index) = self.difference_at else {
            let missing = size.saturating_sub(self.seen);
            return Ok((missing > 0).then_some(Difference { index: self.seen, kind: DifferenceKind::CutOff { count: missing } }));
        };
        let until = size.min(index + LOOK_AHEAD as u64);
        let expected = (index..until).map(|index| self.tiles.leaf(index)).collect::<Result<Vec<_>, _>>()?;
        let actual = Vec::from(self.actual);
        Ok(Some(Difference { index, kind: judge(&expected, &actual) }))
    }
}

/// Both begin with the leaves that differ.
fn judge(expected: &[Hash], actual: &[Hash]) -> DifferenceKind {
    let follows_in = |leaves: &[Hash], hash: Hash| leaves.iter().skip(1).position(|leaf| *leaf == hash).map(|before| before + 1);
    match (follows_in(expected, actual[0]), follows_in(actual, expected[0])) {
        (Some(there), Some(here)) if there == here => DifferenceKind::Swapped { distance: there as u64 },
        (Some(gone), None) => DifferenceKind::Deleted { count: gone as u64 },
        (None, Some(new)) => DifferenceKind::Inserted { count: new as u64 },
        // Moved to another place: what stands here now came, or what stood here went, whichever is nearer.
        (Some(gone), Some(new)) if gone < new => DifferenceKind::Deleted { count: gone as u64 },
        (Some(_), Some(new)) => DifferenceKind::Inserted { count: new as u64 },
        (None, None) if expected.len() == 1 || expected.iter().zip(actual).skip(1).any(|(expected, actual)| expected == actual) => {
            DifferenceKind::Altered
        }
        (None, None) => DifferenceKind::Rewritten,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{TileWriter, tiles::TileMap, tree::naive::leaves};

    const SIZE: u64 = 600;

    fn tiles() -> AuthenticTiles<TileMap> {
        let (mut tiles, mut writer) = (TileMap::default(), TileWriter::default());
        leaves(SIZE).into_iter().for_each(|leaf| writer.push(leaf));
        writer.take_tiles().iter().for_each(|tile| tiles.write(tile));
        AuthenticTiles::open(tiles, writer.head()).unwrap()
    }

    fn check(log: &[Hash]) -> Option<Difference> {
        let mut check = LeafCheck::new(tiles());
        for &leaf in log {
            check.push(leaf).unwrap();
        }
        check.finish().unwrap()
    }

    fn found(index: u64, kind: DifferenceKind) -> Option<Difference> {
        Some(Difference { index, kind })
    }

    #[test]
    fn the_same_log_and_a_longer_one_show_no_difference() {
        assert_eq!(check(&leaves(SIZE)), None);
        assert_eq!(check(&leaves(SIZE + 300)), None);
    }

    #[test]
    fn the_very_leaf_is_named_wherever_it_is_and_whatever_was_done() {
        let other = Hash::of_leaf(b"other");
        for at in [0, 1, 255, 256, 257, 511, 512, 597] {
            let index = at as u64;
            let log = || leaves(SIZE + 10);

            let mut altered = log();
            altered[at] = other;
            assert_eq!(check(&altered), found(index, DifferenceKind::Altered));

            let mut deleted = log();
            deleted.remove(at);
            assert_eq!(check(&deleted), found(index, DifferenceKind::Deleted { count: 1 }));

            let mut inserted = log();
            inserted.insert(at, other);
            assert_eq!(check(&inserted), found(index, DifferenceKind::Inserted { count: 1 }));

            let mut swapped = log();
            swapped.swap(at, at + 2);
            assert_eq!(check(&swapped), found(index, DifferenceKind::Swapped { distance: 2 }));

            assert_eq!(check(&log()[..at]), found(index, DifferenceKind::CutOff { count: SIZE - index }));
        }
    }

    #[test]
    fn the_last_leaf_and_all_that_follows_a_leaf_are_told_from_one() {
        let other = |index: u64| Hash::of_leaf(&[b"other".as_slice(), &index.to_be_bytes()].concat());
        let mut last = leaves(SIZE);
        last[SIZE as usize - 1] = other(0);
        assert_eq!(check(&last), found(SIZE - 1, DifferenceKind::Altered));
        let rewritten: Vec<_> = leaves(SIZE)[..100].iter().copied().chain((100..SIZE).map(other)).collect();
        assert_eq!(check(&rewritten), found(100, DifferenceKind::Rewritten));
        let mut three = leaves(SIZE);
        three.drain(40..43);
        assert_eq!(check(&three), found(40, DifferenceKind::Deleted { count: 3 }));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn no_difference_before_the_first_is_named_and_none_is_missed(edits in proptest::collection::btree_set(0..SIZE as usize, 1..5)) {
            let mut log = leaves(SIZE);
            for &at in &edits {
                log[at] = Hash::of_leaf(b"other");
            }
            let first = *edits.first().unwrap() as u64;
            prop_assert_eq!(check(&log).map(|difference| difference.index), Some(first));
        }
    }
}
