use eventstore_client::wire::gossip::member_info::VNodeState::{Follower, Leader, ReadOnlyReplica};
use eventstore_client::{Client, Error, Expected, NewEvent, NodePreference, ReadStream, Settings, SubscribeToAll, SubscriptionEvent};
use futures::StreamExt;
use tonic::Code;

use crate::server::{Fault, TestServer, exception};

fn event() -> NewEvent {
    NewEvent::json("t", "{}")
}

fn discovering(seeds: &[&TestServer]) -> Settings {
    let hosts = seeds.iter().map(|server| server.endpoint()).collect();
    Settings { hosts, discover: true, ..seeds[0].settings() }
}

fn client(seeds: &[&TestServer]) -> Client {
    Client::connect(discovering(seeds)).unwrap()
}

/// Two nodes that agree on who leads.
fn elect(leader: &TestServer, follower: &TestServer) {
    for server in [leader, follower] {
        server.set_members(&[(leader, Leader), (follower, Follower)]);
    }
}

#[tokio::test]
async fn gossip_leads_to_the_preferred_node() {
    let [a, b, c] = [TestServer::start(), TestServer::start(), TestServer::start()];
    for server in [&a, &b, &c] {
        server.set_members(&[(&a, Follower), (&b, Leader), (&c, ReadOnlyReplica)]);
    }
    let grid =
        [(NodePreference::Leader, &b, "true"), (NodePreference::Follower, &a, "false"), (NodePreference::ReadOnlyReplica, &c, "false")];
    for (node_preference, chosen, requires_leader) in grid {
        let client = Client::connect(Settings { node_preference, ..discovering(&[&a]) }).unwrap();
        client.append("s", Expected::Any, [event()]).await.unwrap();
        assert_eq!(chosen.header("append", "requires-leader").as_deref(), Some(requires_leader), "{node_preference}");
    }
    assert_eq!([&a, &b, &c].map(|server| server.calls("append")), [1, 1, 1]);
}

#[tokio::test]
async fn the_first_node_to_know_the_leader_is_believed_while_others_hang_or_are_gone() {
    let [leader, hung, down] = [TestServer::start(), TestServer::start(), TestServer::down()];
    leader.set_members(&[(&leader, Leader)]);
    hung.fault("gossip", Fault::Hang);
    client(&[&down, &hung, &leader]).append("s", Expected::Any, [event()]).await.unwrap();
    assert_eq!(leader.calls("append"), 1);
}

#[tokio::test]
async fn members_are_told() {
    let [a, b] = [TestServer::start(), TestServer::start()];
    elect(&a, &b);
    let members = client(&[&b]).gossip().await.unwrap();
    let told: Vec<_> = members.into_iter().map(|member| (member.endpoint, member.state, member.is_alive)).collect();
    assert_eq!(told, [(a.endpoint(), Leader, true), (b.endpoint(), Follower, true)]);
}

#[tokio::test]
async fn a_leader_named_by_a_follower_is_followed() {
    let [old, new] = [TestServer::start(), TestServer::start()];
    elect(&old, &new);
    let client = client(&[&old]);
    client.append("s", Expected::Any, [event()]).await.unwrap();
    let (host, port) = (new.endpoint().host, new.endpoint().port.to_string());
    let leader = [("leader-endpoint-host", host.as_str()), ("leader-endpoint-port", port.as_str())];
    old.fault("append", Fault::Refuse(exception(Code::NotFound, "not-leader", &leader)));
    client.append("t", Expected::Any, [event()]).await.unwrap();
    assert_eq!((old.calls("append"), new.calls("append")), (2, 1));
}

#[tokio::test]
async fn a_leader_not_named_is_asked_for() {
    let [old, new] = [TestServer::start(), TestServer::start()];
    elect(&old, &new);
    let client = client(&[&old]);
    client.append("s", Expected::Any, [event()]).await.unwrap();
    elect(&new, &old);
    old.fault("append", Fault::Refuse(exception(Code::NotFound, "not-leader", &[])));
    client.append("t", Expected::Any, [event()]).await.unwrap();
    assert_eq!((old.calls("append"), new.calls("append")), (2, 1));
}

#[tokio::test]
async fn batches_move_with_the_rest() {
    let [old, new] = [TestServer::start(), TestServer::start()];
    elect(&old, &new);
    let client = client(&[&old]);
    client.batch_append("s", Expected::Any, [event()]).await.unwrap();
    elect(&new, &old);
    old.fault("append", Fault::Refuse(exception(Code::NotFound, "not-leader", &[])));
    client.append("s", Expected::Any, [event()]).await.unwrap();
    client.batch_append("s", Expected::Any, [event()]).await.unwrap();
    assert_eq!((old.calls("batch_append"), new.calls("batch_append")), (1, 1));
}

#[tokio::test]
async fn a_dead_leader_is_replaced_by_one_that_only_gossip_knew_of() {
    let [mut old, new] = [TestServer::start(), TestServer::start()];
    elect(&old, &new);
    let client = client(&[&old]);
    client.append("s", Expected::Any, [event()]).await.unwrap();
    old.kill();
    elect(&new, &old);
    client.append("s", Expected::NoStream, [event()]).await.unwrap();
    client.batch_append("s", Expected::Exact(0), [event()]).await.unwrap();
    assert_eq!(client.read_stream("s", ReadStream::forwards()).await.unwrap().count().await, 2);
}

#[tokio::test]
async fn an_election_is_waited_for() {
    let server = TestServer::start();
    server.set_members(&[(&server, Follower)]);
    let client = client(&[&server]);
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.append("s", Expected::Any, [event()]).await }
    });
    while server.calls("gossip") < 2 {
        tokio::task::yield_now().await;
    }
    server.set_members(&[(&server, Leader)]);
    assert!(waiting.await.unwrap().is_ok());
}

#[tokio::test]
async fn no_leader_is_an_error_that_says_so() {
    let server = TestServer::start();
    server.set_members(&[(&server, Follower)]);
    let client = Client::connect(Settings { max_discover_attempts: 2, ..discovering(&[&server]) }).unwrap();
    let error = client.append("s", Expected::Any, [event()]).await.unwrap_err();
    assert_eq!(error.to_string(), "no leader node found in the cluster");
    assert_eq!(server.calls("gossip"), 2);
}

#[tokio::test]
async fn a_node_named_alone_is_not_left() {
    let server = TestServer::start();
    let leader = [("leader-endpoint-host", "127.0.0.1"), ("leader-endpoint-port", "1")];
    let settings = Settings { max_discover_attempts: 2, ..server.settings() };
    for _ in 0..2 {
        server.fault("append", Fault::Refuse(exception(Code::NotFound, "not-leader", &leader)));
    }
    let client = Client::connect(settings).unwrap();
    let error = client.append("s", Expected::Any, [event()]).await.unwrap_err();
    assert!(matches!(&error, Error::NotLeader { leader: Some(leader) } if leader.port == 1), "{error:?}");
    assert!(client.append("s", Expected::Any, [event()]).await.is_ok());
}

#[tokio::test]
async fn a_subscription_leaves_a_node_that_no_longer_leads() {
    let [old, new] = [TestServer::start(), TestServer::start()];
    elect(&old, &new);
    for server in [&old, &new] {
        server.write("s", 2);
    }
    // The confirmation and the first event.
    old.fault("subscribe", Fault::EndAfter(2, Some(exception(Code::NotFound, "not-leader", &[]))));
    let mut all = client(&[&old]).subscribe_to_all(SubscribeToAll::from_start()).unwrap();
    assert!(matches!(all.next().await, Some(Ok(SubscriptionEvent::Event(event))) if event.event.revision == 0));
    elect(&new, &old);
    assert!(matches!(all.next().await, Some(Ok(SubscriptionEvent::Event(event))) if event.event.revision == 1));
    assert_eq!((old.calls("subscribe"), new.calls("subscribe")), (1, 1));
}

#[tokio::test]
async fn a_subscription_moves_to_the_new_leader() {
    let [mut old, new] = [TestServer::start(), TestServer::start()];
    elect(&old, &new);
    for server in [&old, &new] {
        server.write("s", 1);
    }
    let mut all = client(&[&old, &new]).subscribe_to_all(SubscribeToAll::from_start()).unwrap();
    let mut next = async || match all.next().await.unwrap().unwrap() {
        SubscriptionEvent::Event(event) => Some(event.event.revision),
        SubscriptionEvent::Checkpoint(_) | SubscriptionEvent::CaughtUp => None,
    };
    assert_eq!((next().await, next().await), (Some(0), None));
    old.kill();
    elect(&new, &old);
    new.write("s", 1);
    assert_eq!(next().await, Some(1));
}
