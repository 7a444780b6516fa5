//! Who is here and what it can do: a cluster of one.

use chrono::Utc;
use eventstore_client::wire::{
    Empty,
    gossip::{ClusterInfo, EndPoint, MemberInfo, gossip_server::Gossip, member_info::VNodeState},
    server_features::{SupportedMethod, SupportedMethods, server_features_server::ServerFeatures},
};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::response;

/// The server whose behaviour this is. Clients parse it, so it is three numbers and nothing else.
const VERSION: &str = "24.10.0";

/// Methods with what they can do besides the obvious, in lower case, as clients look for them.
const METHODS: [(&str, &str, &[&str]); 7] = [
    ("event_store.client.streams.streams", "read", &["position", "events"]),
    ("event_store.client.streams.streams", "append", &[]),
    ("event_store.client.streams.streams", "batchappend", &["deadline_duration"]),
    ("event_store.client.streams.streams", "delete", &[]),
    ("event_store.client.streams.streams", "tombstone", &[]),
    ("event_store.client.gossip.gossip", "read", &[]),
    ("event_store.client.server_features.serverfeatures", "getsupportedmethods", &[]),
];

#[derive(Clone, Debug)]
pub(super) struct Cluster {
    instance: Uuid,
    advertised: (String, u16),
}

impl Cluster {
    pub(super) fn new(advertised: (String, u16)) -> Self {
        Self { instance: Uuid::new_v4(), advertised }
    }
}

#[tonic::async_trait]
impl Gossip for Cluster {
    async fn read(&self, _: Request<Empty>) -> Result<Response<ClusterInfo>, Status> {
        let (address, port) = self.advertised.clone();
        let member = MemberInfo {
            instance_id: Some(response::structured(self.instance)),
            time_stamp: response::ticks(Utc::now()),
            state: VNodeState::Leader.into(),
            is_alive: true,
            http_end_point: Some(EndPoint { address, port: port.into() }),
        };
        Ok(Response::new(ClusterInfo { members: vec![member] }))
    }
}

#[tonic::async_trait]
impl ServerFeatures for Cluster {
    async fn get_supported_methods(&self, _: Request<Empty>) -> Result<Response<SupportedMethods>, Status> {
        let method = |(service, method, features): (&str, &str, &[&str])| SupportedMethod {
            method_name: method.to_owned(),
            service_name: service.to_owned(),
            features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        };
        Ok(Response::new(SupportedMethods {
            methods: METHODS.into_iter().map(method).collect(),
            event_store_server_version: VERSION.to_owned(),
        }))
    }
}
