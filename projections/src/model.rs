//! The read models as the machinery sees them, which knows none of them by name.

use daftar_domain::{BillingEvent, Recorded};

use crate::{
    Projector,
    rows::{Shape, Table},
};

/// A read model's name, tables and fold.
#[derive(Clone, Copy)]
pub struct Model {
    pub name: &'static str,
    pub version: i32,
    pub categories: &'static [&'static str],
    tables: &'static str,
    indexes: &'static str,
    empty: fn() -> Box<dyn Fold>,
}

/// A projector without its type.
pub(crate) trait Fold: Send + Sync {
    fn apply(&mut self, fact: &Recorded<BillingEvent>);
    fn tables(&mut self) -> Vec<&mut dyn Table>;
    fn refuses(&self) -> Option<&str>;
}

/// Which of a model's tables: those that are read, those that are being filled, those that were replaced, those that the first are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Live,
    Next,
    Old,
    Scratch,
}

impl Model {
    pub const fn of<P: Projector>() -> Self {
        Self {
            name: P::NAME,
            version: P::VERSION,
            categories: P::CATEGORIES,
            tables: P::TABLES,
            indexes: P::INDEXES,
            empty: || Box::new(Erased(P::default())),
        }
    }

    /// A fold that holds no rows.
    pub(crate) fn empty(&self) -> Box<dyn Fold> {
        (self.empty)()
    }

    /// The statements that make its tables, without keys and indexes.
    pub const fn tables(&self) -> &'static str {
        self.tables
    }

    /// The statements that are run once the tables are full.
    pub const fn indexes(&self) -> &'static str {
        self.indexes
    }

    /// Its tables as the fold believes them to be.
    pub fn shapes(&self) -> Vec<(&'static str, Shape)> {
        self.empty().tables().iter().map(|table| table.shape()).collect()
    }

    /// Whether the model reads the streams of this category.
    pub fn needs(&self, category: &str) -> bool {
        self.categories.contains(&category)
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} version {}", self.name, self.version)
    }
}

impl Place {
    /// What the tables' checkpoint is kept under. No model's name ends like the others.
    pub(crate) fn checkpoint(self, model: &Model) -> String {
        match self {
            Self::Live => model.name.to_owned(),
            Self::Next => format!("{}_next", model.name),
            Self::Old => format!("{}_old", model.name),
            Self::Scratch => format!("{}_scratch", model.name),
        }
    }

    /// Where the tables are.
    pub fn schema(self, model: &Model) -> String {
        format!("read_{}", self.checkpoint(model))
    }
}

struct Erased<P>(P);

impl<P: Projector> Fold for Erased<P> {
    fn apply(&mut self, fact: &Recorded<BillingEvent>) {
        self.0.apply(fact);
    }

    fn tables(&mut self) -> Vec<&mut dyn Table> {
        self.0.tables()
    }

    fn refuses(&self) -> Option<&str> {
        self.0.refuses()
    }
}
