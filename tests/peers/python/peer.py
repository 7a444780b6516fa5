"""The official Python client against our node: `peer.py <connection string> <scenario> [root certificate]`."""

import sys
import uuid
from itertools import islice

from kurrentdbclient import CaughtUp, Checkpoint, KurrentDBClient, NewEvent, StreamState
from kurrentdbclient.exceptions import FailedPreconditionError, NotFoundError, StreamIsDeletedError, WrongCurrentVersionError


def stream():
    return f"peer-{uuid.uuid4().hex}"


def event(event_type="SomethingHappened", data=b'{"a": 1}', **kwargs):
    return NewEvent(type=event_type, data=data, metadata=b'{"by": "python"}', **kwargs)


def given(client, count):
    name = stream()
    return name, client.append_to_stream(name, current_version=StreamState.NO_STREAM, events=[event() for _ in range(count)])


def positions(events):
    return [event.stream_position for event in events]


def refused(error, call):
    try:
        call()
    except error as refusal:
        return refusal
    raise AssertionError(f"expected {error.__name__}")


def appends_whatever_is_expected(client):
    name = stream()
    first = client.append_to_stream(name, current_version=StreamState.NO_STREAM, events=[event(), event()])
    second = client.append_to_stream(name, current_version=1, events=event())
    third = client.append_to_stream(name, current_version=StreamState.ANY, events=event())
    fourth = client.append_to_stream(name, current_version=StreamState.EXISTS, events=event("Drawn", b"\x00\xff", content_type="application/octet-stream"))
    assert first < second < third < fourth
    seen = client.get_stream(name)
    assert positions(seen) == [0, 1, 2, 3, 4]
    assert (seen[0].data, seen[0].metadata, seen[0].content_type) == (b'{"a": 1}', b'{"by": "python"}', "application/json")
    assert (seen[4].type, seen[4].data, seen[4].content_type) == ("Drawn", b"\x00\xff", "application/octet-stream")
    assert seen[4].commit_position == fourth
    assert abs(seen[0].recorded_at.timestamp() - seen[4].recorded_at.timestamp()) < 60


def is_told_of_conflicts(client):
    name, _ = given(client, 3)
    for expected in (StreamState.NO_STREAM, 0, 7):
        refusal = refused(WrongCurrentVersionError, lambda: client.append_to_stream(name, current_version=expected, events=event()))
        assert "2" in str(refusal), refusal
    refused(WrongCurrentVersionError, lambda: client.append_to_stream(stream(), current_version=StreamState.EXISTS, events=event()))
    assert client.get_current_version(name) == 2


def repeats_without_doubling(client):
    name, _ = given(client, 1)
    again = [event(), event()]
    first = client.append_to_stream(name, current_version=0, events=again)
    client.append_to_stream(name, current_version=2, events=event())
    for expected in (0, StreamState.ANY, StreamState.EXISTS):
        assert client.append_to_stream(name, current_version=expected, events=again) == first
    assert client.get_current_version(name) == 3


def reads_both_ways(client):
    name, _ = given(client, 5)
    assert positions(client.get_stream(name)) == [0, 1, 2, 3, 4]
    assert positions(client.get_stream(name, stream_position=2, limit=2)) == [2, 3]
    assert positions(client.get_stream(name, backwards=True)) == [4, 3, 2, 1, 0]
    assert positions(client.get_stream(name, stream_position=2, backwards=True)) == [2, 1, 0]
    refused(NotFoundError, lambda: client.get_stream(stream()))
    everything = [e for e in client.read_all() if e.stream_name == name]
    assert positions(everything) == [0, 1, 2, 3, 4]
    backwards = [e for e in client.read_all(backwards=True) if e.stream_name == name]
    assert positions(backwards) == [4, 3, 2, 1, 0]


def filters_the_log(client):
    name, start = given(client, 1)
    other = stream()
    client.append_to_stream(other, current_version=StreamState.NO_STREAM, events=[event("Apple"), event("Pear"), event("Apricot")])
    client.set_stream_metadata(other, metadata={"colour": "red"})

    def types(**kwargs):
        return [e.type for e in client.read_all(commit_position=start, **kwargs) if other in e.stream_name]

    assert types() == ["Apple", "Pear", "Apricot"]
    assert types(filter_exclude=()) == ["Apple", "Pear", "Apricot", "$metadata"]
    assert types(filter_include=["A.*"]) == ["Apple", "Apricot"]
    assert types(filter_include=["Pear", "Apple"], filter_by_prefix=True) == ["Apple", "Pear"]
    assert types(filter_exclude=["P.*"]) == ["Apple", "Apricot", "$metadata"]
    assert types(filter_include=[other], filter_by_stream_name=True) == ["Apple", "Pear", "Apricot"]
    assert types(filter_include=["A.*"], limit=1) == ["Apple"]


def follows_from_the_start(client):
    name, _ = given(client, 3)
    with client.subscribe_to_stream(name, include_caught_up=True) as following:
        assert positions(islice(following, 3)) == [0, 1, 2]
        assert isinstance(next(following), CaughtUp)
        client.append_to_stream(name, current_version=2, events=[event(), event()])
        assert positions(islice(following, 2)) == [3, 4]
    with client.subscribe_to_all(include_caught_up=True) as following:
        seen = []
        for item in following:
            if isinstance(item, CaughtUp):
                break
            seen.append(item)
        assert positions(e for e in seen if e.stream_name == name) == [0, 1, 2, 3, 4]


def follows_from_the_middle(client):
    name, last = given(client, 4)
    with client.subscribe_to_stream(name, stream_position=1) as following:
        assert positions(islice(following, 2)) == [2, 3]
    with client.subscribe_to_all(commit_position=last, include_checkpoints=True) as following:
        client.append_to_stream(name, current_version=3, events=event())
        seen = next(e for e in following if not isinstance(e, Checkpoint))
        assert (seen.stream_name, seen.stream_position) == (name, 4)


def follows_from_the_end(client):
    name, last = given(client, 3)
    with client.subscribe_to_stream(name, from_end=True, include_caught_up=True) as one:
        assert isinstance(next(one), CaughtUp)
        with client.subscribe_to_all(from_end=True, include_caught_up=True) as all_of_it:
            while not isinstance(next(all_of_it), CaughtUp):
                pass
            client.append_to_stream(name, current_version=2, events=event())
            assert next(one).stream_position == 3
            assert next(e for e in all_of_it if not isinstance(e, (CaughtUp, Checkpoint))).commit_position > last


def keeps_metadata(client):
    name, _ = given(client, 3)
    assert client.get_stream_metadata(name) == ({}, StreamState.NO_STREAM)
    client.set_stream_metadata(name, metadata={"$maxCount": 2, "colour": "red"}, current_version=StreamState.NO_STREAM)
    assert client.get_stream_metadata(name) == ({"$maxCount": 2, "colour": "red"}, 0)
    assert positions(client.get_stream(name)) == [1, 2]
    refused(WrongCurrentVersionError, lambda: client.set_stream_metadata(name, metadata={}, current_version=StreamState.NO_STREAM))


def deletes_and_begins_anew(client):
    name, _ = given(client, 3)
    refused(WrongCurrentVersionError, lambda: client.delete_stream(name, current_version=1))
    client.delete_stream(name, current_version=2)
    refused(NotFoundError, lambda: client.get_stream(name))
    client.append_to_stream(name, current_version=StreamState.NO_STREAM, events=event())
    assert positions(client.get_stream(name)) == [3]


def tombstones_for_ever(client):
    name, _ = given(client, 3)
    client.tombstone_stream(name, current_version=2)
    refused(StreamIsDeletedError, lambda: client.get_stream(name))
    # Of an append this client says only that the server refused it.
    refused(FailedPreconditionError, lambda: client.append_to_stream(name, current_version=StreamState.ANY, events=event()))
    refused(StreamIsDeletedError, lambda: list(client.subscribe_to_stream(name)))


def discovers_the_node(client):
    (member,) = client.read_gossip()
    assert member.state == "NODE_STATE_LEADER", member.state
    name, _ = given(client, 1)
    assert positions(client.get_stream(name)) == [0]


def main():
    uri, scenario, *certificate = sys.argv[1:]
    root = open(certificate[0], "rb").read() if certificate else None
    client = KurrentDBClient(uri=uri, root_certificates=root)
    try:
        globals()[scenario](client)
    finally:
        client.close()


main()
