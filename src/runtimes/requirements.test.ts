import assert from 'node:assert/strict'
import { test } from 'node:test'
import { differences, parseRequirements } from './requirements.ts'

const INSTALLED = {
  numpy: '2.4.6',
  'scikit-learn': '1.9.1',
  torch: '2.1.0+cu121',
  pandas: '3.1.0rc1',
  odd: '1!2.0.post1',
}

function differing(...lines: string[]): readonly string[] {
  return differences(parseRequirements(lines), INSTALLED)
}

test('what is as wanted differs in nothing', () => {
  assert.deepEqual(
    differing(
      '# a comment',
      '',
      'numpy',
      'NumPy==2.4.6 # pinned',
      'scikit_learn[extra] >= 1.9, < 2',
      'scikit.learn~=1.9.0',
      'numpy~=2.3',
      'numpy==2.4.*',
      'numpy!=2.3.*, !=2.4.5',
      'torch==2.1.0',
      'torch===2.1.0+cu121',
      'torch==2.1.0+cu121',
      'pandas<3.1.0',
      'pandas>=3.1.0b2',
      'pandas>3.1.0.dev5',
      'odd>1!2.0',
      'odd>9000',
      'numpy (>=2)',
      'numpy==2.4.6.0',
    ),
    [],
  )
})

test('what differs is told with what is there and what was wanted', () => {
  assert.deepEqual(differing('numpy==2.4.5', 'Nothing-Like_It>=1'), [
    'numpy is 2.4.6, wanted ==2.4.5',
    'Nothing-Like_It>=1 is not installed',
  ])
  for (const line of [
    'numpy<2.4.6',
    'numpy~=2.3.0',
    'numpy==2.5.*',
    'numpy!=2.4.*',
    'torch==2.1.0+cpu',
    'pandas>=3.1.0',
    'odd<2',
  ]) {
    assert.equal(differing(line).length, 1, line)
  }
})

test('lines that say something else are told apart', () => {
  const lines = [
    '-r other.txt',
    '--hash=sha256:1',
    'numpy; python_version < "3.9"',
    'x @ https://example.com/x.whl',
    './wheel',
    'numpy>=>1',
  ]
  assert.deepEqual(parseRequirements(lines), { wanted: [], unread: lines })
})
