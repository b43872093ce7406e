/** Shows each rule bad files, so that a rule that no longer bites fails here, and good ones that it must let pass. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RULES } from './rules.ts'
import { told, toldOfRoutes } from './specimen.ts'
import { SPECIMENS_OF_DOCUMENTS } from './specimens-of-documents.ts'
import { SPECIMENS_OF_SOURCE } from './specimens-of-source.ts'

const SPECIMENS = { ...SPECIMENS_OF_SOURCE, ...SPECIMENS_OF_DOCUMENTS }

test('every rule is shown something bad', () => {
  assert.deepEqual(Object.keys(SPECIMENS).sort(), Object.keys(RULES).sort())
  for (const [name, { bad }] of Object.entries(SPECIMENS)) assert.ok(bad.length > 0, name)
})

for (const [name, { bad, good }] of Object.entries(SPECIMENS)) {
  test(`the rule «${name}» bites, and only there`, () => {
    const rule = RULES[name]!
    for (const [says, tree] of bad) {
      const found = told(rule, tree)
      assert.ok(found.startsWith(says), `wanted: ${says}\nfound:  ${found === '' ? 'nothing' : found}`)
    }
    assert.equal(told(rule, good), '')
  })
}

test('the judge of routes sees through every way to write them', async () => {
  const route = (members: string): { 'src/drift/routes.ts': string } => ({
    'src/drift/routes.ts': `const rest = { permission: 'drift:reed' }\nconst open = () => ({ permission: 'public' })
export const driftRoutes = ({ store: { all } }) => [{ method: 'GET', path: '/drift', ${members}, handle: all(1).of }]\n`,
  })
  const bad: readonly (readonly [string, string])[] = [
    ['', 'has no permission'],
    ["permission: 'drift:reed'", 'wants drift:reed, which is no permission'],
    ["permission: 'admin'", 'wants admin, which is no permission'],
    ['...rest', 'wants drift:reed'],
    ["permission: 'model:read', ...open()", 'is public'],
    ["permission: ['model', 'reads'].join(':')", 'wants model:reads'],
  ]
  for (const [members, says] of bad) {
    const found = await toldOfRoutes(route(members === '' ? "tag: 'x'" : members))
    assert.ok(found.startsWith(`src/drift/routes.ts: the route GET /drift ${says}`), `${members}: ${found}`)
  }
  assert.equal(await toldOfRoutes(route("permission: 'model:read'")), '')
  const health =
    "export const healthRoutes = () => [{ method: 'GET', path: '/healthz', permission: 'public', handle() {} }]\n"
  assert.equal(await toldOfRoutes({ 'src/monitoring/routes.ts': health }), '')
  await assert.rejects(
    toldOfRoutes({ 'src/drift/drift.ts': "export const route = { 'method': 'GET', invoke() {} }\n" }),
    /exports no …Routes or …Service function/,
  )
})
