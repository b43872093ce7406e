/**
 * Checks an export of a Bellwether ledger and trusts nobody: it reads files only and knows nothing of Bellwether.
 *   node verify-export.mjs [DIRECTORY] [--proof FILE]… [--head FILE]… [--key BASE64]…
 * DIRECTORY: records.jsonl[.gz], heads.jsonl, keys.json. --head: a signed head kept elsewhere; without, an end cut off
 * with its heads cannot show. --key: an Ed25519 key kept elsewhere; without, a ledger forged whole cannot show. Lines are
 * RFC 8785, the tree RFC 6962; a head is signed over its members but `signature`, `previous` is the last line's SHA-256.
 */
import { hash, verify } from 'node:crypto'
import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { pipeline } from 'node:stream'
import { isDeepStrictEqual, parseArgs } from 'node:util'
import { createGunzip } from 'node:zlib'

let faults = 0
const say = text => process.stdout.write(`${text}\n`)
const fault = text => void (++faults <= 20 && say(`FAULT  ${text}`))
const check = (isRight, text) => isRight || fault(text)
const sha256 = data => hash('sha256', data, 'hex')
const leafOf = record => sha256(Buffer.concat([Buffer.of(0), record]))
const nodeOf = (right, left) => sha256(Buffer.from(`01${left}${right}`, 'hex')) // as reduceRight hands them
const readJson = file => JSON.parse(readFileSync(file, 'utf8'))

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const names = Object.keys(value).sort()
  return `{${names.map(name => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`
}

/** The value of a line; a fault and {} where it is not in its one canonical form. */
function parse(line, where) {
  try {
    const value = JSON.parse(line)
    if (canonical(value) === line && line.isWellFormed()) return value
  } catch {} // is told in the same words
  return fault(`${where} is not canonical JSON, so Bellwether did not write it`) ?? {}
}

/** The lines of a file, in batches, as bytes. */
async function* linesOf(path) {
  const isZipped = !existsSync(path) && existsSync(`${path}.gz`)
  const file = createReadStream(isZipped ? `${path}.gz` : path, { highWaterMark: 1 << 20 })
  let rest = Buffer.alloc(0)
  for await (const chunk of isZipped ? pipeline(file, createGunzip(), () => {}) : file) {
    const data = Buffer.concat([rest, chunk])
    const ends = [-1]
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, end + 1)) ends.push(end)
    yield ends.slice(1).map((end, at) => data.subarray(ends[at] + 1, end))
    rest = data.subarray(ends.at(-1) + 1)
  }
  check(rest.length === 0, `${path} ends in the middle of a line`)
}

function isSigned({ signature, ...head }, keys) {
  const key = keys.find(raw => sha256(Buffer.from(raw, 'base64')).slice(0, 16) === head.keyId)
  if (key === undefined) return false
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(key, 'base64').toString('base64url') }
  return verify(null, Buffer.from(canonical(head)), { key: jwk, format: 'jwk' }, Buffer.from(signature, 'base64'))
}

/** Where an audit path leads from a leaf (RFC 6962 §2.1.1, backwards). */
function rootBy(path, leaf, index, size) {
  if (path.length === 0) return index === 0 && size === 1 ? leaf : ''
  const half = 2 ** Math.ceil(Math.log2(size) - 1)
  const [rest, sibling] = [path.slice(0, -1), path.at(-1)]
  if (index < half) return nodeOf(sibling, rootBy(rest, leaf, index, half))
  return nodeOf(rootBy(rest, leaf, index - half, size - half), sibling)
}

function checkProof(file, known) {
  const { record, index, path, head, publicKey } = readJson(file)
  const { id } = parse(record, `${file}: its record`)
  const root = rootBy(path, leafOf(Buffer.from(record)), index, head.size)
  if (root !== head.root) fault(`${file}: its record is not under its head`)
  else if (!isSigned(head, known ?? [publicKey])) fault(`${file}: its head is not signed by a known key`)
  else say(`PROVEN ${id} is record ${index + 1} of ${head.size}`)
  return { file, head }
}

/** The heads in order, after a look at their signatures and their chain. */
async function readHeads(path, keys) {
  const heads = []
  let previous = '0'.repeat(64)
  for await (const lines of linesOf(path)) {
    for (const line of lines.map(String)) {
      const where = `heads.jsonl, line ${heads.length + 1}`
      const head = parse(line, where)
      check(isSigned(head, keys), `${where} is not signed by a known key`)
      check(head.previous === previous, `${where} does not follow the line before: one was changed, moved or removed`)
      check(!(head.size <= heads.at(-1)?.size), `${where} goes back in size`)
      heads.push(head)
      previous = sha256(line)
    }
  }
  return heads
}

async function checkFolder(folder, known, kept) {
  const { ledger, keys } = readJson(`${folder}/keys.json`)
  const trusted = known ?? keys.map(key => key.publicKey)
  const heads = await readHeads(`${folder}/heads.jsonl`, trusted)
  const roots = new Map([...heads, ...kept.map(({ head }) => head)].map(({ size }) => [size, sha256('')]))
  const stack = [] // roots of complete subtrees, largest first
  const ids = new BigUint64Array(new ArrayBuffer(0, { maxByteLength: 2 ** 32 })) // 8 bytes a record: memory is near constant
  let count = 0
  for await (const lines of linesOf(`${folder}/records.jsonl`)) {
    ids.buffer.resize(8 * (count + lines.length))
    for (const line of lines) {
      let node = leafOf(line)
      for (let rest = count; rest % 2 === 1; rest = (rest - 1) / 2) node = nodeOf(node, stack.pop())
      stack.push(node)
      const end = parse(line.toString(), `record ${++count}`).id?.slice(19).replace('-', '') // the random part of a UUIDv7
      ids[count - 1] = check(/^[0-9a-f]{16}$/.test(end), `record ${count} has no id`) ? BigInt(`0x${end}`) : 0n
      if (roots.has(count)) roots.set(count, stack.reduceRight(nodeOf))
    }
  }
  ids.sort()
  for (let at = 1; at < count; at++) check(ids[at] !== ids[at - 1], `two ids end in ${ids[at].toString(16)}`)
  const wrong = heads.findIndex(({ size, root }) => size <= count && roots.get(size) !== root)
  const agreed = heads.findLast(({ size }, at) => size <= count && (wrong < 0 || at < wrong))?.size ?? 0
  const size = heads.at(-1)?.size ?? 0
  const rest = agreed > 0 ? `records 1 to ${agreed} are as they were signed` : 'no head covers fewer of them'
  check(wrong < 0, `edited, inserted, moved or deleted: one of records ${agreed + 1} to ${heads[wrong]?.size}; ${rest}`)
  check(count <= size, `${count - size} records more than were signed: inserted, or added without a head`)
  check(count >= size, `${size - count} of ${size} records missing: deleted, or the end cut off (truncated); ${rest}`)
  for (const { file, head } of kept) {
    check(isSigned(head, trusted), `${file}: this head is not signed by a known key`)
    if (head.size > count) fault(`${file}: ${head.size} records were signed, here are ${count}: truncated`)
    else check(roots.get(head.size) === head.root, `${file}: records 1 to ${head.size} are not what was signed`)
    check(heads.some(isDeepStrictEqual.bind(null, head)), `${file} is not in heads.jsonl: it was removed or made anew`)
  }
  say(`LEDGER ${ledger}: ${count} records, ${heads.length} heads, the last of ${size} records: ${heads.at(-1)?.root}`)
  if (kept.length === 0) say('NOTE   whether the end was cut off with its heads shows only by --head, kept elsewhere')
}

try {
  const many = { type: 'string', multiple: true, default: [] }
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { proof: many, head: many, key: many } })
  const known = values.key.length > 0 ? values.key : undefined
  const kept = values.head.map(file => ({ file, head: readJson(file) }))
  for (const file of values.proof) kept.push(checkProof(file, known))
  for (const folder of positionals) await checkFolder(folder, known, kept)
  if (known === undefined) say('NOTE   the keys are the ones given with the data; --key takes one kept elsewhere')
  check(positionals.length + values.proof.length > 0, 'nothing to check: a DIRECTORY or --proof FILE is wanted')
} catch (error) {
  fault(`cannot be checked: ${error.message}`)
}
say(faults === 0 ? 'INTACT' : `NOT INTACT: ${faults} faults`)
process.exitCode = faults === 0 ? 0 : 1
