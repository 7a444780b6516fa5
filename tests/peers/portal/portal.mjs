// A customer's portal: `portal.mjs <server> <user name> <password>`. It says `restart` once it wants the server to have been restarted, and goes
// on when it is told so.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";

// The libraries are installed where this is run, not where this is.
const require = createRequire(join(process.cwd(), "package.json"));
const load = async (name) => import(require.resolve(name));
const { GraphQLClient, gql } = await load("graphql-request");
const { createClient } = await load("graphql-ws");
const WebSocket = require("ws");

const [server, userName, password] = process.argv.slice(2);
const harness = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const SIGN_IN = gql`
  mutation SignIn($userName: String!, $password: String!) {
    signIn(input: { userName: $userName, password: $password }) { accessToken refreshToken }
  }
`;
const MINE = gql`
  query Mine {
    myAccounts {
      id
      number
      holderName
      openItems { document open { amount currency } dueOn }
      invoices(first: 5) { totalCount nodes { number statusLabel total { formatted } lines { net { amount } explanation { text } } } }
    }
  }
`;
const PAY = gql`
  mutation Pay($account: ID!, $key: String!, $amount: Decimal!) {
    startPayment(idempotencyKey: $key, input: { accountId: $account, amount: { amount: $amount, currency: "SAR" }, gateway: "simulated" }) {
      paymentId
      checkoutUrl
    }
  }
`;
const LIVE = `subscription Live($account: ID!) {
  accountActivity(accountId: $account) { id payments(first: 3) { nodes { amount { amount } channel } } balances { due { amount } } }
}`;

const stranger = new GraphQLClient(`http://${server}/graphql`, { headers: { "Accept-Language": "en" } });
await assert.rejects(stranger.request(SIGN_IN, { userName, password: "not this one" }), (error) => {
  assert.equal(error.response.errors[0].extensions.code, "BAD_CREDENTIALS");
  return true;
});
const token = (await stranger.request(SIGN_IN, { userName, password })).signIn.accessToken;
const portal = new GraphQLClient(`http://${server}/graphql`, { headers: { authorization: `Bearer ${token}`, "Accept-Language": "en" } });

const mine = (await portal.request(MINE)).myAccounts;
assert.equal(mine.length, 1);
const [{ id: account, invoices }] = mine;
assert.ok(invoices.totalCount > 1 && invoices.nodes.length === Math.min(5, invoices.totalCount), JSON.stringify(invoices));
assert.ok(invoices.nodes.every((invoice) => invoice.number && invoice.lines.length > 0), JSON.stringify(invoices));

const heard = [];
let wake = () => {};
const socket = createClient({
  url: `ws://${server}/graphql`,
  webSocketImpl: WebSocket,
  connectionParams: { authorization: `Bearer ${token}`, acceptLanguage: "en" },
  retryAttempts: 100,
  retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
  shouldRetry: () => true,
});
let connections = 0;
socket.on("connected", () => (connections += 1));
socket.subscribe(
  { query: LIVE, variables: { account } },
  {
    next: (value) => {
      assert.equal(value.errors, undefined, JSON.stringify(value));
      heard.push(value.data.accountActivity);
      wake();
    },
    error: (error) => {
      console.error("the subscription ended", error);
      process.exit(1);
    },
    complete: () => process.exit(2),
  },
);

// The first value after what was heard before that is as it should be, and how long it took to come.
async function hears(what, from) {
  const begun = performance.now();
  for (;;) {
    const found = heard.slice(from).find(what);
    if (found) return performance.now() - begun;
    assert.ok(performance.now() - begun < 10_000, `nothing in ${JSON.stringify(heard)}`);
    await new Promise((resolve) => {
      wake = resolve;
      setTimeout(resolve, 100);
    });
  }
}

async function pays(amount) {
  const { checkoutUrl } = (await portal.request(PAY, { account, key: `pay ${amount}`, amount })).startPayment;
  const from = heard.length;
  const page = await fetch(checkoutUrl);
  assert.ok((await page.text()).includes(amount));
  const paid = await fetch(`${checkoutUrl}/pay`, { method: "POST", redirect: "manual" });
  assert.ok(paid.status < 400, `${paid.status}`);
  const took = await hears((activity) => activity.payments.nodes.some((payment) => payment.amount.amount === amount), from);
  assert.ok(took < 2_000, `the update took ${took} ms`);
  console.log(`paid ${amount}, heard of it within two seconds (${Math.round(took)} ms)`);
}

await hears(() => true, 0);
await pays("12.50");
console.log("restart");
assert.equal((await harness.next()).value, "restarted");
const before = heard.length;
await hears((activity) => activity.payments.nodes.some((payment) => payment.amount.amount === "12.50"), before);
assert.equal(connections, 2, "connected once more, by itself");
await pays("7.25");
await socket.dispose();
process.exit(0);
