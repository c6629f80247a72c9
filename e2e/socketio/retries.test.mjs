// The client's own retries: an event is sent again until its ack has come.
import assert from "node:assert/strict";
import { GATEWAY2, clients, each, messages, open, register, settle, talk, text } from "./world.mjs";

const [ann, bob] = await Promise.all(["ann", "bob"].map(register));

// hold keeps the first ack to come from the client, as if it were lost, and resolves with it. What is returned gives it back.
const hold = (peer) =>
  new Promise((resolve) => {
    const { onack } = peer.socket;
    peer.socket.onack = (packet) => {
      peer.socket.onack = onack;
      resolve({ message: packet.data[0].message, release: () => onack.call(peer.socket, packet) });
    };
  });

const losses = {
  "lost": () => {},
  "late": ({ release }, again) => again.then(release),
  "lost with its connection": (_, __, peer) => peer.socket.io.engine.close(),
};

for (const [loss, lose] of Object.entries(losses)) {
  each(
    `A send that is repeated since its ack was ${loss} makes one message`,
    async (t, client) => {
      const conversation = await talk(ann, bob);
      const options = { retries: 3, ackTimeout: loss === "lost with its connection" ? 10_000 : 1_500 };
      const [peer, reader] = [await open(t, client, ann, undefined, options), await open(t, client, bob, GATEWAY2)];
      await Promise.all([peer, reader].map((each) => each.ask("join", { conversation })));
      let tries = 0;
      const again = new Promise((resolve) => peer.socket.onAnyOutgoing(() => ++tries === 2 && resolve()));
      const held = hold(peer);
      const sent = new Promise((resolve, reject) => {
        peer.socket.emit("send", { conversation, body: text, client_msg_id: "one" }, (err, answer) => (err ? reject(err) : resolve(answer)));
      });
      const first = await held;
      await Promise.all([lose(first, again, peer), again]);
      assert.deepEqual((await sent).message, first.message);
      await reader.reached(conversation, 1);
      await settle();
      assert.ok(tries >= 2);
      assert.deepEqual(reader.revs(conversation), [1]);
      assert.deepEqual((await messages(bob, conversation)).map(({ id, body }) => [id, body]), [[first.message.id, text]]);
    },
    clients.filter(({ revision }) => revision === 5),
  );
}
