//! Finding a node and knowing what it can do.

use eventstore_client::wire::{Empty, gossip::member_info::VNodeState};

use super::{Subject, calls::id_of};
use crate::contract::{CaseResult, Failure, holds, same};

impl Subject {
    /// Of the server: major and minor.
    pub(super) async fn version(&self) -> Result<(u64, u64), Failure> {
        let features = self.features().get_supported_methods(self.request(Empty {})).await?.into_inner();
        let mut numbers = features.event_store_server_version.split('.').map(str::parse);
        match (numbers.next(), numbers.next(), numbers.next()) {
            (Some(major), Some(minor), Some(_)) => Ok((major?, minor?)),
            _ => Err(Failure(format!("`{}` is not a version of three numbers", features.event_store_server_version))),
        }
    }
}

pub async fn gossip_names_a_leader_that_answers(subject: Subject) -> CaseResult {
    let members = subject.gossip().read(subject.request(Empty {})).await?.into_inner().members;
    let leaders: Vec<_> = members.iter().filter(|member| member.state() == VNodeState::Leader && member.is_alive).collect();
    let [leader] = leaders[..] else { return Err(Failure(format!("expected one leader, saw {members:?}"))) };
    id_of(&leader.instance_id)?;
    let endpoint = leader.http_end_point.clone().ok_or_else(|| Failure("the leader has no address".to_owned()))?;
    let port = u16::try_from(endpoint.port)?;
    tokio::net::TcpStream::connect((endpoint.address.as_str(), port)).await?;
    Ok(())
}

pub async fn the_features_name_what_can_be_called(subject: Subject) -> CaseResult {
    subject.version().await?;
    let features = subject.features().get_supported_methods(subject.request(Empty {})).await?.into_inner();
    let of = |service: &str, method: &str| {
        let mut found = features.methods.iter().filter(|feature| feature.service_name == service && feature.method_name == method);
        found.next().map(|feature| feature.features.clone()).ok_or_else(|| Failure(format!("{service}/{method} is not there")))
    };
    let streams = "event_store.client.streams.streams";
    for method in ["append", "delete", "tombstone"] {
        of(streams, method)?;
    }
    holds("a read knows positions", of(streams, "read")?.contains(&"position".to_owned()))?;
    holds("a batch knows deadlines", of(streams, "batchappend")?.contains(&"deadline_duration".to_owned()))?;
    let lower = |text: &str| text == text.to_lowercase();
    same("all in lower case", features.methods.iter().all(|method| lower(&method.service_name) && lower(&method.method_name)), true)
}
