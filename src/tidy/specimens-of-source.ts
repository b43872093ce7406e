/** Bad code for each rule about code, and good code beside it. */
import { FILE_LINES_MAX, FUNCTION_LINES_MAX } from './size.ts'
import type { Specimens, Tree } from './specimen.ts'

const lines = (count: number): string => 'void 0\n'.repeat(count)
const long = (count: number): string => `export function long(): void {\n${lines(count)}}\n`
const PSI: Tree = { 'src/math/psi.ts': 'export const psi = 1\n' }
const MANIFEST: Tree = {
  'package.json': '{"bin":{"bellwether":"bin/start.js"},"exports":{"./math":"./dist/math.js"}}',
  'bin/start.js': "await import('../src/cli.ts')\n",
  'src/cli.ts': '',
  'src/math.ts': '',
}

export const SPECIMENS_OF_SOURCE: Readonly<Record<string, Specimens>> = {
  'a file imports from its own folder and from folders before it': {
    bad: [
      [
        'src/math/psi.ts:1: imports src/serving/predict.ts, and math comes before serving',
        { 'src/math/psi.ts': "import '../serving/predict.ts'\n", 'src/serving/predict.ts': '' },
      ],
      [
        'src/access/keys.ts:1: imports src/ledger/record.ts, and access comes before ledger',
        { 'src/access/keys.ts': "import type { A } from '../ledger/record.ts'\n", 'src/ledger/record.ts': '' },
      ],
      [
        'src/access/keys.ts:2: imports src/app.ts, and access comes before app',
        { 'src/access/keys.ts': "const later = () =>\n  import('../app.ts')\n", 'src/app.ts': '' },
      ],
      [
        'src/ledger/notary.ts:1: imports src/web/worker.ts, and ledger comes before web',
        { 'src/ledger/notary.ts': "start(new URL('../web/worker.ts', import.meta.url))\n", 'src/web/worker.ts': '' },
      ],
      [
        'src/ledger/notary.ts:1: imports src/web/worker.ts, and ledger comes before web',
        { 'src/ledger/notary.ts': "workerUrl(import.meta.url, '../web/worker')\n", 'src/web/worker.ts': '' },
      ],
      [
        'src/route.ts:1: imports src/access/roles.ts, and route comes before access',
        { 'src/route.ts': "export type { Role } from './access/roles.ts'\n", 'src/access/roles.ts': '' },
      ],
      [
        'src/errors.ts:1: imports src/platform/log.ts, and errors comes before platform',
        { 'src/errors.ts': "type Log = import('./platform/log.ts').Log\n", 'src/platform/log.ts': '' },
      ],
      [
        'src/doors/http.ts:1: imports src/serving/predict.ts, but doors translate and know no slice',
        { 'src/doors/http.ts': "import { predict } from '../serving/predict.ts'\n", 'src/serving/predict.ts': '' },
      ],
      [
        'src/predictor/forest.ts:1: imports src/client.ts, but a predictor is pure',
        { 'src/predictor/forest.ts': "import '../client.ts'\n", 'src/client.ts': '' },
      ],
      ['src/drawer/psi.ts: src/drawer is not in the order of folders', { 'src/drawer/psi.ts': '' }],
      ['src/math/psi.ts:1: imports ./lost.ts, which is not there', { 'src/math/psi.ts': "import './lost.ts'\n" }],
      [
        'src/math/psi.ts:1: imports test/server.ts, which lies outside src',
        { 'src/math/psi.ts': "import '../../test/server.ts'\n", 'test/server.ts': '' },
      ],
    ],
    good: {
      ...PSI,
      'src/errors.ts': '',
      'src/drift/drift.ts': "import { psi } from '../math/psi.ts'\nimport './store.ts'\nimport 'kysely'\n",
      'src/drift/store.ts': "// import '../app.ts'\nconst text = `import '../app.ts'`\n",
      'src/drift/drift.test.ts': "import '../../test/server.ts'\n",
      'src/app.ts': "import './drift/drift.ts'\ncopy(new URL('../tools/verify.mjs', import.meta.url))\n",
      'test/server.ts': "import '../src/app.ts'\n",
      'tools/verify.mjs': '',
    },
  },
  'pure folders import nothing of Node, frameworks stay in one folder': {
    bad: [
      [
        'src/math/psi.ts:1: imports node:fs, but math runs in a browser',
        { 'src/math/psi.ts': "import { readFileSync } from 'node:fs'\n" },
      ],
      [
        'src/predictor/forest.ts:1: imports node:buffer, but predictor runs in a browser',
        { 'src/predictor/forest.ts': "const { Buffer } = await import('node:buffer')\n" },
      ],
      [
        'src/serving/routes.ts:1: imports fastify, which only src/doors may know',
        { 'src/serving/routes.ts': "import { fastify } from 'fastify'\n" },
      ],
      [
        'src/registry/store.ts:1: imports pg, which only src/platform may know',
        { 'src/registry/store.ts': "import pg from 'pg'\n" },
      ],
    ],
    good: {
      'src/math/psi.ts': "import normal from '@stdlib/stats-base-dists-normal'\n",
      'src/math/psi.test.ts': "import { test } from 'node:test'\n",
      'src/doors/http.ts': "import { fastify } from 'fastify'\n",
      'src/platform/database.ts': "import pg from 'pg'\nimport { readFileSync } from 'node:fs'\n",
    },
  },
  'no file reaches itself through its imports': {
    bad: [
      [
        'src/drift/a.ts: imports itself through src/drift/a.ts → src/drift/b.ts → src/drift/c.ts → src/drift/a.ts',
        {
          'src/drift/a.ts': "import './b.ts'\n",
          'src/drift/b.ts': "export { c } from './c.ts'\n",
          'src/drift/c.ts': "const later = () => import('./a.ts')\n",
        },
      ],
      [
        'test/a.ts: imports itself through test/a.ts → test/a.ts',
        { 'test/a.ts': "import { type A, b } from './a.ts'\n" },
      ],
    ],
    good: {
      'src/drift/a.ts': "import { b } from './b.ts'\nimport { c } from './c.ts'\n",
      'src/drift/b.ts': "import { c } from './c.ts'\nimport type { A } from './a.ts'\n",
      'src/drift/c.ts': "import { type A, type B } from './a.ts'\n",
      'src/math/a.ts': "const folder = '.'\n",
      'src/math.ts': "import './math/a.ts'\n",
    },
  },
  'time, chance and the environment are handed in': {
    bad: [
      ['src/drift/a.ts:2: asks Date.now', { 'src/drift/a.ts': 'const a = 1\nconst at = Date.now()\n' }],
      ['src/math/a.ts:1: asks Math.random', { 'src/math/a.ts': 'const draw = Math.random\n' }],
      ['src/access/a.ts:1: asks process.env', { 'src/access/a.ts': 'const { KEY } = process.env\n' }],
      ['src/ledger/a.ts:1: asks new Date()', { 'src/ledger/a.ts': 'const year = new Date().getFullYear()\n' }],
    ],
    good: {
      'src/platform/clock.ts': 'export const now = () => Date.now()\n',
      'src/drift/a.ts':
        '// Date.now() is not asked\nconst day = (at: number) => new Date(at).getDate() + Math.floor(at)\n',
      'src/drift/a.test.ts': 'const startedAt = Date.now()\n',
      'test/a.ts': 'const startedAt = Date.now()\n',
    },
  },
  'files are short': {
    bad: [
      [`src/math/a.ts: has ${FILE_LINES_MAX + 1} lines`, { 'src/math/a.ts': lines(FILE_LINES_MAX + 1) }],
      [`test/a.test.ts: has ${FILE_LINES_MAX + 1} lines`, { 'test/a.test.ts': lines(FILE_LINES_MAX).concat('void 0') }],
    ],
    good: { 'src/math/a.ts': lines(FILE_LINES_MAX), 'docs/a.md': lines(FILE_LINES_MAX + 1) },
  },
  'functions are short': {
    bad: [
      [
        `src/math/a.ts:1: a function of ${FUNCTION_LINES_MAX + 1} lines`,
        { 'src/math/a.ts': long(FUNCTION_LINES_MAX - 1) },
      ],
      [
        'src/math/a.ts:2: a function of 62 lines',
        { 'src/math/a.ts': `\nexport const long = (): number => {\n${lines(60)}}\n` },
      ],
      ['src/math/a.ts:2: a function of 62 lines', { 'src/math/a.ts': `class A {\n  long() {\n${lines(60)}}\n}\n` }],
      [
        'src/math/a.ts:3: a function of 62 lines',
        { 'src/math/a.ts': `const a = {\n\n  get long() {\n${lines(60)}}\n}\n` },
      ],
      [
        'src/math/a.test.ts:2: a function of 62 lines',
        { 'src/math/a.test.ts': `describe('a', () => {\ntest('b', () => {\n${lines(60)}})\n})\n` },
      ],
      ['tools/a.mjs:1: a function of 62 lines', { 'tools/a.mjs': `async function* long() {\n${lines(60)}}\n` }],
    ],
    good: {
      'src/math/a.ts': long(FUNCTION_LINES_MAX - 2),
      'src/math/a.test.ts': `describe('a', () => {\n${"test('b', () => {\n  void 0\n})\n".repeat(30)}})\n`,
    },
  },
  'names say what is inside': {
    bad: [
      ...['utils', 'helpers', 'common', 'shared', 'misc', 'manager', 'service', 'base', 'index'].map(
        name => [`src/drift/${name}.ts: the name ${name} is banned`, { [`src/drift/${name}.ts`]: '' }] as const,
      ),
      ['src/utils/psi.ts: the name utils is banned', { 'src/utils/psi.ts': '' }],
      ['test/base.test.ts: the name base is banned', { 'test/base.test.ts': '' }],
      ['src/drift/drift-service.ts: the name drift-service is banned', { 'src/drift/drift-service.ts': '' }],
      ['src/drift/DriftStore.ts: the name DriftStore is not in kebab-case', { 'src/drift/DriftStore.ts': '' }],
      ['bench/drift_store.ts: the name drift_store is not in kebab-case', { 'bench/drift_store.ts': '' }],
    ],
    good: {
      'src/predictor/base-score.ts': '',
      'src/drift/store.fuzz.test.ts': '',
      'src/drift/store.suite.ts': '',
      'test/services.ts': '',
      '.ci/run.mjs': '',
    },
  },
  'no file only hands on what others hold': {
    bad: [
      ['src/drift/drift.ts: only hands on', { 'src/drift/drift.ts': "export * from './a.ts'\nexport const b = 1\n" }],
      ['src/drift/drift.ts: only hands on', { 'src/drift/drift.ts': "export { a } from './a.ts'\n" }],
      ['src/drift/drift.ts: only hands on', { 'src/drift/drift.ts': "import { a } from './a.ts'\nexport { a }\n" }],
    ],
    good: {
      ...MANIFEST,
      'src/math.ts': "export * from './math/psi.ts'\n",
      'src/drift/drift.ts': "export { a } from './a.ts'\nexport const b = 1\n",
      'src/drift/start.ts': "import './a.ts'\n",
    },
  },
  'no file lies about unused': {
    bad: [
      [
        'package.json: is entered through src/math.ts, which is not there',
        { 'package.json': '{"exports":{"./math":"./dist/math.js","./package.json":"./package.json"}}' },
      ],
      ['src/drift/drift.ts: is not reached from an entry point', { ...MANIFEST, 'src/drift/drift.ts': '' }],
      [
        'src/drift/drift.ts: is not reached from an entry point',
        { ...MANIFEST, 'src/drift/drift.ts': '', 'src/drift/drift.test.ts': "import './drift.ts'\n" },
      ],
      [
        'src/drift/a.ts: is not reached from an entry point of the package\nsrc/drift/b.ts: is not',
        { 'src/drift/a.ts': "import './b.ts'\n", 'src/drift/b.ts': "import type { A } from './a.ts'\n" },
      ],
      ['src/drift/store.suite.ts: is not reached from a test', { 'src/drift/store.suite.ts': '' }],
      ['src/tidy/lost.ts: is not reached from a test', { 'src/tidy/lost.ts': '' }],
      [
        'bench/lost.ts: is not reached from a test, a script',
        { 'bench/lost.ts': '', 'package.json': '{"scripts":{}}' },
      ],
    ],
    good: {
      ...MANIFEST,
      ...PSI,
      'bin/start.js': "await import(new URL('../src/cli.ts', import.meta.url))\n",
      'src/cli.ts': "const worker = workerUrl(import.meta.url, './ledger/worker')\n",
      'src/ledger/worker.ts': "import type { Entry } from './entry.ts'\n",
      'src/ledger/entry.ts': '',
      'src/ledger/store.suite.ts': '',
      'src/math.ts': "export * from './math/psi.ts'\n",
      'test/store.test.ts': "import '../src/ledger/store.suite.ts'\nimport './server.ts'\n",
      'test/server.ts': '',
      'bench/serving.ts': "start(join(ROOT, 'bench/echo.ts'))\n",
      'bench/echo.ts': '',
      'docs/benchmarks.md': 'Run `node bench/serving.ts`.\n',
    },
  },
  'files named in texts are found once compiled': {
    bad: [
      [
        'src/ledger/notary.ts:1: names ./worker.ts',
        { 'src/ledger/notary.ts': "new Worker(new URL('./worker.ts', import.meta.url))\n", 'src/ledger/worker.ts': '' },
      ],
    ],
    good: {
      'src/ledger/notary.ts': "import './worker.ts'\nnew Worker(workerUrl(import.meta.url, './worker'))\n",
      'src/ledger/notary.test.ts': "const worker = './worker.ts'\n",
      'src/ledger/worker.ts':
        "const tool = new URL('../../tools/verify.mjs', import.meta.url)\nconst lost = './lost.ts'\n",
      'tools/verify.mjs': '',
    },
  },
  'permissions asked for exist': {
    bad: [
      [
        'src/serving/predict.ts:1: asks for model:predicts, which is no permission',
        { 'src/serving/predict.ts': "const actor = request.admit('model:predicts')\n" },
      ],
      [
        'src/serving/predict.ts:1: asks for everything, which is no permission',
        { 'src/serving/predict.ts': "access.permit(actor, 'everything')\n" },
      ],
    ],
    good: {
      'src/drift/drift.ts': "const request = { method: 'GET', path: '/drift' }\nrequest.admit('model:predict')\n",
      'src/drift/drift.test.ts': "access.permit(actor, 'everything')\n",
    },
  },
  'nothing is put off or switched off': {
    bad: [
      ['src/math/a.ts:2: a comment says «TODO»', { 'src/math/a.ts': 'const a = 1\n// TODO: the rest\n' }],
      ['src/math/a.ts:1: a comment says «FIXME»', { 'src/math/a.ts': '/** FIXME */\n' }],
      ['bench/a.ts:1: a comment says «for now»', { 'bench/a.ts': '/* good enough for now */\n' }],
      ['test/a.test.ts:1: test.skip in a test', { 'test/a.test.ts': "test.skip('a', () => {})\n" }],
      ['test/a.test.ts:1: test.todo in a test', { 'test/a.test.ts': "test.todo('a')\n" }],
      ['test/a.test.ts:1: describe.only in a test', { 'test/a.test.ts': "describe.only('a', () => {})\n" }],
    ],
    good: {
      'src/math/a.ts': "// What is to do is done\nconst text = 'TODO'\n",
      'test/a.test.ts':
        "test('a', { skip: skipUnless('postgres') }, () => {})\nit('b', test => test.skip('no disk'))\nlist.only()\n",
    },
  },
}
