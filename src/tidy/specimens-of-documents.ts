/** Bad documents and lockfiles for each rule about them, and good ones beside. */
import type { Specimens, Tree } from './specimen.ts'

const manifest = (name: string): Tree => ({ 'package.json': JSON.stringify({ dependencies: { [name]: '^1.0.0' } }) })
const development: Tree = { 'package.json': JSON.stringify({ devDependencies: { left: '^1.0.0' } }) }
const lockfile = (members: Readonly<Record<string, string>>): Tree => ({
  'package-lock.json': JSON.stringify({ packages: { '': {}, 'node_modules/left': { version: '1.2.3', ...members } } }),
})
const row = (name: string, version: string, licence: string): Tree => ({
  'docs/dependencies.md': `# Dependencies\n\n| package | version | licence | why |\n|---|---|---|---|\n| \`${name}\` | ${version} | ${licence} | why |\n`,
})

export const SPECIMENS_OF_DOCUMENTS: Readonly<Record<string, Specimens>> = {
  'a document has one title': {
    bad: [
      ['docs/a.md: has 2 titles', { 'docs/a.md': '# One\n\n# Two\n' }],
      ['README.md: has 0 titles', { 'README.md': '## Part\n\n```sh\n# a comment of a shell\n```\n' }],
    ],
    good: { 'docs/a.md': '# One\n\n## Part\n\n```sh\n# a comment of a shell\n```\n' },
  },
  'links in documents lead somewhere': {
    bad: [
      ['docs/a.md:2: links to b.md, which is not there', { 'docs/a.md': '# A\nSee [b](b.md).\n' }],
      ['README.md:1: links to src/lost/, which is not there', { 'README.md': '[`src`](src/lost/)\n', 'src/a.ts': '' }],
      [
        'docs/a.md:1: links to ../README.md#parts, where no heading is called so',
        { 'docs/a.md': '[parts](../README.md#parts)\n', 'README.md': '# All\n## The parts\n```\n# parts\n```\n' },
      ],
      ['docs/a.md:1: links to #below, where no heading', { 'docs/a.md': '[below](#below)\n' }],
    ],
    good: {
      'docs/a.md':
        '# A\n[b](b.md#the-2-parts), [code](../src/), [data](../x/a.csv) [out](https://example.org/x) `[no](link)`\n[down](#a)\n',
      'docs/b.md': '# B\n## The 2 *parts*\n```\n[no](link)\n```\n',
      'src/a.ts': '',
      'x/a.csv': 'a,b',
    },
  },
  'commands in documents exist': {
    bad: [
      [
        'README.md: names «npm run demos»',
        { 'README.md': '`npm run demos`\n', 'package.json': '{"scripts":{"demo":"x"}}' },
      ],
    ],
    good: {
      'README.md': '`npm ci && npm run demo -- --exit`, `npm run test:long`\n',
      'package.json': '{"scripts":{"demo":"x","test:long":"y"}}',
    },
  },
  'docs/dependencies.md tells what is installed': {
    bad: [
      [
        'docs/dependencies.md: has no row for left, which package.json names',
        { ...manifest('left'), ...lockfile({ license: 'MIT' }) },
      ],
      [
        'docs/dependencies.md:5: has a row for right, which package.json does not name',
        { ...row('right', '1.2.3', 'MIT'), ...lockfile({ license: 'MIT' }), 'package.json': '{}' },
      ],
      [
        'docs/dependencies.md:5: says left 1.2.2, installed is 1.2.3',
        { ...manifest('left'), ...row('left', '1.2.2', 'MIT'), ...lockfile({ license: 'MIT' }) },
      ],
      [
        'docs/dependencies.md:5: says left is under MIT, its package says ISC',
        { ...manifest('left'), ...row('left', '1.2.3', 'MIT'), ...lockfile({ license: 'ISC' }) },
      ],
      [
        'docs/dependencies.md:5: has a row for right, which package-lock.json does not hold',
        { ...manifest('right'), ...row('right', '1.2.3', 'MIT'), ...lockfile({ license: 'MIT' }) },
      ],
    ],
    good: { ...manifest('left'), ...row('left', '1.2.3', 'MIT'), ...lockfile({ license: 'MIT' }) },
  },
  'what is installed is imported, and what is imported is installed': {
    bad: [
      ['src/a.ts:1: imports left, which is not in dependencies', { 'src/a.ts': "import 'left'\n", ...development }],
      ['test/a.ts:1: imports right, which is not in package.json', { 'test/a.ts': "import 'right/x.js'\n" }],
      [
        'package.json: has the dependency left, which the program',
        { ...manifest('left'), 'src/a.test.ts': "import 'left'\n" },
      ],
      ['package.json: has the development dependency left, which nothing uses', development],
    ],
    good: {
      'package.json': JSON.stringify({
        dependencies: { '@a/left': '1' },
        devDependencies: { '@types/node': '1', right: '1', drawn: '1', tool: '1' },
        scripts: { ok: 'prepare && tool-bin --fast' },
      }),
      'package-lock.json': JSON.stringify({ packages: { 'node_modules/tool': { bin: { 'tool-bin': 'x.js' } } } }),
      'src/a.ts': "import { a } from '@a/left/lib/a.js'\nimport 'node:fs'\nimport type { R } from 'right'\n",
      'src/ui/chart.ts': "import { h } from 'drawn'\n",
      'src/a.test.ts': "import 'right'\nread('docs/a.md')\n",
      'docs/a.md': '',
    },
  },
  'licences are permissive': {
    bad: [
      ['package-lock.json: node_modules/left is under AGPL-3.0', lockfile({ license: 'AGPL-3.0' })],
      ['package-lock.json: node_modules/left is under no stated licence', lockfile({})],
      ['package-lock.json: node_modules/left is under MIT AND GPL-2.0', lockfile({ license: 'MIT AND GPL-2.0' })],
      ['package-lock.json: node_modules/left is under MPL-2.0', lockfile({ license: 'MPL-2.0' })],
    ],
    good: {
      'package-lock.json': JSON.stringify({
        packages: {
          'node_modules/left': { license: '(GPL-2.0 OR MIT)' },
          'node_modules/right': { license: 'MPL-2.0', dev: true },
        },
      }),
    },
  },
  'the lockfile names no registry': {
    bad: [
      [
        'package-lock.json: node_modules/left is resolved to https://registry.example/left.tgz',
        lockfile({ license: 'MIT', resolved: 'https://registry.example/left.tgz' }),
      ],
    ],
    good: lockfile({ license: 'MIT' }),
  },
  'the lockfile is whole on every system': {
    bad: [
      [
        'package-lock.json: node_modules/left wants left-windows, which is missing',
        { 'package-lock.json': '{"packages":{"node_modules/left":{"optionalDependencies":{"left-windows":"1"}}}}' },
      ],
    ],
    good: {
      'package-lock.json': JSON.stringify({
        packages: {
          'node_modules/left': { optionalDependencies: { 'left-windows': '1', 'left-linux': '1' } },
          'node_modules/left-windows': { optional: true },
          'node_modules/left/node_modules/left-linux': { optional: true },
        },
      }),
    },
  },
}
