import assert from 'node:assert/strict'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { crc32 } from 'node:zlib'
import { type Duck, openDuck } from '../../src/ledger/duck.ts'
import type { SignedHead } from '../../src/ledger/evidence.ts'
import { engineIn, idOf, type LedgerWorld, ledgerWorld, predictionText } from '../../src/ledger/ledger-world.suite.ts'
import { type Manifest, manifestPath } from '../../src/ledger/segments.ts'
import { type VerifyOptions, type VerifyReport, verifyLedger, verifyWith } from '../../src/ledger/verify.ts'

const SEALED = 600
const UNSEALED = 50

describe('audit verify', () => {
  let world: LedgerWorld
  let head: SignedHead
  let duck: Duck
  const texts: string[] = []
  before(async () => {
    world = await ledgerWorld()
    duck = await openDuck({ memory: '256MB', threads: 1 })
    const ledger = await world.open()
    const append = async (count: number): Promise<void> => {
      const made = Array.from({ length: count }, (_, index) =>
        predictionText(world, texts.length + index, index % 3 === 0 ? { version: '1.1.0', subject: 'a subject' } : {}),
      )
      texts.push(...made)
      await ledger.append(made)
    }
    await append(SEALED / 2)
    await ledger.head()
    await append(SEALED / 2 - 1)
    const odd = predictionText(world, 0, { features: { nested: { a: 1 } }, unknown: 'member' })
    texts.push(odd)
    await ledger.append([odd])
    await ledger.seal()
    await append(UNSEALED)
    head = await ledger.head()
    await ledger.close()
  })
  after(async () => {
    duck.close()
    await world.close()
  })

  const verify = (folder: string, options: Partial<VerifyOptions> = {}): Promise<VerifyReport> =>
    verifyWith([engineIn(duck, folder)], folder, { publicKeys: [world.signer.publicKey], ...options })

  /** Verifies a copy after `change` had its way with it. */
  const tampered = async (
    change: (folder: string) => Promise<void>,
    options: Partial<VerifyOptions> = {},
  ): Promise<VerifyReport> => {
    const folder = `${world.folder}-copy`
    await cp(world.folder, folder, { recursive: true })
    try {
      await change(folder)
      return await verify(folder, options)
    } finally {
      await rm(folder, { recursive: true })
    }
  }

  const found = (report: VerifyReport): string => {
    assert.equal(report.ok, false)
    return report.faults.map(({ what }) => what).join('\n')
  }

  const manifestOf = async (folder: string): Promise<Manifest> =>
    JSON.parse(await readFile(manifestPath(folder, 0), 'utf8')) as Manifest

  /** Rewrites the segment's first Parquet file by SQL on its rows. */
  const rewrite = async (folder: string, sql: (source: string) => string): Promise<void> => {
    const path = join(folder, (await manifestOf(folder)).files[0]!.path)
    await duck.use(async connection => {
      await connection.run(
        `CREATE OR REPLACE TABLE rows AS SELECT * FROM read_parquet('${path}', hive_partitioning = false)`,
      )
      await connection.run(`COPY (${sql('rows')}) TO '${path}' (FORMAT parquet)`)
    })
  }

  const journalPath = async (folder: string): Promise<string> => {
    const names = await readdir(join(folder, 'journal'))
    return join(folder, 'journal', names.find(name => name.endsWith('.jsonl'))!)
  }

  const line = (text: string): string => `${text}\t${crc32(text).toString(16).padStart(8, '0')}\n`

  const editJournal = async (folder: string, edit: (lines: string[]) => string[]): Promise<void> => {
    const path = await journalPath(folder)
    const lines = (await readFile(path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map(whole => whole.slice(0, -9))
    await writeFile(path, edit(lines).map(line).join(''))
  }

  it('proves a ledger that nobody changed, and measures it', async () => {
    const done: number[] = []
    const { publicKey } = world.signer
    const options = { publicKeys: [publicKey], head, progress: (count: number) => void done.push(count) }
    const report = await verifyLedger(world.folder, { ...options, engines: 2, memory: '256MB' })
    assert.deepEqual(report.faults, [])
    assert.deepEqual(report.notes, [])
    const { ok, records, proven, sealed, segments } = report
    assert.deepEqual(
      { ok, records, proven, sealed, segments },
      { ok: true, records: 650, proven: 650, sealed: 600, segments: 1 },
    )
    assert.ok(report.bytes.sealed > 1000 && report.bytes.journal > 1000 && report.bytes.tree === 650 * 32 + 2 * 32)
    assert.equal(done.at(-1), 650)
    assert.deepEqual(report.newestHead, head)
  })

  it('names the record of which a column was edited', async () => {
    const report = await tampered(folder =>
      rewrite(
        folder,
        rows =>
          `SELECT * REPLACE (if(position = 3, 0.5, output_churn_probability) AS output_churn_probability) FROM ${rows}`,
      ),
    )
    assert.match(found(report), /record 3 was changed: not what was signed by the head of .* over 300 records/)
    assert.match(found(report), /is not the file that was sealed/)
    assert.equal(report.faults.find(({ position }) => position !== undefined)?.position, 3)
  })

  it('names the stretch where the hashes beside the ledger are gone', async () => {
    const report = await tampered(async folder => {
      await rewrite(folder, rows => `SELECT * REPLACE (if(position = 3, 'key:other', actor) AS actor) FROM ${rows}`)
      await rm(join(folder, 'tree'), { recursive: true })
    })
    assert.match(found(report), /records 0 to 299 are not what was signed: they do not give the root of the head/)
    assert.equal(report.proven, 0)
  })

  it('finds a row that was removed, one that is there twice, and one put in', async () => {
    const removed = await tampered(folder => rewrite(folder, rows => `SELECT * FROM ${rows} WHERE position <> 3`))
    assert.match(found(removed), /record 3 is missing/)
    const doubled = await tampered(folder =>
      rewrite(folder, rows => `SELECT * FROM ${rows} UNION ALL SELECT * FROM ${rows} WHERE position = 3`),
    )
    assert.match(found(doubled), /record 3 is there 2 times/)
    const put = await tampered(folder =>
      rewrite(
        folder,
        rows => `SELECT * FROM ${rows} UNION ALL SELECT * REPLACE (4000 AS position) FROM ${rows} WHERE position = 3`,
      ),
    )
    assert.match(found(put), /holds a record 4000 that is not of its segment/)
  })

  it('finds records that changed places', async () => {
    const swapped = `CASE position WHEN 3 THEN 6 WHEN 6 THEN 3 ELSE position END AS position`
    const report = await tampered(folder =>
      rewrite(folder, rows => `SELECT * REPLACE (${swapped}) FROM ${rows} ORDER BY position`),
    )
    assert.match(found(report), /records 3, 6 were changed/)
  })

  it('finds columns that say something else than the record that is proven', async () => {
    const whole = (rows: string): string =>
      `SELECT * REPLACE (if(position = 3, to_json('${texts[3]!.replaceAll("'", "''")}'), rest) AS rest, ` +
      `if(position = 3, 0.5, output_churn_probability) AS output_churn_probability) FROM ${rows}`
    assert.match(
      found(await tampered(folder => rewrite(folder, whole))),
      /the columns of record 3 do not say what the record says/,
    )
    const moved = (rows: string): string =>
      `SELECT * REPLACE (if(position = 3, '{"outputs":' || to_json({churn_probability: output_churn_probability}) || '}', rest) AS rest, ` +
      `if(position = 3, NULL, output_churn_probability) AS output_churn_probability) FROM ${rows}`
    assert.match(found(await tampered(folder => rewrite(folder, moved))), /the columns of record 3 do not say/)
    const added = (rows: string): string => `SELECT *, 1.5 AS output_score FROM ${rows}`
    assert.match(found(await tampered(folder => rewrite(folder, added))), /has other columns than a file of its kind/)
  })

  it('finds a manifest that hides records from queries', async () => {
    const change = async (edit: (manifest: Manifest) => unknown): Promise<string> =>
      found(
        await tampered(async folder => {
          const path = manifestPath(folder, 0)
          await writeFile(path, JSON.stringify(edit(await manifestOf(folder))))
        }),
      )
    const files = (edit: object) => (manifest: Manifest) => ({
      ...manifest,
      files: [{ ...manifest.files[0], ...edit }, ...manifest.files.slice(1)],
    })
    assert.match(await change(files({ atMax: 5, atMin: 4 })), /the ranges differ/)
    assert.match(await change(files({ version: '9.0.0' })), /the ranges differ|does not lie where/)
    assert.match(await change(files({ model: 'other' })), /does not lie where its manifest says/)
    assert.match(await change(files({ rows: 1 })), /its manifest says 1/)
    assert.match(
      await change(manifest => ({ ...manifest, head: { ...manifest.head, at: 1 } })),
      /names a head that is not in heads.jsonl/,
    )
    assert.match(await change(manifest => ({ ...manifest, first: 5 })), /begins with record 5/)
    assert.match(await change(() => 'nothing'), /is not a manifest of segment 0/)
  })

  it('finds a segment that was removed, a file that is missing, and one that is too many', async () => {
    assert.match(
      found(await tampered(folder => rm(manifestPath(folder, 0)))),
      /begins with record 600, 0 come before it|no part of the ledger/,
    )
    const missing = await tampered(async folder => rm(join(folder, (await manifestOf(folder)).files[1]!.path)))
    assert.match(found(missing), /cannot be read/)
    const stray = await tampered(async folder => {
      const path = (await manifestOf(folder)).files[0]!.path
      await cp(join(folder, path), join(folder, path.replace('1.0.0', '9.9.9').replace('1.1.0', '9.9.8')))
    })
    assert.match(found(stray), /is no part of the ledger/)
  })

  it('finds edits, insertions, exchanges and deletions in the journal', async () => {
    const edited = await tampered(folder =>
      editJournal(folder, lines => lines.with(4, lines[4]!.replace('"age":', '"age":1'))),
    )
    assert.match(found(edited), /record 604 was changed/)
    const unsummed = await tampered(async folder => {
      const path = await journalPath(folder)
      await writeFile(
        path,
        (await readFile(path, 'utf8')).replace('"requestId":"request-604"', '"requestId":"request-999"'),
      )
    })
    assert.match(found(unsummed), /the checksum of record 604 does not fit/)
    assert.match(found(unsummed), /record 604 was changed/)
    const swapped = await tampered(folder => editJournal(folder, lines => lines.with(4, lines[5]!).with(5, lines[4]!)))
    assert.match(found(swapped), /records 604, 605 were changed/)
    const put = await tampered(folder => editJournal(folder, lines => lines.toSpliced(4, 0, lines[5]!)))
    assert.match(found(put), /records 604, /)
    const removed = await tampered(folder => editJournal(folder, lines => lines.toSpliced(4, 1)))
    assert.match(found(removed), /the ledger ends after 649 records, .* covers 1 more: they were cut off or damaged/)
  })

  it('finds the end cut off, with its heads only by a head kept elsewhere', async () => {
    const cut = (folder: string): Promise<void> => editJournal(folder, lines => lines.slice(0, 10))
    assert.match(
      found(await tampered(cut)),
      /the ledger ends after 610 records, the head of .* covers 40 more: they were cut off or damaged/,
    )
    const cutAll = async (folder: string): Promise<void> => {
      await cut(folder)
      const path = join(folder, 'heads.jsonl')
      const heads = (await readFile(path, 'utf8')).trimEnd().split('\n')
      await writeFile(path, `${heads.slice(0, -1).join('\n')}\n`)
    }
    assert.equal((await tampered(cutAll)).ok, true)
    assert.match(found(await tampered(cutAll, { head })), /the head kept elsewhere .* covers 40 more/)
  })

  it('finds heads that were changed, removed, or signed by somebody else', async () => {
    const edit = async (change: (lines: string[]) => string[]): Promise<string> =>
      found(
        await tampered(async folder => {
          const path = join(folder, 'heads.jsonl')
          await writeFile(path, `${change((await readFile(path, 'utf8')).trimEnd().split('\n')).join('\n')}\n`)
        }),
      )
    assert.match(await edit(lines => lines.slice(1)), /does not follow the head before it/)
    assert.match(
      await edit(lines => lines.with(0, lines[0]!.replace(/"size":\d+/, '"size":5'))),
      /is not signed with a key/,
    )
    assert.match(await edit(lines => ['nothing', ...lines]), /line 1 of .* is no signed head/)
    const other = await verify(world.folder, { publicKeys: [Buffer.alloc(32).toString('base64')] })
    assert.match(found(other), /is not signed with a key of this ledger/)
  })

  it('takes a torn tail and records after the newest head for what they are', async () => {
    const report = await tampered(async folder => {
      const path = await journalPath(folder)
      const more = line(predictionText(world, 9))
      await writeFile(path, (await readFile(path, 'utf8')) + more + more.slice(0, 40))
    })
    assert.equal(report.ok, true)
    assert.deepEqual([report.records, report.proven], [651, 650])
    assert.match(
      report.notes.join('\n'),
      /ends with 40 damaged bytes after 51 records, as a crash may leave it\n1 records came after/,
    )
  })

  it('says that the hashes beside the ledger are wrong, which is no fault of the ledger', async () => {
    const report = await tampered(async folder => {
      const path = join(folder, 'tree', 'level-0.bin')
      const hashes = await readFile(path)
      hashes[40]! ^= 1
      await writeFile(path, hashes)
    })
    assert.equal(report.ok, true)
    assert.match(report.notes.join(), /it is a cache and can be removed/)
  })

  it('works beside whoever writes and seals', async () => {
    const other = await ledgerWorld()
    const ledger = await other.open({ segmentBytesMax: 40_000 })
    let isVerifying = true
    const write = async (): Promise<number> => {
      let count = 0
      for (; isVerifying && count < 5000; count += 10) {
        await ledger.append(Array.from({ length: 10 }, (_, index) => predictionText(other, count + index)))
        if (count % 500 === 0) await ledger.head()
      }
      return count
    }
    const check = async (): Promise<number[]> => {
      const sizes: number[] = []
      for (let segments = 0; segments < 6; ) {
        const publicKeys = [other.signer.publicKey]
        const report = await verifyWith([engineIn(duck, other.folder)], other.folder, { publicKeys })
        assert.deepEqual(report.faults, [])
        assert.ok(report.proven <= report.records)
        sizes.push(report.records)
        segments = report.segments
      }
      isVerifying = false
      return sizes
    }
    const [written, sizes] = await Promise.all([write(), check()])
    assert.ok(sizes.length > 2 && sizes.at(-1)! <= written, `${sizes} of ${written}`)
    await other.close()
  })

  it('refuses a folder without a ledger, and stops when it is told to', async () => {
    await assert.rejects(verify(`${world.folder}/nothing`), { code: 'not_found' })
    await assert.rejects(verify(world.folder, { signal: AbortSignal.abort() }), { name: 'AbortError' })
  })

  it('finds each record by its id in a ledger that is opened again', async () => {
    const ledger = await world.open()
    for (const index of [0, 3, 599, 600, 649]) assert.equal(await ledger.findText(idOf(texts[index]!)), texts[index])
    await ledger.close()
  })
})
