// Who is let in, and what the others are told.
import assert from "node:assert/strict";
import { FRONT, Peer, clients, credentials, each, open, page, register, settle, talk } from "./world.mjs";

const [ann, cid] = await Promise.all(["ann", "cid"].map(register));
const conversation = await talk(ann);

// where a client can put a token.
const places = (client, token) => ({
  "the query": { query: { token } },
  "the Authorization header": { extraHeaders: { Authorization: `Bearer ${token}` } },
  "the header, as the tutorial writes it": { extraHeaders: { Authorization: `JWT ${token}` } },
  "the cookie": { extraHeaders: { Cookie: `theme=dark; token=${encodeURIComponent(`JWT ${token}`)}`, Origin: page } },
  ...(client.revision === 5 && {
    "the auth payload": { auth: { token } },
    "the auth payload, as the tutorial writes it": { auth: { token: `JWT ${token}` } },
    "the auth payload, from a function": { auth: (tell) => setTimeout(tell, 1, { token }) },
    "the auth payload, before a wrong one in the query": { auth: { token }, query: { token: "x.y.z" } },
  }),
});

// refused wants a socket that is told why, once, and neither gets in nor tries again.
async function refused(peer, client, code) {
  const name = client.revision === 5 ? "connect_error" : "error";
  await peer.until("it is told why", () => peer.of(name).length > 0);
  await settle();
  const [[event, said], ...more] = peer.heard;
  assert.deepEqual([event, more, peer.socket.connected], [name, [], false]);
  if (client.revision === 4) return assert.equal(said, code);
  assert.equal(said.message, code);
  assert.deepEqual(Object.keys(said.data), ["code", "detail"]);
  assert.equal(said.data.code, code);
}

each("A client connects with a user's token, and has the transport that it wants", async (t, client) => {
  const peer = await open(t, client, cid);
  if (client.upgrades) await peer.upgraded();
  assert.equal(peer.transport, client.transport);
  await peer.alive();
  assert.deepEqual(peer.heard, [["connect"]]);
});

each("A token is taken from each place where the client can put it", async (t, client) => {
  for (const [place, options] of Object.entries(places(client, ann.token))) {
    const peer = await new Peer(t, client, FRONT, options).connected();
    const { joined } = await peer.ask("join", { conversation });
    assert.equal(joined?.conversation_id, conversation, `with the token in ${place} she is let into her conversation`);
    peer.socket.close();
  }
});

each("A wrong token is refused, wherever it is", async (t, client) => {
  const all = Object.entries(places(client, "no.such.token")).filter(([place]) => !place.includes("before a wrong one"));
  await Promise.all(all.map(([, options]) => refused(new Peer(t, client, FRONT, options), client, "token_refused")));
});

each("Without a token that counts nobody is let in", async (t, client) => {
  const { Cookie } = places(client, ann.token)["the cookie"].extraHeaders;
  await Promise.all([{}, { extraHeaders: { Cookie } }].map((options) => refused(new Peer(t, client, FRONT, options), client, "no_token")));
});

each("A page of another origin does not get in, with whatever token", async (t, client) => {
  const { Authorization } = credentials(ann).extraHeaders;
  const peer = new Peer(t, client, FRONT, { reconnection: false, extraHeaders: { Authorization, Origin: "http://evil.example" } });
  await peer.until("it fails", () => peer.of("connect_error").length > 0);
  assert.deepEqual([peer.of("connect"), peer.socket.connected], [[], false]);
});

each(
  "A client that was refused gets in with a new token",
  async (t, client) => {
    const peer = new Peer(t, client, FRONT, { auth: { token: "no.such.token" } });
    await refused(peer, client, "token_refused");
    peer.socket.auth = { token: ann.token };
    peer.socket.connect();
    await peer.connected();
    await peer.alive();
  },
  clients.filter((client) => client.revision === 5),
);
