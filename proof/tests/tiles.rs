//! The crate `tlog_tiles` reads our tiles under our checkpoint, and agrees with our proofs.

use std::io;

use daftar_proof::{
    AuthenticTiles, Hash, Head, Tile, TileMap, TileSource, TileWriter, prove_consistency, prove_inclusion, verify_consistency,
    verify_inclusion,
};
use proptest::{prelude::*, sample::Index};
use tlog_tiles::{HashReader, TileHashReader, TileReader};

fn record(index: u64) -> [u8; 8] {
    index.to_be_bytes()
}

fn tree(size: u64) -> (TileMap, Head) {
    let (mut tiles, mut writer) = (TileMap::default(), TileWriter::default());
    (0..size).for_each(|index| writer.push(Hash::of_leaf(&record(index))));
    writer.take_tiles().iter().for_each(|tile| tiles.write(tile));
    (tiles, writer.head())
}

/// Our tiles for their reader: found by the paths that they ask for.
struct ForThem(TileMap);

impl TileReader for ForThem {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[tlog_tiles::Tile]) -> Result<Vec<Vec<u8>>, tlog_tiles::Error> {
        let read = |tile: &tlog_tiles::Tile| {
            let ours: Tile = c2sp_path(tile).parse().ok()?;
            self.0.read(ours).ok()?
        };
        tiles.iter().map(|tile| read(tile).ok_or(tlog_tiles::Error::InvalidTile)).collect()
    }

    fn save_tiles(&self, _: &[tlog_tiles::Tile], _: &[Vec<u8>]) {}
}

/// Their paths still name the height, as those of Go's checksum database do.
fn c2sp_path(tile: &tlog_tiles::Tile) -> String {
    tile.path().replacen("tile/8/", "tile/", 1)
}

/// Their tree for our reader: each tile computed from their hashes when it is asked for.
struct ForUs {
    hashes: Vec<tlog_tiles::Hash>,
}

impl ForUs {
    fn new(size: u64) -> Self {
        let mut hashes = Vec::new();
        for index in 0..size {
            let more = tlog_tiles::stored_hashes(index, &record(index), &Stored(&hashes)).unwrap();
            hashes.extend(more);
        }
        Self { hashes }
    }

    fn head(&self, size: u64) -> Head {
        Head { size, root: Hash(tlog_tiles::tree_hash(size, &Stored(&self.hashes)).unwrap().0) }
    }
}

impl TileSource for &ForUs {
    fn read(&self, tile: Tile) -> io::Result<Option<Vec<u8>>> {
        let theirs = tlog_tiles::Tile::new(8, tile.level(), tile.index(), tile.width() as u32, false);
        Ok(theirs.read_data(&Stored(&self.hashes)).ok())
    }
}

struct Stored<'a>(&'a [tlog_tiles::Hash]);

impl HashReader for Stored<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<tlog_tiles::Hash>, tlog_tiles::Error> {
        indexes.iter().map(|index| self.0.get(*index as usize).copied().ok_or(tlog_tiles::Error::IndexesNotInTree)).collect()
    }
}

fn ours(hashes: &[tlog_tiles::Hash]) -> Vec<Hash> {
    hashes.iter().map(|hash| Hash(hash.0)).collect()
}

fn theirs(hashes: &[Hash]) -> Vec<tlog_tiles::Hash> {
    hashes.iter().map(|hash| tlog_tiles::Hash(hash.0)).collect()
}

/// Of no particular form, and around the sizes at which tiles fill.
fn size() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 1..3000u64, 4 => (1..10u64, 0..3u64).prop_map(|(tiles, add)| 256 * tiles - 1 + add), 1 => 65_530..65_540u64]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn they_read_our_tiles_and_check_our_proofs(new in size(), leaf: Index, old: Index) {
        let (tiles, head) = tree(new);
        let (leaf, old) = (leaf.index(new as usize) as u64, 1 + old.index(new as usize) as u64);
        let reader = ForThem(tiles.clone());
        let their_view = TileHashReader::new(new, tlog_tiles::Hash(head.root.0), &reader);
        let their_root = tlog_tiles::tree_hash(new, &their_view).unwrap();
        prop_assert_eq!(their_root.0, head.root.0);
        let leaf_hash = tlog_tiles::record_hash(&record(leaf));

        let mut our_view = AuthenticTiles::open(&tiles, head).unwrap();
        let path = prove_inclusion(&mut our_view, leaf, new).unwrap();
        prop_assert_eq!(ours(&tlog_tiles::prove_record(new, leaf, &their_view).unwrap()), path.clone());
        prop_assert!(tlog_tiles::check_record(&theirs(&path), new, their_root, leaf, leaf_hash).is_ok());

        let (_, old_head) = tree(old);
        let proof = prove_consistency(&mut our_view, old, new).unwrap();
        prop_assert_eq!(ours(&tlog_tiles::prove_tree(new, old, &their_view).unwrap()), proof.clone());
        prop_assert!(tlog_tiles::check_tree(&theirs(&proof), new, their_root, old, tlog_tiles::Hash(old_head.root.0)).is_ok());
    }

    #[test]
    fn we_read_their_tiles_and_check_their_proofs(new in 1..3000u64, leaf: Index, old: Index) {
        let their_tree = ForUs::new(new);
        let (leaf, old) = (leaf.index(new as usize) as u64, 1 + old.index(new as usize) as u64);
        let (old, new) = (their_tree.head(old), their_tree.head(new));
        prop_assert_eq!(new, tree(new.size).1);
        let mut tiles = AuthenticTiles::open(&their_tree, new).unwrap();
        prop_assert_eq!(tiles.leaf(leaf).unwrap(), Hash::of_leaf(&record(leaf)));
        let path = tlog_tiles::prove_record(new.size, leaf, &Stored(&their_tree.hashes)).unwrap();
        prop_assert_eq!(verify_inclusion(Hash::of_leaf(&record(leaf)), leaf, &ours(&path), new), Ok(()));
        let proof = tlog_tiles::prove_tree(new.size, old.size, &Stored(&their_tree.hashes)).unwrap();
        prop_assert_eq!(verify_consistency(old, new, &ours(&proof)), Ok(()));
    }

    #[test]
    fn we_agree_on_which_tiles_there_are(size in 1..10_000_000u64) {
        let mut edge: Vec<_> = Tile::edge(size).map(|tile| tile.to_string()).collect();
        let mut their_edge: Vec<_> = tlog_tiles::Tile::new_tiles(8, 0, size).iter().filter(|tile| tile.width() < 256).map(c2sp_path).collect();
        edge.sort();
        their_edge.sort();
        prop_assert_eq!(edge, their_edge);
    }

    /// At 257 leaves: at most other sizes theirs takes some full tiles on trust, and only its proofs fail.
    #[test]
    fn they_find_an_altered_tile_as_we_do(at: Index, byte: Index) {
        let (mut tiles, head) = tree(257);
        let tile = *tiles.0.keys().nth(at.index(tiles.0.len())).unwrap();
        let bytes = tiles.0.get_mut(&tile).unwrap();
        let place = byte.index(bytes.len());
        bytes[place] ^= 1;
        let reader = ForThem(tiles.clone());
        let theirs = tlog_tiles::prove_record(257, 0, &TileHashReader::new(257, tlog_tiles::Hash(head.root.0), &reader));
        let ours = AuthenticTiles::open(&tiles, head).and_then(|mut tiles| tiles.leaf(0));
        prop_assert_eq!((theirs.is_err(), ours.is_err()), (true, true));
    }
}
