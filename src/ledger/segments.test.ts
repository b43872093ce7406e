import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { texts } from './arbitraries.suite.ts'
import { type Partition, partitionPath } from './segments.ts'

describe('the path of a partition', () => {
  const maybe = fc.option(texts, { nil: undefined })
  const partitions: fc.Arbitrary<Partition> = fc.record({ kind: maybe, model: maybe, version: maybe, date: maybe })

  it('reads as Hive and its followers write it', () => {
    const path = partitionPath(
      12,
      { kind: 'prediction', model: 'churn', version: '1.0.0', date: '2026-11-22' },
      new Set(),
    )
    assert.equal(path, 'kind=prediction/model=churn/date=2026-11-22/00000012-1.0.0.parquet')
    const none = partitionPath(0, { kind: 'change' }, new Set())
    assert.equal(none, 'kind=change/model=__HIVE_DEFAULT_PARTITION__/date=__HIVE_DEFAULT_PARTITION__/00000000.parquet')
    const odd = partitionPath(0, { model: 'Preis/Größe *?', version: '2.0.0-rc.1+5' }, new Set())
    assert.match(odd, /model=Preis%2FGr%C3%B6%C3%9Fe%20%2A%3F\/.*-2\.0\.0-rc\.1%2B5\.parquet$/)
  })

  it('stays in the folder, is no pattern, and fits a file system', () => {
    fc.assert(
      fc.property(partitions, partition => {
        const path = partitionPath(1, partition, new Set())
        assert.match(path, /^kind=[^/]+\/model=[^/]+\/date=[^/]+\/00000001[^/]*\.parquet$/)
        assert.match(path, /^[A-Za-z0-9%=/._~-]*$/)
        for (const part of path.split('/')) assert.ok(part.length < 160 && !part.startsWith('.'), part)
      }),
    )
  })

  it('is another for another partition, also where case is ignored', () => {
    fc.assert(
      fc.property(fc.uniqueArray(partitions, { selector: partition => JSON.stringify(partition) }), all => {
        const taken = new Set<string>()
        const paths = all.map(partition => partitionPath(1, partition, taken).toLowerCase())
        assert.equal(new Set(paths).size, all.length)
      }),
    )
    const taken = new Set<string>()
    const [a, b] = ['churn', 'CHURN'].map(model => partitionPath(1, { model }, taken))
    assert.ok(b!.endsWith('~2.parquet') && !a!.includes('~'))
  })

  it('does not take a model for none', () => {
    const path = partitionPath(1, { model: '__HIVE_DEFAULT_PARTITION__' }, new Set())
    assert.match(path, /model=%5F_HIVE/)
  })
})
