// What all tests need: the clients, what makes tests of them, and users who register and write over HTTP.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { io } from "v4";
import { Peer } from "./peer.mjs";

export { Peer };

const require = createRequire(import.meta.url); // the old versions are no modules

export const { FRONT, GATEWAY1, GATEWAY2, TURNS, CONTROL } = process.env;
export const page = "http://localhost:8080"; // an origin that is allowed by default
export const text = "psst-secret ä€𝄞 Grüße, 世界 👩‍🚀 \u2028\\\"<é"; // of what may break on the way: each length in UTF-8, quotes, lines' ends

const settling = 250; // milliseconds, for what must not come

const ways = [
  { way: "polling, then WebSocket", options: {}, transport: "websocket", upgrades: true },
  { way: "WebSocket only", options: { transports: ["websocket"] }, transport: "websocket" },
  { way: "polling only", options: { transports: ["polling"] }, transport: "polling" },
];

export const clients = [
  { version: "4.8", revision: 5, io },
  { version: "2.5", revision: 4, io: require("v2") },
  { version: "1.7", revision: 4, io: require("v1") },
].flatMap((version) => ways.map((way) => ({ ...version, ...way, name: `socket.io-client ${version.version}, ${way.way}` })));

// each makes a test of each client. All of them run at once.
export function each(sentence, test, which = clients) {
  describe(sentence, { concurrency: which.length }, () => {
    for (const client of which) it(client.name, { timeout: 45_000 }, (t) => test(t, client));
  });
}

// together makes a test of each client too, but of one thing that happens to all, once each has prepared for it; then each is judged.
export function together(sentence, { prepare, happen, judge }) {
  describe(sentence, { concurrency: clients.length }, () => {
    const closing = [];
    let prepared, happened;
    before(async () => {
      const t = { after: (close) => closing.push(close) };
      prepared = await Promise.allSettled(clients.map((client) => prepare(t, client)));
      happened = await happen(prepared.flatMap(({ value }) => value ?? []));
    });
    after(() => closing.forEach((close) => close()));
    clients.forEach((client, i) => {
      it(client.name, { timeout: 45_000 }, () => {
        if (prepared[i].reason) throw prepared[i].reason;
        return judge(prepared[i].value, client, happened);
      });
    });
  });
}

export async function call(method, path, token, body) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: token.includes(" ") ? token : `Bearer ${token}` }) };
  const answer = await fetch(FRONT + path, { method, headers, body: body && JSON.stringify(body) });
  const said = await answer.text();
  assert.ok(answer.ok, `${method} ${path} answers ${answer.status} ${said}`);
  return JSON.parse(said);
}

export async function control(method, what) {
  const answer = await fetch(`${CONTROL}/${what}`, { method });
  const said = await answer.text();
  assert.equal(answer.status, 200, said);
  return said && JSON.parse(said);
}

export async function register(name) {
  const account = { email: `${name}-${randomUUID()}@example.com`, password: "correct horse", first_name: name, last_name: "Lee" };
  const { user, access_token: token } = await call("POST", "/v1/auth/register", null, account);
  return { id: user.id, token };
}

// talk starts a conversation and returns its id.
export async function talk(user, ...others) {
  const group = { type: "group", title: "talk", member_ids: others.map((other) => other.id) };
  return (await call("POST", "/v1/conversations", user.token, group)).conversation.id;
}

// say stores a message over HTTP and returns it.
export async function say(user, conversation, body = text) {
  return (await call("POST", "/v1/messages", user.token, { conversation_id: conversation, body, client_msg_id: randomUUID() })).message;
}

export const messages = async (user, conversation) => (await call("GET", `/v1/messages?conversation_id=${conversation}&limit=100`, user.token)).items;

// credentials are a user's, where all versions take them.
export const credentials = (user) => ({ extraHeaders: { Authorization: `Bearer ${user.token}` } });

// all waits for what each of the peers waits for. Whose does not come has failed: that is for its own test to say.
export const all = (peers, wait) => Promise.allSettled(peers.map(wait));

export const settle = () => new Promise((resolve) => setTimeout(resolve, settling));

// open connects a user.
export const open = (t, client, user, url = FRONT, options = {}) => new Peer(t, client, url, { ...credentials(user), ...options }).connected();

export const range = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
