// A socket that notes what it hears.
import assert from "node:assert/strict";

const waiting = 15_000; // milliseconds, for what has to come

// Peer is a socket that notes what it hears, [event, ...arguments], in order. It is closed at the test's end.
export class Peer {
  heard = [];
  #waiters = new Set();

  constructor(t, client, url, options) {
    const backoff = { reconnectionDelay: 50, reconnectionDelayMax: 500 };
    this.socket = client.io(url, { forceNew: true, ...backoff, ...client.options, ...options });
    for (const name of ["connect", "disconnect", "connect_error", "error"]) {
      this.socket.on(name, (...args) => this.note([name, ...args.map((arg) => (arg instanceof Error ? { message: arg.message, data: arg.data } : arg))]));
    }
    const { onevent } = this.socket; // of which all events come, whatever they are called
    this.socket.onevent = (packet) => {
      if (packet.data[0] !== "error") this.note([...packet.data]);
      onevent.call(this.socket, packet);
    };
    t.after(() => this.socket.close());
  }

  note(event) {
    this.heard.push(event);
    for (const waiter of this.#waiters) waiter();
  }

  // until waits until what() is true of what was heard.
  until(sentence, what) {
    return new Promise((resolve, reject) => {
      const tell = () => reject(new Error(`in ${waiting} ms it was not so that ${sentence}; heard: ${JSON.stringify(this.heard.slice(-20))}`));
      const timer = setTimeout(tell, waiting);
      const waiter = () => {
        if (!what()) return;
        clearTimeout(timer);
        this.#waiters.delete(waiter);
        resolve(this);
      };
      this.#waiters.add(waiter);
      waiter();
    });
  }

  connected = (times = 1) => this.until(`it has connected (${times})`, () => this.of("connect").length >= times);

  upgraded = () => new Promise((resolve) => (this.transport === "websocket" ? resolve() : this.socket.io.engine.once("upgrade", () => resolve())));

  of = (name, conversation) => this.heard.filter(([event, about]) => event === name && (!conversation || (about.conversation_id ?? about) === conversation));

  refreshes = (conversation) => this.of("refresh messages", conversation).length;

  // clear forgets what it has heard of an event.
  clear = (name) => (this.heard = this.heard.filter(([event]) => event !== name));

  refreshed = (conversation, times = 1) => this.until(`it was told to refresh (${times})`, () => this.refreshes(conversation) >= times);

  revs = (conversation) => this.of("message.created", conversation).map(([, event]) => event.rev);

  reached = (conversation, rev) => this.until(`rev ${rev} has come`, () => this.revs(conversation).includes(rev));

  // ask resolves with what the command's ack holds.
  ask(command, ...args) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ack of ${command} in ${waiting} ms; heard: ${JSON.stringify(this.heard.slice(-20))}`)), waiting);
      this.socket.emit(command, ...args, (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
    });
  }

  // alive wants an answer, on the first connection. It is none to a ping: in the old clients' own words that is something else, and they do not send it.
  async alive() {
    assert.deepEqual(await this.ask("new message", "0".repeat(24)), {});
    assert.deepEqual([this.of("connect").length, this.of("disconnect")], [1, []]);
  }

  async enter(conversation) {
    const { joined } = await this.ask("enter conversation", conversation);
    assert.equal(joined?.conversation_id, conversation);
    this.clear("refresh messages"); // of the conversation's beginning, which old clients may be told of
  }

  get transport() {
    return this.socket.io.engine.transport.name;
  }
}
