// Confab's own commands and events, as events of Socket.IO.
import assert from "node:assert/strict";
import { GATEWAY1, GATEWAY2, all, each, messages, open, range, register, say, settle, talk, text, together } from "./world.mjs";

const [ann, bob, eve] = await Promise.all(["ann", "bob", "eve"].map(register));

each("Each command is answered by its ack", async (t, client) => {
  const conversation = await talk(ann, bob);
  const [peer, other] = [await open(t, client, ann, GATEWAY1), await open(t, client, bob, GATEWAY2)];
  if (client.revision === 5) assert.deepEqual([await peer.ask("ping", {}), await peer.ask("ping")], [{}, {}]); // no event of the old clients
  assert.deepEqual(await peer.ask("join", { conversation }), { joined: { conversation_id: conversation, rev: 0 } });
  assert.deepEqual(await other.ask("join", { conversation, rev: 0 }), { joined: { conversation_id: conversation, rev: 0 } });

  const { message, ...more } = await peer.ask("send", { conversation, body: text, client_msg_id: "one" });
  assert.deepEqual(more, {});
  assert.deepEqual([message.body, message.seq, message.rev], [text, 1, 1]);
  for (const reader of [peer, other]) {
    await reader.reached(conversation, 1);
    assert.deepEqual(reader.of("message.created", conversation)[0][1].message.body, text);
  }

  assert.deepEqual(await other.ask("read", { conversation, seq: 1 }), { read_seq: 1 });
  await peer.until("the reading is told", () => peer.of("read", conversation).length > 0);
  assert.deepEqual(await other.ask("typing", { conversation }), {});
  await peer.until("the typing is told", () => peer.of("typing", conversation).length > 0);
  assert.deepEqual(peer.of("typing", conversation)[0][1], { type: "typing", conversation_id: conversation, user_id: bob.id });

  const { session } = await peer.ask("auth", { token: ann.token });
  assert.equal(session.user_id, ann.id);
  assert.ok(Date.parse(session.expires_at) > Date.now());

  assert.deepEqual(await peer.ask("leave", { conversation }), {});
  await say(bob, conversation);
  await other.reached(conversation, 2);
  await settle();
  assert.deepEqual([peer.revs(conversation), other.revs(conversation)], [[1], [1, 2]]);
  assert.deepEqual([peer.of("error"), other.of("error")], [[], []]);
});

each("A command that is wrong is answered by an error, and the connection lives on", async (t, client) => {
  const conversation = await talk(ann);
  const peer = await open(t, client, ann);
  for (const [command, argument, code, field] of [
    ["send", { conversation, body: text }, "invalid_field", "client_msg_id"],
    ["send", { conversation, body: text, client_msg_id: "" }, "invalid_field", "client_msg_id"],
    ["send", { conversation, body: 7, client_msg_id: "one" }, "invalid_field", "body"],
    ["join", { conversation, rev: 9 }, "rev_not_reached", "rev"],
    ["join", { conversation, mode: "all" }, "unknown_field"],
    ["join", conversation, "invalid_json"],
    ["leave", { conversation }, "not_joined"],
    ["typing", { conversation }, "not_joined"],
    ["auth", { token: eve.token }, "other_user"],
    ["auth", { token: "no.such.token" }, "token_refused"],
    ["shout", { conversation }, "unknown_type"],
  ]) {
    const { error, ...more } = await peer.ask(command, argument);
    assert.deepEqual([error?.code, error?.field, more], [code, field, {}], `${command} ${JSON.stringify(argument)}`);
    assert.ok(error.detail);
  }
  const foreign = await talk(eve);
  for (const [command, more] of [["join", {}], ["send", { body: text, client_msg_id: "one" }], ["read", { seq: 1 }]]) {
    assert.equal((await peer.ask(command, { conversation: foreign, ...more })).error?.code, "conversation_not_found", command);
  }
  peer.socket.emit("shout", {});
  await peer.until("an error without an ack is an event", () => peer.of("error").length > 0);
  assert.equal(peer.of("error")[0][1].code, "unknown_type");
  await peer.alive();
  assert.deepEqual(await messages(ann, conversation), []);
});

const missed = await talk(ann, bob);
for (const n of range(1, 4)) await say(bob, missed, `${text} ${n}`);

together("A join with a rev brings what was missed in order, then its ack, then what comes", {
  async prepare(t, client) {
    const peer = await open(t, client, ann);
    assert.deepEqual(await peer.ask("join", { conversation: missed, rev: 2 }), { joined: { conversation_id: missed, rev: 4 } });
    assert.deepEqual(peer.revs(missed), [3, 4], "both before the ack");
    return peer;
  },
  async happen(peers) {
    for (const n of [5, 6]) await say(bob, missed, `${text} ${n}`);
    await all(peers, (peer) => peer.reached(missed, 6));
    await settle();
  },
  judge(peer) {
    const said = peer.of("message.created", missed).map(([, { rev, message }]) => [rev, message.body]);
    assert.deepEqual(said, range(3, 6).map((n) => [n, `${text} ${n}`]));
  },
});

each("Binary data is answered by an error, and the connection lives on", async (t, client) => {
  const conversation = await talk(ann);
  const peer = await open(t, client, ann);
  const data = Buffer.from([0, 1, 30, 127, 128, 250, 255]);
  const { error } = await peer.ask("send", { conversation, body: data, client_msg_id: "one" });
  assert.equal(error?.code, "binary_event");
  peer.socket.emit("picture", data, data);
  await peer.until("there is an error", () => peer.of("error").length > 0);
  assert.equal(peer.of("error")[0][1].code, "binary_event");
  await peer.alive();
  assert.deepEqual(await messages(ann, conversation), []);
});
