/** `bellwether explain`, as people type it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { bellwether, withServer } from '../server.ts'
import { ROW } from './churn.ts'

const MODEL = new URL('../../examples/churn/model.yaml', import.meta.url).pathname

test('bellwether explain tells what moved an answer, rows of a file, and what moves all answers', async () => {
  await withServer({}, async server => {
    const to = ['--server', server.url]
    const run = (...args: readonly string[]) => bellwether(['explain', ...args, ...to], { NO_COLOR: '1' })
    assert.equal((await bellwether(['register', MODEL, ...to])).status, 0)
    const file = join(server.data, 'rows.jsonl')
    writeFileSync(file, `${JSON.stringify(ROW)}\n${JSON.stringify({ ...ROW, num_products: 3 })}\n`)
    const rows = await run('churn', '--input', file, '--purpose', 'retention-offer', '--json')
    assert.equal(rows.status, 0, rows.stderr)
    const { explanations } = JSON.parse(rows.stdout) as { explanations: { id: string }[] }
    assert.equal(explanations.length, 2)

    const one = await run('--prediction', explanations[0]!.id, '--top', '2')
    assert.match(one.stdout, /tree-shap, contributions in log-odds, kept with the prediction/)
    assert.match(one.stdout, /num_products +-0\.84\d+ +-0\.12/)
    assert.match(one.stdout, /5 others/)
    assert.match(one.stdout, /average +-1\.391/)
    assert.match(one.stdout, /Num products \(2\) lowers churn probability/)

    const all = await run('churn@1.0.0', '--top', '3')
    assert.match(all.stdout, /^churn@1\.0\.0: 2 explained predictions/)
    assert.match(all.stdout, /num_products/)

    for (const [args, status, said] of [
      [[], 64, /no model is named/],
      [['churn', '--input', join(server.data, 'none.json')], 66, /Cannot read/],
      [['churn', '--input', file, '--prediction', 'x'], 64, /wanted one of them/],
      [['churn', '--input', file, '--method', 'magic'], 65, /method is "magic"/],
      [['nobody'], 66, /nobody/],
      [['--prediction', 'x'], 66, /there is none/],
    ] as const) {
      const ended = await run(...args)
      assert.deepEqual([args, ended.status], [args, status], ended.stderr)
      assert.match(ended.stderr, said)
    }
  })
})
