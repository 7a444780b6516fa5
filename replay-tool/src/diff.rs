//! `replay-tool rebuild` and `diff`: read models made anew from events, and held against those that are read.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Result, bail};
use daftar_projections::{
    MODELS, Model,
    compare::{self, Compared, ComparedTable},
};
use daftar_store::{EventReader, Scope, StoredEvent};
use daftar_terminal::{Align, Display, Table};
use futures::TryStreamExt;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;

/// The differing rows, and the events that last touched them.
#[derive(Debug)]
pub struct Diff {
    pub compared: Vec<Compared>,
    events: BTreeMap<u64, StoredEvent>,
}

/// All models, or those that are named.
pub fn models(names: &[String]) -> Result<Vec<Model>> {
    if let Some(unknown) = names.iter().find(|name| !MODELS.iter().any(|model| model.name == **name)) {
        let known: Vec<_> = MODELS.iter().map(|model| model.name).collect();
        bail!("there is no read model `{unknown}`, only {}", known.join(", "));
    }
    Ok(MODELS.iter().filter(|model| names.is_empty() || names.iter().any(|name| *name == model.name)).copied().collect())
}

pub async fn rebuild(
    models: &[Model],
    store: &Arc<dyn EventReader>,
    database: &PgConnectOptions,
    memory: usize,
    display: &Display,
) -> Result<()> {
    compare::build(models, &**store, database, memory, &|events| say(display, events)).await?;
    display.end();
    Ok(())
}

pub async fn diff(
    models: &[Model],
    store: &Arc<dyn EventReader>,
    database: &PgConnectOptions,
    memory: usize,
    display: &Display,
) -> Result<Diff> {
    let compared = compare::compare(models, &**store, database, memory, &|events| say(display, events)).await?;
    display.end();
    let mut wanted: Vec<u64> = compared.iter().flat_map(|model| model.tables.iter().flat_map(shown)).filter_map(position).collect();
    wanted.sort_unstable();
    let mut events = BTreeMap::new();
    if let Some(last) = wanted.last() {
        let mut log = store.read_all(None, Scope::billing());
        while let Some(event) = log.try_next().await?
            && event.position.commit <= *last
        {
            if wanted.binary_search(&event.position.commit).is_ok() {
                events.insert(event.position.commit, event);
            }
        }
    }
    Ok(Diff { compared, events })
}

fn say(display: &Display, events: u64) {
    display.now_and_then(|| format!("{events} events, {:.0} a second", events as f64 / display.seconds().max(0.001)));
}

fn shown(table: &ComparedTable) -> impl Iterator<Item = &Value> {
    table.extra.1.iter().chain(&table.missing.1)
}

fn position(row: &Value) -> Option<u64> {
    row.get("position")?.as_u64()
}

impl Diff {
    pub fn is_empty(&self) -> bool {
        self.compared.iter().all(Compared::is_same)
    }

    pub fn to_text(&self) -> String {
        let right = |name| (name, Align::Right);
        let mut table =
            Table::new([("model", Align::Left), right("position"), right("tables"), right("rows"), right("extra"), right("missing")]);
        for model in &self.compared {
            let sum = |of: fn(&ComparedTable) -> u64| model.tables.iter().map(of).sum::<u64>().to_string();
            let at = model.position.map_or("-".to_owned(), |position| position.to_string());
            let (rows, extra, missing) = (sum(|table| table.rows), sum(|table| table.extra.0), sum(|table| table.missing.0));
            table.row([model.model.to_owned(), at, model.tables.len().to_string(), rows, extra, missing]);
        }
        let mut text = table.to_text();
        for model in &self.compared {
            for table in model.tables.iter().filter(|table| !table.is_same()) {
                let rows = [("is there, and no event makes it", &table.extra), ("is missing, and events make it", &table.missing)];
                for (what, (count, first)) in rows {
                    for row in first {
                        text += &format!("{}.{}: {what}: {row}\n{}", model.model, table.table, self.behind(row));
                    }
                    if *count > first.len() as u64 {
                        text += &format!("{}.{}: and {} more\n", model.model, table.table, count - first.len() as u64);
                    }
                }
            }
        }
        text + if self.is_empty() {
            "The read models are what the log makes of them.\n"
        } else {
            "The read models are not what the log makes of them.\n"
        }
    }

    fn behind(&self, row: &Value) -> String {
        match position(row).and_then(|position| self.events.get(&position)) {
            Some(event) => {
                format!("    event {} {} of `{}` at position {}\n", event.revision, event.event_type, event.stream, event.position)
            }
            None => "    no event is at its position\n".to_owned(),
        }
    }

    pub fn to_json(&self) -> Value {
        let row = |row: &Value| {
            let event = position(row).and_then(|position| self.events.get(&position));
            let event =
                event.map(|event| json!({ "stream": event.stream, "revision": event.revision, "type": event.event_type, "id": event.id }));
            json!({ "row": row, "event": event })
        };
        let side = |(count, first): &(u64, Vec<Value>)| json!({ "count": count, "first": first.iter().map(row).collect::<Vec<_>>() });
        let table = |table: &ComparedTable| json!({ "table": table.table, "rows": table.rows, "extra": side(&table.extra), "missing": side(&table.missing) });
        let models = self.compared.iter().map(|model| {
            json!({ "model": model.model, "position": model.position, "tables": model.tables.iter().map(table).collect::<Vec<_>>() })
        });
        json!({ "same": self.is_empty(), "models": models.collect::<Vec<_>>() })
    }
}
