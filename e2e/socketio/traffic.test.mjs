// Messages that arrive while the connection changes under them.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, it } from "node:test";
import { TURNS, clients, control, open, range, register, say, talk, text } from "./world.mjs";

const [ann, bob] = await Promise.all(["ann", "bob"].map(register));
const conversation = await talk(ann, bob);

// busy are the tests in which what has to happen among the messages has not happened yet.
const busy = new Set();

// said resolves with the last message's rev.
const said = (async () => {
  for (let n = 0; n < 199 || busy.size > 0; n++) await say(bob, conversation);
  return (await say(bob, conversation)).rev;
})();

// amid makes a test whose first step, which returns sockets, comes among the messages. They all must hear each message once, in order.
function amid(sentence, meet, judge) {
  busy.add(sentence);
  it(sentence, { timeout: 60_000 }, async (t) => {
    const peers = await meet(t).finally(() => busy.delete(sentence));
    const rev = await said;
    for (const peer of peers) {
      await peer.reached(conversation, rev);
      assert.deepEqual(peer.revs(conversation), range(1, rev));
      assert.deepEqual([peer.of("connect").length, peer.of("disconnect"), peer.of("resync"), peer.of("error")], [1, [], [], []]);
    }
    await judge(peers, rev);
  });
}

describe("While 200 messages arrive a client hears each once, in order,", { concurrency: 12 }, () => {
  for (const client of clients) {
    const name = randomUUID();
    amid(
      `though each request goes to another gateway: ${client.name}`,
      async (t) => {
        const peer = await open(t, client, ann, TURNS, { query: { client: name } });
        await peer.ask("join", { conversation, rev: 0 });
        const { message } = await peer.ask("send", { conversation, body: text, client_msg_id: name });
        assert.equal(message?.body, text);
        return [peer];
      },
      async ([peer], rev) => {
        const { requests, away } = await control("GET", `trail?client=${name}`);
        const polls = requests[0] + requests[1];
        assert.ok(Math.abs(requests[0] - requests[1]) <= 1 && (client.transport === "websocket" || polls > rev / 10), `in turns: ${requests}`);
        assert.deepEqual([peer.transport, away], [client.transport, client.upgrades ? 1 : 0], "an upgrade comes to the other gateway too");
      },
    );
  }
  for (const client of clients.filter(({ upgrades }) => upgrades)) {
    amid(
      `though it upgrades then: ${client.name}`,
      async (t) => {
        const peers = [];
        for (const after of [0, 0, 0, 3, 4, 5, 6, 7]) { // polls that are answered before the upgrade is let through
          const peer = await open(t, client, ann, TURNS, { query: { client: randomUUID(), after } });
          const upgraded = peer.upgraded().then(() => peer.revs(conversation).length);
          await peer.ask("join", { conversation, rev: 0 });
          peers.push(Object.assign(peer, { polled: await upgraded }));
        }
        return peers;
      },
      (peers, rev) => {
        for (const peer of peers) assert.equal(peer.transport, "websocket");
        const { polled } = peers.at(-1);
        assert.ok(polled > 0 && polled < rev, `${polled} of ${rev} messages came before the last upgrade`);
      },
    );
  }
});
