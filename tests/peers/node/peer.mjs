// The official Node client against our node: `peer.mjs <connection string> <scenario>`.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { join } from "node:path";

// The client is installed where this is run, not where this is.
const {
  ANY,
  BACKWARDS,
  END,
  KurrentDBClient,
  NO_STREAM,
  START,
  STREAM_EXISTS,
  StreamDeletedError,
  StreamNotFoundError,
  WrongExpectedVersionError,
  binaryEvent,
  eventTypeFilter,
  excludeSystemEvents,
  jsonEvent,
  streamNameFilter,
} = createRequire(join(process.cwd(), "package.json"))("@kurrent/kurrentdb-client");

const stream = () => `peer-${randomUUID()}`;
const event = (type = "SomethingHappened") => jsonEvent({ type, data: { a: 1 }, metadata: { by: "node" } });
const events = (count) => Array.from({ length: count }, () => event());
const own = (resolved) => resolved.event;

async function given(client, count) {
  const name = stream();
  const { position } = await client.appendToStream(name, events(count), { streamState: NO_STREAM });
  return { name, position };
}

async function all(read) {
  const seen = [];
  for await (const resolved of read) seen.push(resolved);
  return seen;
}

const revisions = async (read) => (await all(read)).map((resolved) => Number(own(resolved).revision));

/** The next `count` events of a subscription, and what else it said until then. */
async function next(subscription, count) {
  const seen = [];
  if (count === 0) return seen;
  for await (const resolved of subscription.iterator) {
    seen.push(resolved);
    if (seen.length === count) return seen;
  }
  throw new Error("the subscription ended");
}

/** A subscription that gives its events one after the other, and can be waited for to have caught up. */
function following(subscription) {
  const caughtUp = new Promise((resolve, reject) => subscription.once("caughtUp", resolve).once("error", reject));
  return { subscription, caughtUp, iterator: { [Symbol.asyncIterator]: () => iterator(subscription) } };
}

function iterator(subscription) {
  const inner = subscription[Symbol.asyncIterator]();
  // Leaving a `for await` would end the subscription.
  return { next: () => inner.next() };
}

const scenarios = {
  async appends_whatever_is_expected(client) {
    const name = stream();
    const first = await client.appendToStream(name, events(2), { streamState: NO_STREAM });
    assert.equal(first.nextExpectedRevision, 1n);
    const second = await client.appendToStream(name, event(), { streamState: 1n });
    const third = await client.appendToStream(name, event(), { streamState: ANY });
    const drawn = binaryEvent({ type: "Drawn", data: Uint8Array.from([0, 255]) });
    const fourth = await client.appendToStream(name, drawn, { streamState: STREAM_EXISTS });
    assert.equal(fourth.nextExpectedRevision, 4n);
    const positions = [first, second, third, fourth].map(({ position }) => position.commit);
    assert.deepEqual(positions, [...positions].sort((a, b) => Number(a - b)));
    const seen = await all(client.readStream(name));
    assert.deepEqual(own(seen[0]).data, { a: 1 });
    assert.deepEqual(own(seen[0]).metadata, { by: "node" });
    assert.equal(own(seen[4]).isJson, false);
    assert.deepEqual([...own(seen[4]).data], [0, 255]);
  },

  async is_told_of_conflicts(client) {
    const { name } = await given(client, 3);
    for (const streamState of [NO_STREAM, 0n, 7n]) {
      await assert.rejects(client.appendToStream(name, event(), { streamState }), (error) => {
        assert(error instanceof WrongExpectedVersionError, error);
        assert.equal(error.actualState, 2n);
        return true;
      });
    }
    await assert.rejects(client.appendToStream(stream(), event(), { streamState: STREAM_EXISTS }), WrongExpectedVersionError);
    assert.deepEqual(await revisions(client.readStream(name)), [0, 1, 2]);
  },

  async repeats_without_doubling(client) {
    const { name } = await given(client, 1);
    const again = events(2);
    const first = await client.appendToStream(name, again, { streamState: 0n });
    await client.appendToStream(name, event(), { streamState: 2n });
    for (const streamState of [0n, ANY, STREAM_EXISTS]) {
      const repeat = await client.appendToStream(name, again, { streamState });
      assert.deepEqual(repeat.position, first.position);
      assert.equal(repeat.nextExpectedRevision, first.nextExpectedRevision);
    }
    assert.deepEqual(await revisions(client.readStream(name)), [0, 1, 2, 3]);
  },

  async reads_both_ways(client) {
    const { name } = await given(client, 5);
    assert.deepEqual(await revisions(client.readStream(name)), [0, 1, 2, 3, 4]);
    assert.deepEqual(await revisions(client.readStream(name, { fromRevision: 2n, maxCount: 2 })), [2, 3]);
    assert.deepEqual(await revisions(client.readStream(name, { direction: BACKWARDS, fromRevision: END })), [4, 3, 2, 1, 0]);
    assert.deepEqual(await revisions(client.readStream(name, { direction: BACKWARDS, fromRevision: 2n })), [2, 1, 0]);
    await assert.rejects(all(client.readStream(stream())), StreamNotFoundError);
    const mine = (seen) => seen.filter((resolved) => own(resolved)?.streamId === name).map((resolved) => Number(own(resolved).revision));
    assert.deepEqual(mine(await all(client.readAll())), [0, 1, 2, 3, 4]);
    assert.deepEqual(mine(await all(client.readAll({ direction: BACKWARDS, fromPosition: END }))), [4, 3, 2, 1, 0]);
  },

  async filters_the_log(client) {
    const { position } = await given(client, 1);
    const name = stream();
    await client.appendToStream(name, [event("Apple"), event("Pear"), event("Apricot")]);
    await client.setStreamMetadata(name, { colour: "red" });
    const types = async (filter) => {
      const seen = await all(client.readAll({ fromPosition: position, filter }));
      return seen.map(own).filter(({ streamId }) => streamId.endsWith(name)).map(({ type }) => type);
    };
    assert.deepEqual(await types(undefined), ["Apple", "Pear", "Apricot", "$metadata"]);
    assert.deepEqual(await types(excludeSystemEvents()), ["Apple", "Pear", "Apricot"]);
    assert.deepEqual(await types(eventTypeFilter({ prefixes: ["Ap"] })), ["Apple", "Apricot"]);
    assert.deepEqual(await types(eventTypeFilter({ regex: "^(?!P|\\$)" })), ["SomethingHappened", "Apple", "Apricot"].slice(1));
    assert.deepEqual(await types(streamNameFilter({ prefixes: [name] })), ["Apple", "Pear", "Apricot"]);
    assert.deepEqual(await types(streamNameFilter({ regex: `${name.slice(5)}$` })), ["Apple", "Pear", "Apricot", "$metadata"]);
  },

  async follows_from_the_start(client) {
    const { name } = await given(client, 3);
    const one = following(client.subscribeToStream(name, { fromRevision: START }));
    assert.deepEqual((await next(one, 3)).map((resolved) => own(resolved).revision), [0n, 1n, 2n]);
    await one.caughtUp;
    await client.appendToStream(name, events(2), { streamState: 2n });
    assert.deepEqual((await next(one, 2)).map((resolved) => own(resolved).revision), [3n, 4n]);
    await one.subscription.unsubscribe();
    const log = following(client.subscribeToAll({ fromPosition: START, filter: streamNameFilter({ prefixes: [name] }) }));
    assert.deepEqual((await next(log, 5)).map((resolved) => own(resolved).revision), [0n, 1n, 2n, 3n, 4n]);
    await log.subscription.unsubscribe();
  },

  async follows_from_the_middle(client) {
    const { name, position } = await given(client, 4);
    const one = following(client.subscribeToStream(name, { fromRevision: 1n }));
    assert.deepEqual((await next(one, 2)).map((resolved) => own(resolved).revision), [2n, 3n]);
    await one.subscription.unsubscribe();
    const log = following(client.subscribeToAll({ fromPosition: position }));
    await client.appendToStream(name, event(), { streamState: 3n });
    const [seen] = await next(log, 1);
    assert.deepEqual([own(seen).streamId, own(seen).revision], [name, 4n]);
    await log.subscription.unsubscribe();
  },

  async follows_from_the_end(client) {
    const { name } = await given(client, 3);
    const one = following(client.subscribeToStream(name, { fromRevision: END }));
    const log = following(client.subscribeToAll({ fromPosition: END }));
    const seen = [next(one, 1), next(log, 1)];
    await Promise.all([one.caughtUp, log.caughtUp]);
    await client.appendToStream(name, event(), { streamState: 3n - 1n });
    for (const [resolved] of await Promise.all(seen)) {
      assert.deepEqual([own(resolved).streamId, own(resolved).revision], [name, 3n]);
    }
    await one.subscription.unsubscribe();
    await log.subscription.unsubscribe();
  },

  async keeps_metadata(client) {
    const { name } = await given(client, 3);
    await client.setStreamMetadata(name, { maxCount: 2, colour: "red" }, { streamState: NO_STREAM });
    // It has a revision too, but this client says the position for it.
    const { metadata } = await client.getStreamMetadata(name);
    assert.equal(metadata.maxCount, 2);
    assert.equal(metadata.colour, "red");
    assert.deepEqual(await revisions(client.readStream(name)), [1, 2]);
    await assert.rejects(client.setStreamMetadata(name, {}, { streamState: NO_STREAM }), WrongExpectedVersionError);
  },

  async deletes_and_begins_anew(client) {
    const { name } = await given(client, 3);
    await assert.rejects(client.deleteStream(name, { expectedRevision: 1n, streamState: 1n }), WrongExpectedVersionError);
    await client.deleteStream(name, { expectedRevision: 2n, streamState: 2n });
    await assert.rejects(all(client.readStream(name)), StreamNotFoundError);
    await client.appendToStream(name, event(), { streamState: NO_STREAM });
    assert.deepEqual(await revisions(client.readStream(name)), [3]);
  },

  async tombstones_for_ever(client) {
    const { name } = await given(client, 3);
    await client.tombstoneStream(name, { expectedRevision: 2n, streamState: 2n });
    await assert.rejects(all(client.readStream(name)), StreamDeletedError);
    await assert.rejects(client.appendToStream(name, event(), { streamState: ANY }), StreamDeletedError);
    await assert.rejects(all(client.subscribeToStream(name)), StreamDeletedError);
  },

  async discovers_the_node(client) {
    const { name } = await given(client, 1);
    assert.deepEqual(await revisions(client.readStream(name)), [0]);
  },
};

const [uri, scenario] = process.argv.slice(2);
const client = KurrentDBClient.connectionString(uri);
await scenarios[scenario](client);
await client.dispose();
// The client keeps timers of its own, which would keep the process.
process.exit(0);
