// Prints a field of the JSON on standard input: … | node docs/examples/field.mjs message.id
import { readFileSync } from 'node:fs'

const answer = readFileSync(0, 'utf8')
const names = process.argv[2].split(/[.[\]]+/).filter(Boolean)
const value = names.reduce((v, name) => v?.[name], JSON.parse(answer))
if (value === undefined) {
  console.error(answer)
  process.exit(1)
}
console.log(value)
