// The tutorial's events: who enters a conversation is told of each change to it, and nobody else is.
import assert from "node:assert/strict";
import { GATEWAY1, GATEWAY2, all, call, each, open, register, say, settle, talk, together } from "./world.mjs";

const [ann, bob, eve] = await Promise.all(["ann", "bob", "eve"].map(register));
const [one, two, three, four, other] = await Promise.all([talk(ann, bob), talk(ann, bob), talk(ann, bob), talk(ann, bob), talk(eve)]);

// pair opens a socket of Ann's at one gateway and one of Bob's at the other one, in the conversation.
async function pair(t, client, conversation) {
  const peers = await Promise.all([open(t, client, ann, GATEWAY1), open(t, client, bob, GATEWAY2)]);
  await Promise.all(peers.map((peer) => peer.enter(conversation)));
  return peers;
}

together("Those who enter are told of each stored change once, at both gateways, and a stranger of none", {
  async prepare(t, client) {
    const members = await pair(t, client, one);
    const strangers = await Promise.all([GATEWAY1, GATEWAY2, GATEWAY1].map((url) => open(t, client, eve, url)));
    for (const peer of strangers.slice(1)) {
      peer.socket.emit("enter conversation", one);
      await peer.until("that is refused", () => peer.of("error").length > 0);
    }
    return { members, strangers };
  },
  async happen(groups) {
    const members = groups.flatMap((group) => group.members);
    const message = await say(ann, one);
    await all(members, (peer) => peer.refreshed(one));
    await settle();
    for (const peer of members) peer.first = peer.refreshes(one);
    await call("PATCH", `/v1/messages/${message.id}`, ann.token, { body: "psst-secret, edited" });
    await call("DELETE", `/v1/messages/${message.id}`, ann.token);
    await all(members, (peer) => peer.refreshed(one, 3));
    await settle();
  },
  judge({ members, strangers }) {
    for (const peer of members) {
      assert.equal(peer.first, 1, "the message");
      assert.deepEqual(peer.of("refresh messages", one), Array(3).fill(["refresh messages", one]), "its edit and its removal too");
      assert.deepEqual(peer.of("message.created"), []);
    }
    const [silent, ...entered] = strangers.map((peer) => peer.heard.map(([event, said]) => [event, said?.code]));
    assert.deepEqual(silent, [["connect", undefined]]);
    for (const heard of entered) assert.deepEqual(heard, [["connect", undefined], ["error", "conversation_not_found"]]);
  },
});

together("Who says that there is a new message has no effect: it is stored that counts", {
  async prepare(t, client) {
    const peers = await pair(t, client, two);
    assert.deepEqual(await peers[0].ask("new message", two), {});
    return peers;
  },
  async happen(peers) {
    await settle();
    for (const peer of peers) peer.before = peer.refreshes(two);
    await say(ann, two);
    for (const peer of peers) peer.socket.emit("new message", two);
    await all(peers, (peer) => peer.refreshed(two));
    await settle();
  },
  judge: (peers) => assert.deepEqual(peers.map((peer) => [peer.before, peer.refreshes(two)]), [[0, 1], [0, 1]]),
});

together("Who leaves is told nothing more, whatever the version, until she enters again", {
  prepare: (t, client) => pair(t, client, three).then(([leaver, stayer]) => ({ leaver, stayer })),
  async happen(pairs) {
    await say(bob, three);
    await all(pairs, ({ leaver, stayer }) => all([leaver, stayer], (peer) => peer.refreshed(three)));
    for (const { leaver } of pairs) leaver.left = await leaver.ask("leave conversation", three).catch((err) => err);
    await say(bob, three);
    await say(bob, four);
    await all(pairs, ({ stayer }) => stayer.refreshed(three, 2));
    await settle();
    for (const { leaver } of pairs) leaver.meanwhile = leaver.of("refresh messages");
    await all(pairs, ({ leaver }) => leaver.enter(three));
    await say(bob, three);
  },
  async judge({ leaver, stayer }) {
    assert.deepEqual(leaver.left, {});
    assert.deepEqual(leaver.meanwhile, [["refresh messages", three]], "the one from before");
    await leaver.refreshed(three);
    await stayer.refreshed(three, 3);
  },
});

together("An old client that has entered nothing is told of all its conversations, a new one of none", {
  prepare: (t, client) => Promise.all([GATEWAY1, GATEWAY2].map((url) => open(t, client, ann, url))),
  async happen(peers) {
    const said = await Promise.all([say(bob, one), say(bob, two), say(eve, other)]);
    const told = (peer, { conversation_id, rev }) => peer.of("inbox", conversation_id).some(([, hint]) => hint.rev === rev);
    await all(peers, (peer) => peer.until("hints have come", () => said.slice(0, 2).every((message) => told(peer, message))));
    await settle();
  },
  judge(peers, { revision }) {
    for (const peer of peers) {
      const hints = [one, two].map((conversation) => (revision === 4 ? peer.of("inbox", conversation).length : 0)); // of several changes at once, where they come fast
      assert.deepEqual([one, two, other].map(peer.refreshes), [...hints, 0]);
    }
  },
});

each("An id that is none is refused, and the connection lives on", async (t, client) => {
  const peer = await open(t, client, ann);
  for (const id of [undefined, null, 7, {}, "", "no id", "x".repeat(1000)]) {
    const answer = await peer.ask("enter conversation", id);
    assert.equal(answer.error?.field, "conversation", `of ${JSON.stringify(id)} it says ${JSON.stringify(answer)}`);
  }
  assert.equal((await peer.ask("enter conversation", "0".repeat(24))).error?.code, "conversation_not_found");
  await peer.alive();
});
