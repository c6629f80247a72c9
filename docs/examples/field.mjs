// Prints a field of the JSON on standard input: … | node docs/examples/field.mjs message.id
// Where there is no such field it prints the answer instead, which says why.
import { readFileSync } from 'node:fs'

const answer = readFileSync(0, 'utf8')
const value = field(answer, process.argv[2])
if (value === undefined) {
  console.error(answer.trim() || 'no answer: is it running?')
  process.exit(1)
}
console.log(value)

function field(json, path) {
  try {
    return path.split(/[.[\]]+/).filter(Boolean).reduce((v, name) => v?.[name], JSON.parse(json))
  } catch {
    return undefined // it is no JSON
  }
}
