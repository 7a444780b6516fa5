//! What hangs on what: a tree that people read, and the same as JSON.

use daftar_domain::{BillingEvent, Recorded};
use serde::Serialize;
use uuid::Uuid;

#[derive(Clone, Debug, Default, Serialize)]
pub struct Node {
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<EventRef>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Node>,
}

#[derive(Clone, Debug, Serialize)]
pub struct EventRef {
    pub id: Uuid,
    #[serde(rename = "type")]
    pub event_type: &'static str,
    pub stream: String,
    pub revision: u64,
    pub position: String,
    pub recorded_at: String,
    pub actor: String,
}

impl EventRef {
    pub fn of(fact: &Recorded<BillingEvent>) -> Self {
        Self {
            id: fact.id,
            event_type: fact.event.event_type(),
            stream: fact.stream.to_string(),
            revision: fact.revision,
            position: fact.position.to_string(),
            recorded_at: fact.metadata.recorded_at.to_rfc3339(),
            actor: fact.metadata.actor.to_string(),
        }
    }
}

impl Node {
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub fn of(fact: &Recorded<BillingEvent>, text: impl Into<String>) -> Self {
        Self { event: Some(EventRef::of(fact)), ..Self::new(text) }
    }

    pub fn with(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.children.extend(children);
        self
    }

    pub fn to_text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, "", "");
        text
    }

    fn write(&self, text: &mut String, first: &str, rest: &str) {
        *text += &format!("{first}{}", self.text);
        if let Some(event) = &self.event {
            *text += &format!("  [{} {} {} at {}, {}]", event.event_type, event.stream, event.revision, event.position, event.actor);
        }
        *text += "\n";
        for (index, child) in self.children.iter().enumerate() {
            let last = index + 1 == self.children.len();
            let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            child.write(text, &format!("{rest}{branch}"), &format!("{rest}{below}"));
        }
    }
}
