/** Records with explanations, through a killed process, sealing, verification and an export: as they were written. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { httpTransport } from '../../src/client.ts'
import type { PredictionRecord } from '../../src/ledger/record.ts'
import { customers, predict } from '../browser/churn.ts'
import { bellwether, startServer, temporaryFolder } from '../server.ts'
import { logit, registerChurn, sumOf } from './churn.ts'

const ENV = { BELLWETHER_LEDGER_SEGMENT_BYTES_MAX: '30000' }

test('survive a kill -9, are sealed, verified and exported, and add up', async () => {
  const data = temporaryFolder()
  const asked = customers().slice(0, 240)
  try {
    let server = await startServer({ data, env: ENV })
    const registered = await registerChurn({ transport: httpTransport(server.url) }, 'explain: always')
    assert.equal(registered.status, 201)
    const ids = await predict(server, asked.slice(0, 120), 'customer-1')
    await server.kill('SIGKILL')
    server = await startServer({ data, env: ENV })
    try {
      ids.push(...(await predict(server, asked.slice(120), 'customer-1')))
      const to = ['--server', server.url]
      const proof = join(data, 'proof')
      const exported = await bellwether(['audit', 'export', '--output', proof, ...to])
      assert.equal(exported.status, 0, exported.stderr)
      const verified = spawnSync(process.execPath, [join(proof, 'verify-export.mjs'), proof], { encoding: 'utf8' })
      assert.equal(verified.status, 0, verified.stdout)

      const lines = readFileSync(join(proof, 'records.jsonl'), 'utf8').trimEnd().split('\n')
      const records = lines
        .map(line => JSON.parse(line) as PredictionRecord)
        .filter(({ kind }) => kind === 'prediction')
      assert.deepEqual(
        records.map(({ id }) => id),
        ids,
      )
      for (const { explanation, outputs } of records) {
        const { bias, contributions } = explanation!
        const margin = Number(bias) + sumOf(contributions!)
        assert.ok(Math.abs(margin - logit(Number(outputs['churn_probability']))) < 1e-5)
      }

      const raised = records.filter(({ explanation }) => (explanation!.contributions!['age'] as number) > 0.5)
      const where = 'feature = age and contribution > 0.5'
      const found = await bellwether([
        'ledger',
        'query',
        '--where',
        where,
        '--oldest',
        '--limit',
        '1000',
        '--json',
        ...to,
      ])
      const page = JSON.parse(found.stdout) as { records: PredictionRecord[] }
      assert.ok(raised.length > 10)
      assert.deepEqual(page.records, raised)
    } finally {
      await server.kill('SIGTERM')
    }
    const audit = await bellwether(['audit', 'verify', data])
    assert.equal(audit.status, 0, audit.stderr + audit.stdout)
    assert.match(audit.stdout, /segment/)
  } finally {
    rmSync(data, { recursive: true, force: true })
  }
})
