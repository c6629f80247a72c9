// A gateway dies in the midst of it: clients connect to the other one by themselves.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { FRONT, Peer, clients, control, credentials, range, register, say, settle, talk } from "./world.mjs";

const [ann, bob] = await Promise.all(["ann", "bob"].map(register));
const conversation = await talk(ann, bob);

// join has a client of Confab's own events join with the last rev that it has, whenever it has connected.
function join(t, client) {
  const peer = new Peer(t, client, FRONT, credentials(ann));
  peer.socket.on("connect", () => peer.socket.emit("join", { conversation, rev: peer.revs(conversation).at(-1) ?? 0 }, () => peer.note(["in"])));
  return Object.assign(peer, { entries: 2 });
}

// enter has one of the tutorial's enter once, as that does, or whenever it has connected: the tutorial's are old clients.
function enter(t, client) {
  const peer = new Peer(t, client, FRONT, credentials(bob));
  const ask = () => peer.socket.emit("enter conversation", conversation, () => peer.note(["in"]));
  if (client.revision === 4) peer.socket.once("connect", ask);
  else peer.socket.on("connect", ask);
  return Object.assign(peer, { entries: client.revision === 4 ? 1 : 2 });
}

const cameIn = (peer, times) => peer.until(`it has come in (${times})`, () => peer.of("in").length >= times);

describe("A client whose gateway is killed connects to the other one, and misses and doubles nothing", () => {
  const closing = [];
  const t = { after: (close) => closing.push(close) };
  let joined, entered, last;
  after(() => closing.forEach((close) => close()));

  before(async () => {
    await control("POST", "kill?gateway=2"); // so that all begin at the first
    joined = clients.map((client) => join(t, client));
    entered = clients.map((client) => enter(t, client));
    const all = [...joined, ...entered];
    await Promise.all(all.map((peer) => cameIn(peer, 1)));
    await control("POST", "restart?gateway=2");

    let back = false;
    const saying = (async () => {
      for (let said = 0; said < 20 || !back; said++) last = await say(ann, conversation);
    })();
    await Promise.all(joined.map((peer) => peer.reached(conversation, 10)));
    await control("POST", "kill?gateway=1"); // in the midst of messages
    await Promise.all(all.map((peer) => peer.connected(2)));
    await Promise.all(all.map((peer) => cameIn(peer, peer.entries)));
    back = true;
    await saying;
    await Promise.all([...joined.map((peer) => peer.reached(conversation, last.rev)), settle()]);
    entered.forEach((peer) => (peer.before = peer.refreshes(conversation)));
    last = await say(ann, conversation);
    await control("POST", "restart?gateway=1");
  });

  clients.forEach((client, i) => {
    it(`${client.name}, with Confab's events`, async () => {
      const peer = await joined[i].reached(conversation, last.rev);
      assert.deepEqual(peer.revs(conversation), range(1, last.rev));
      assert.deepEqual([peer.of("connect").length, peer.of("disconnect").length, peer.of("resync")], [2, 1, []]);
    });
    it(`${client.name}, with the tutorial's events`, async () => {
      const peer = entered[i];
      if (client.revision === 5) { // it has entered again
        await peer.refreshed(conversation, peer.before + 1);
        await settle();
        assert.equal(peer.refreshes(conversation), peer.before + 1, "one refresh for the last message");
      } else { // it has not, and hears of all its user's conversations, of several messages at once where they come fast
        await peer.until("the last message is told", () => peer.of("inbox", conversation).some(([, { rev }]) => rev === last.rev));
        await settle();
        const since = peer.heard.slice(peer.heard.findLastIndex(([event]) => event === "connect")).map(([event]) => event);
        assert.deepEqual(since.slice(1), Array(since.length >> 1).fill(["inbox", "refresh messages"]).flat(), "one refresh for each hint");
      }
      assert.deepEqual([peer.of("connect").length, peer.of("disconnect").length], [2, 1]);
    });
  });
});
