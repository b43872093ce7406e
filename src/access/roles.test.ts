import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PERMISSIONS, permits, ROLE_NAMES } from './roles.ts'

/** Who may do what, written out a second time so that a change of a role is a change that somebody sees. */
const TABLE = `
                    viewer scientist operator approver auditor service admin
  model:read        yes    yes       yes      yes      yes     -       yes
  model:register    -      yes       -        -        -       -       yes
  model:trust       -      -         -        -        -       -       yes
  model:predict     -      yes       yes      -        -       yes     yes
  model:download    -      yes       yes      -        -       -       yes
  model:alias       -      -         yes      yes      -       -       yes
  model:validate    -      yes       yes      yes      -       -       yes
  model:attest      -      -         yes      yes      -       -       yes
  model:approve     -      -         -        yes      -       -       yes
  prediction:read   yes    yes       yes      yes      yes     -       yes
  prediction:unseal -      -         -        -        yes     -       yes
  prediction:review -      yes       yes      yes      -       -       yes
  ledger:read       yes    yes       yes      yes      yes     -       yes
  audit:read        -      -         yes      yes      yes     -       yes
  audit:export      -      -         -        -        yes     -       yes
  outcome:write     -      yes       yes      -        -       yes     yes
  study:read        yes    yes       yes      yes      yes     -       yes
  study:write       -      yes       -        -        -       -       yes
  run:read          yes    yes       yes      yes      yes     -       yes
  run:write         -      yes       -        -        -       -       yes
  key:read          -      -         yes      -        yes     -       yes
  key:manage        -      -         -        -        -       -       yes
  webhook:manage    -      -         -        -        -       -       yes
  metrics:read      yes    yes       yes      yes      yes     -       yes
  config:read       -      -         yes      -        yes     -       yes
`
  .trim()
  .split('\n')
  .map(line => line.trim().split(/ +/))

test('each role has its permissions and no other', () => {
  const [roles, ...rows] = TABLE
  assert.deepEqual([...ROLE_NAMES], roles)
  assert.deepEqual(rows.map(([permission]) => permission).sort(), [...PERMISSIONS].sort())
  for (const [permission, ...cells] of rows) {
    for (const [index, cell] of cells.entries()) {
      assert.equal(permits({ roles: [roles![index]!] }, permission!), cell === 'yes', `${roles![index]} ${permission}`)
    }
  }
})

test('roles add up', () => {
  assert.ok(permits({ roles: ['service', 'auditor'] }, 'model:predict'))
  assert.ok(permits({ roles: ['service', 'auditor'] }, 'audit:export'))
  assert.ok(!permits({ roles: ['service', 'auditor'] }, 'key:manage'))
})

test('nobody has a permission that does not exist, and what is no role has none', () => {
  for (const permission of ['public', '', 'model', 'model:*', 'length', '__proto__']) {
    assert.ok(!permits({ roles: ROLE_NAMES }, permission), permission)
  }
  for (const role of ['', 'Admin', 'root', '__proto__', 'constructor', 'toString']) {
    for (const permission of PERMISSIONS) assert.ok(!permits({ roles: [role] }, permission), `${role} ${permission}`)
  }
  assert.ok(!permits({ roles: [] }, 'model:read'))
})
