import assert from 'node:assert/strict'
import { cp, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Duck, openDuck } from '../../src/ledger/duck.ts'
import { engineIn, type LedgerWorld, ledgerWorld, predictionText } from '../../src/ledger/ledger-world.suite.ts'
import { manifestPath, readManifest } from '../../src/ledger/segments.ts'
import { verifyWith } from '../../src/ledger/verify.ts'

/** A ledger as it was before a seal and after it; what lies between, a crash can leave. */
describe('what a crash leaves of a seal', () => {
  let world: LedgerWorld
  let duck: Duck
  let unsealed: string
  let sealed: string
  const texts: string[] = []
  before(async () => {
    world = await ledgerWorld()
    duck = await openDuck({ memory: '128MB', threads: 1 })
    unsealed = `${world.folder}-unsealed`
    sealed = `${world.folder}-sealed`
    const ledger = await world.open()
    for (let index = 0; index < 60; index++) texts.push(predictionText(world, index, { version: `1.${index % 3}.0` }))
    await ledger.append(texts)
    await ledger.close()
    await cp(world.folder, unsealed, { recursive: true })
    const again = await world.open()
    await again.seal()
    await again.close()
    await cp(world.folder, sealed, { recursive: true })
  })
  after(async () => {
    duck.close()
    await world.close()
  })

  const check = async (): Promise<void> => {
    const ledger = await world.open()
    const lines: string[] = []
    for await (const batch of ledger.lines()) lines.push(...batch)
    assert.deepEqual(lines, texts)
    await ledger.seal()
    await ledger.close()
    const options = { publicKeys: [world.signer.publicKey] }
    const report = await verifyWith([engineIn(duck, world.folder)], world.folder, options)
    assert.deepEqual([report.faults, report.records, report.sealed, report.segments], [[], 60, 60, 1])
    assert.deepEqual(world.logged, [])
  }

  const resume = async (from: string): Promise<string> => {
    await rm(world.folder, { recursive: true })
    await cp(from, world.folder, { recursive: true })
    const staging = join(world.folder, 'sealing', '0')
    await mkdir(staging, { recursive: true })
    return staging
  }

  it('is taken back where files were being written', async () => {
    const { files } = await readManifest(sealed, 0)
    const staging = await resume(unsealed)
    await cp(join(sealed, files[0]!.path), join(staging, '0.parquet'))
    await writeFile(join(staging, '1.parquet'), 'half of a file')
    await check()
  })

  it('is taken back where files were being moved', async () => {
    const { files } = await readManifest(sealed, 0)
    const staging = await resume(unsealed)
    await writeFile(join(staging, 'places.json'), JSON.stringify(files.map(({ path }) => path)))
    const path = join(world.folder, files[0]!.path)
    await mkdir(dirname(path), { recursive: true })
    await cp(join(sealed, files[0]!.path), path)
    await cp(join(sealed, files[1]!.path), join(staging, '1.parquet'))
    await check()
  })

  it('is taken back where all but the manifest was done, its half written one included', async () => {
    const { files } = await readManifest(sealed, 0)
    const staging = await resume(unsealed)
    await writeFile(join(staging, 'places.json'), JSON.stringify(files.map(({ path }) => path)))
    for (const { path } of files) await cp(join(sealed, path), join(world.folder, path))
    await mkdir(join(world.folder, 'segments'))
    await writeFile(`${manifestPath(world.folder, 0)}.tmp`, '{"format":')
    await check()
  })

  it('is finished where the manifest was written', async () => {
    const { files } = await readManifest(sealed, 0)
    const staging = await resume(sealed)
    await writeFile(join(staging, 'places.json'), JSON.stringify(files.map(({ path }) => path)))
    const journal = (await readdir(join(unsealed, 'journal'))).filter(name => name.endsWith('.jsonl'))
    for (const name of journal) await cp(join(unsealed, 'journal', name), join(world.folder, 'journal', name))
    await check()
  })

  it('is no reason to begin where a manifest is missing between others', async () => {
    await resume(sealed)
    await rename(manifestPath(world.folder, 0), manifestPath(world.folder, 1))
    await assert.rejects(world.open(), { code: 'corrupt', message: /00000000\.json is missing/ })
  })
})
