// Prints what arrives on a socket: node --experimental-websocket docs/examples/listen.mjs TOKEN CONVERSATION [URL]
// The flag gives Node 20 the WebSocket that browsers and later releases have.
const [token, conversation, url = 'ws://localhost:3000/v1/ws'] = process.argv.slice(2)
if (!conversation) {
  console.error('usage: listen.mjs TOKEN CONVERSATION [URL]')
  process.exit(2)
}

if (!globalThis.WebSocket) {
  console.error('this Node needs the flag: node --experimental-websocket docs/examples/listen.mjs …')
  process.exit(2)
}

const socket = new WebSocket(url)
socket.onerror = () => {
  console.error(`cannot connect to ${url}: is it running?`)
  process.exitCode = 1
}
socket.onopen = () => {
  socket.send(JSON.stringify({ id: 1, type: 'auth', token }))
  socket.send(JSON.stringify({ id: 2, type: 'join', conversation }))
}
socket.onmessage = ({ data }) => console.log(data)
socket.onclose = ({ code, reason }) => console.log(`closed: ${code} ${reason}`)
