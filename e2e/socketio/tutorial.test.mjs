// What the tutorial's own client does, from registration to the message that the other one reads.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { FRONT, Peer, call, clients, each, page, settle, text } from "./world.mjs";

async function register(firstName) {
  const { token, user } = await call("POST", "/api/auth/register", null, { email: `${firstName}-${randomUUID()}@example.com`, firstName, lastName: "Lee", password: "correct horse" });
  return { token, id: user._id, profile: { firstName, lastName: "Lee" } };
}

// connect passes no options but what a browser adds by itself.
const connect = (t, client, user) => new Peer(t, client, FRONT, { extraHeaders: { Cookie: `token=${encodeURIComponent(user.token)}`, Origin: page } }).connected();

each(
  "Two users of the tutorial's client talk to each other",
  async (t, client) => {
    const [ann, bob] = [await register("Ann"), await register("Bob")];
    assert.match(ann.token, /^JWT ey/);
    const { recipients } = await call("GET", "/api/chat/recipients", ann.token);
    assert.ok(Array.isArray(recipients));
    const { message: started, conversationId } = await call("POST", `/api/chat/new/${bob.id}`, ann.token, { composedMessage: text });
    assert.equal(started, "Conversation started!");
    const { conversations } = await call("GET", "/api/chat", bob.token);
    assert.deepEqual(conversations.map(([message]) => [message.conversationId, message.body, message.author._id]), [[conversationId, text, ann.id]]);

    const peers = await Promise.all([ann, bob].map((user) => connect(t, client, user)));
    await Promise.all(peers.map((peer) => peer.enter(conversationId)));

    const { message: replied } = await call("POST", `/api/chat/${conversationId}`, bob.token, { composedMessage: `${text} too` });
    assert.equal(replied, "Reply successfully sent!");
    peers[1].socket.emit("new message", conversationId);
    await Promise.all(peers.map((peer) => peer.refreshed(conversationId)));
    await settle();
    for (const peer of peers) assert.deepEqual(peer.of("refresh messages"), [["refresh messages", conversationId]]);

    const { conversation } = await call("GET", `/api/chat/${conversationId}`, ann.token);
    assert.deepEqual(conversation.map(({ body, author }) => [body, author]), [
      [`${text} too`, { _id: bob.id, profile: bob.profile }],
      [text, { _id: ann.id, profile: ann.profile }],
    ]);
    peers[0].socket.emit("leave conversation", conversationId);
    for (const peer of peers) assert.deepEqual([peer.of("error"), peer.of("disconnect")], [[], []]);
  },
  clients.filter(({ version }) => version !== "2.5"),
);
