import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from '../errors.ts'
import type { LoadedModel } from './lane.ts'
import { warmBeforeMove } from './warm.ts'

function world(loaded: readonly string[], failure?: Error) {
  const asked: string[] = []
  const move = warmBeforeMove({
    isLoaded: (model, version) => loaded.includes(`${model}@${version}`),
    get: async (model, version) => {
      asked.push(`${model}@${version}`)
      if (failure !== undefined) throw failure
      return {} as LoadedModel
    },
  })
  return { asked, move }
}

test('the version that traffic moves to is loaded first, where the one it leaves is in memory', async () => {
  const { asked, move } = world(['a@1.0.0'])
  await move({ model: 'a', alias: 'champion', from: '1.0.0', to: '2.0.0' })
  assert.deepEqual(asked, ['a@2.0.0'])
})

test('a model that nobody asks for, and an alias that is new, load nothing', async () => {
  const { asked, move } = world(['b@1.0.0'])
  await move({ model: 'a', alias: 'champion', from: '1.0.0', to: '2.0.0' })
  await move({ model: 'b', alias: 'challenger', from: undefined, to: '2.0.0' })
  assert.deepEqual(asked, [])
})

test('a version that cannot be loaded stops the move, and says what goes on answering', async () => {
  const { move } = world(['a@1.0.0'], new Problem('corrupt', 'Cannot load the artifact: it is damaged'))
  await assert.rejects(move({ model: 'a', alias: 'champion', from: '1.0.0', to: '2.0.0' }), {
    code: 'corrupt',
    message: 'Cannot move the alias champion to a@2.0.0: it cannot be loaded (it is damaged); 1.0.0 goes on answering',
  })
  const broken = world(['a@1.0.0'], new TypeError('ours'))
  await assert.rejects(broken.move({ model: 'a', alias: 'champion', from: '1.0.0', to: '2.0.0' }), TypeError)
})
