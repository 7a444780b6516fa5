//! Which node to talk to: the one named, or the one gossip points at.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use rand::seq::SliceRandom;
use tokio::time::timeout;
use tonic::transport::Channel;
use tracing::{debug, info};

use crate::connection::Connector;
use crate::error::{Context, Error};
use crate::headers::Headers;
use crate::settings::{Endpoint, NodePreference, Settings};
use crate::wire::gossip::gossip_client::GossipClient;
use crate::wire::gossip::{ClusterInfo, MemberInfo};
use crate::wire::{self, Empty};

pub use crate::wire::gossip::member_info::VNodeState as NodeState;

/// One node of a cluster as another (or itself) sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub endpoint: Endpoint,
    pub state: NodeState,
    pub is_alive: bool,
}

/// The node calls go to at present.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub endpoint: Endpoint,
    pub channel: Channel,
    /// Tells this choice of node from earlier ones of the same address.
    pub choice: u64,
}

/// Chooses a node, keeps to it while it serves, and chooses again when it does not.
pub(crate) struct Nodes {
    settings: Arc<Settings>,
    connector: Connector,
    choices: AtomicU64,
    state: Mutex<State>,
    /// Held while choosing, so that a thousand callers who lost a node ask once who replaces it.
    choosing: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    current: Option<Node>,
    /// Members heard of; asked too when the nodes named in the settings are gone.
    known: Vec<Endpoint>,
}

impl Nodes {
    pub(crate) fn new(settings: Arc<Settings>, connector: Connector) -> Self {
        Nodes { settings, connector, choices: AtomicU64::new(0), state: Mutex::default(), choosing: tokio::sync::Mutex::default() }
    }

    pub(crate) async fn current(&self, headers: &Headers) -> Result<Node, Error> {
        if let Some(node) = self.chosen() {
            return Ok(node);
        }
        let _choosing = self.choosing.lock().await;
        if let Some(node) = self.chosen() {
            return Ok(node);
        }
        let node = match (self.settings.discover, self.settings.hosts.first()) {
            (true, _) => self.discover(headers).await?,
            (false, Some(host)) => self.node(host.clone(), self.connector.channel(host)?),
            (false, None) => return Err(Error::invalid("the settings name no host")),
        };
        self.state().current = Some(node.clone());
        Ok(node)
    }

    /// Learns from a failed call. A node that was named alone is kept: its channel reconnects by itself.
    pub(crate) fn failed(&self, node: &Node, error: &Error) {
        let gone = matches!(error, Error::NotLeader { .. } | Error::Unavailable { .. } | Error::DeadlineExceeded);
        if !self.settings.discover || !gone {
            return;
        }
        let replacement = match error {
            Error::NotLeader { leader: Some(leader) } => {
                self.connector.channel(leader).ok().map(|channel| self.node(leader.clone(), channel))
            }
            _ => None,
        };
        let mut state = self.state();
        // Another caller may have moved on already.
        if state.current.as_ref().is_some_and(|current| current.choice == node.choice) {
            info!(node = %node.endpoint, %error, next = ?replacement.as_ref().map(|node| &node.endpoint), "leaving node");
            state.current = replacement;
        }
    }

    async fn discover(&self, headers: &Headers) -> Result<Node, Error> {
        let preference = self.settings.node_preference;
        let mut asked: FuturesUnordered<_> = self.candidates().into_iter().map(|seed| self.ask(seed, headers)).collect();
        let mut failure = None;
        while let Some((seed, answer)) = asked.next().await {
            let (channel, members) = match answer {
                Ok(answer) => answer,
                Err(error) => {
                    debug!(%seed, %error, "no gossip");
                    failure = Some(Box::new(error));
                    continue;
                }
            };
            let Some(chosen) = choose(&members, preference) else {
                debug!(%seed, ?members, "gossip names no suitable node");
                continue;
            };
            info!(node = %chosen, %preference, "chose node");
            self.state().known = members.into_iter().map(|member| member.endpoint).collect();
            let channel = if chosen == seed { channel } else { self.connector.channel(&chosen)? };
            return Ok(self.node(chosen, channel));
        }
        Err(Error::NoSuitableNode { preference, source: failure })
    }

    fn candidates(&self) -> Vec<Endpoint> {
        let mut candidates = self.settings.hosts.clone();
        for known in &self.state().known {
            if !candidates.contains(known) {
                candidates.push(known.clone());
            }
        }
        candidates
    }

    async fn ask(&self, seed: Endpoint, headers: &Headers) -> (Endpoint, Result<(Channel, Vec<Member>), Error>) {
        let answer = async {
            let channel = self.connector.channel(&seed)?;
            let asked = timeout(self.settings.gossip_timeout, gossip(channel.clone(), headers));
            Ok((channel, asked.await.map_err(|_| Error::DeadlineExceeded)??))
        };
        let answer = answer.await;
        (seed, answer)
    }

    fn node(&self, endpoint: Endpoint, channel: Channel) -> Node {
        Node { endpoint, channel, choice: self.choices.fetch_add(1, Ordering::Relaxed) }
    }

    fn chosen(&self) -> Option<Node> {
        self.state().current.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks one node for the members it knows.
pub(crate) async fn gossip(channel: Channel, headers: &Headers) -> Result<Vec<Member>, Error> {
    let answer = GossipClient::new(channel).read(headers.request(Empty {}, None)).await;
    let ClusterInfo { members } = answer.map_err(|status| Context::NONE.error(status))?.into_inner();
    Ok(members.into_iter().filter_map(member).collect())
}

/// A member without an address cannot be talked to.
fn member(info: MemberInfo) -> Option<Member> {
    let state = info.state();
    let wire::gossip::EndPoint { address, port } = info.http_end_point?;
    let endpoint = Endpoint::new(address.trim_matches(['[', ']']), u16::try_from(port).ok()?);
    (!endpoint.host.is_empty()).then_some(Member { endpoint, state, is_alive: info.is_alive })
}

fn choose(members: &[Member], preference: NodePreference) -> Option<Endpoint> {
    use NodeState::{Follower, Leader, ReadOnlyLeaderless, ReadOnlyReplica};
    let ranks: &[&[NodeState]] = match preference {
        // Nothing stands in for the leader: any other node would refuse the call.
        NodePreference::Leader => &[&[Leader]],
        NodePreference::Follower => &[&[Follower], &[ReadOnlyReplica], &[Leader]],
        NodePreference::Random => &[&[Leader, Follower, ReadOnlyReplica]],
        NodePreference::ReadOnlyReplica => &[&[ReadOnlyReplica], &[ReadOnlyLeaderless], &[Follower], &[Leader]],
    };
    let mut members: Vec<_> = members.iter().filter(|member| member.is_alive).collect();
    members.shuffle(&mut rand::rng());
    ranks.iter().find_map(|rank| members.iter().find(|member| rank.contains(&member.state))).map(|member| member.endpoint.clone())
}

#[cfg(test)]
mod tests {
    use super::NodeState::*;
    use super::*;

    fn choice(members: &[(NodeState, bool)], preference: NodePreference) -> Option<u16> {
        let member = |(&(state, is_alive), port)| Member { endpoint: Endpoint::new("node", port), state, is_alive };
        choose(&members.iter().zip(1..).map(member).collect::<Vec<_>>(), preference).map(|endpoint| endpoint.port)
    }

    #[test]
    fn the_preference_chooses_among_the_living() {
        let cluster = [(Follower, true), (Leader, true), (ReadOnlyReplica, true), (Shutdown, true)];
        let grid = [(NodePreference::Leader, Some(2)), (NodePreference::Follower, Some(1)), (NodePreference::ReadOnlyReplica, Some(3))];
        for (preference, port) in grid {
            assert_eq!(choice(&cluster, preference), port, "{preference}");
        }
    }

    #[test]
    fn a_substitute_is_taken_for_reading_but_never_for_leading() {
        type Row = (&'static [(NodeState, bool)], NodePreference, Option<u16>);
        let grid: [Row; 7] = [
            (&[(Leader, false), (Follower, true)], NodePreference::Leader, None),
            (&[(PreLeader, true), (ResigningLeader, true)], NodePreference::Leader, None),
            (&[(Follower, false), (Leader, true)], NodePreference::Follower, Some(2)),
            (&[(Leader, true), (ReadOnlyReplica, true)], NodePreference::Follower, Some(2)),
            (&[(Leader, true), (Follower, true)], NodePreference::ReadOnlyReplica, Some(2)),
            (&[(Initializing, true), (Clone, true), (Follower, true)], NodePreference::Random, Some(3)),
            (&[], NodePreference::Random, None),
        ];
        for (members, preference, port) in grid {
            assert_eq!(choice(members, preference), port, "{members:?} {preference}");
        }
    }

    #[test]
    fn random_takes_every_suitable_node_in_turn() {
        let mut chosen: Vec<_> = (0..200).filter_map(|_| choice(&[(Leader, true), (Follower, true)], NodePreference::Random)).collect();
        chosen.sort_unstable();
        chosen.dedup();
        assert_eq!(chosen, [1, 2]);
    }
}
