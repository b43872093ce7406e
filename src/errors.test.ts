import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asProblem, PROBLEMS, Problem, problemDocument } from './errors.ts'

test('every code has an HTTP error status, a gRPC code other than OK, and an exit status of sysexits.h', () => {
  for (const [code, kind] of Object.entries(PROBLEMS)) {
    assert.ok(kind.http >= 400 && kind.http <= 599, code)
    assert.ok(kind.grpc >= 1 && kind.grpc <= 16, code)
    assert.ok(kind.exit >= 64 && kind.exit <= 78, code)
    assert.match(kind.title, /^[A-Z].*[^.]$/)
  }
})

test('problemDocument() names the fields, and leaves the member out where there are none', () => {
  const fields = [{ field: 'age', problem: 'is "old", wanted an integer' }]
  const document = problemDocument(new Problem('invalid', 'Cannot predict: 1 field is wrong', { fields }), 'r1')
  assert.deepEqual(document, {
    type: 'https://bellwether.dev/problems/invalid',
    title: 'The request was read, but its content is not valid',
    status: 422,
    detail: 'Cannot predict: 1 field is wrong',
    code: 'invalid',
    requestId: 'r1',
    errors: fields,
  })
  assert.ok(!('errors' in problemDocument(new Problem('not_found', 'Cannot find it'), 'r1')))
})

test('asProblem() keeps a problem and tells nothing of any other error', () => {
  const problem = new Problem('conflict', 'Cannot register: taken')
  assert.equal(asProblem(problem), problem)
  const fault = asProblem(new TypeError('secret path /etc/keys'))
  assert.equal(fault.code, 'failed')
  assert.ok(!JSON.stringify(problemDocument(fault, 'r1')).includes('secret'))
  assert.ok(fault.cause instanceof TypeError, 'the log still gets the cause')
})
