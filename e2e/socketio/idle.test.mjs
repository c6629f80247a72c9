// A client that has nothing to say and hears nothing, for longer than the two ends leave each other without a sign.
import assert from "node:assert/strict";
import { FRONT, TURNS, each, open, register, say, talk } from "./world.mjs";

const [ann, bob] = await Promise.all(["ann", "bob"].map(register));
const conversation = await talk(ann, bob);

// sign resolves with the first ping that the server has sent, or answered in the old versions.
const sign = ({ socket }, { revision }) => new Promise((resolve) => (revision === 5 ? socket.io.once("ping", resolve) : socket.once("pong", resolve)));

each("A client that hears nothing for 25 seconds stays connected", async (t, client) => {
  const peers = await Promise.all([FRONT, TURNS].map((url) => open(t, client, ann, url, { query: { client: `idle ${client.name}` } })));
  for (const peer of peers) await peer.enter(conversation);
  const broken = new Promise((resolve) => peers.forEach(({ socket }) => socket.once("disconnect", resolve)));
  await Promise.race([broken, Promise.all(peers.map((peer) => sign(peer, client)))]);
  for (const peer of peers) await peer.alive();
  await say(bob, conversation);
  for (const peer of peers) await peer.refreshed(conversation);
});
