/** An address that is asked again is not routed again: nobody may be able to tell. */
import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { openSpecimen, type SpecimenDoor } from './http-specimen.suite.ts'

let specimen: SpecimenDoor
before(async () => {
  specimen = await openSpecimen()
})
after(() => specimen.door.close(1_000))

async function invoke(path: string, authorization = 'Bearer all'): Promise<{ status: number; params: unknown }> {
  const headers = { 'content-type': 'application/json', authorization }
  const response = await fetch(specimen.url + path, { method: 'POST', headers, body: '{}' })
  const { params } = (await response.json()) as { params?: unknown }
  return { status: response.status, params }
}

it('answers an address as it did the first time, with its own parameters', async () => {
  for (const name of ['a', 'b', 'a', 'b', 'caf%C3%A9', 'caf%C3%A9']) {
    const answer = await invoke(`/things/${name}/invoke`)
    assert.deepEqual(answer, { status: 200, params: { name: decodeURIComponent(name) } })
  }
  assert.deepEqual(await invoke('/things/a/invoke?b=1'), { status: 200, params: { name: 'a' } })
})

it('still asks who calls, and by which method', async () => {
  assert.equal((await invoke('/invoke')).status, 200)
  assert.equal((await invoke('/invoke', 'Bearer nobody')).status, 403)
  assert.equal((await fetch(`${specimen.url}/invoke`)).status, 405)
})

it('answers more addresses than it keeps, and longer ones', async () => {
  for (let first = 0; first < 1_200; first += 50) {
    const names = Array.from({ length: 50 }, (_, at) => `n${first + at}`)
    const answers = await Promise.all(names.map(name => invoke(`/things/${name}/invoke`)))
    assert.deepEqual(
      answers,
      names.map(name => ({ status: 200, params: { name } })),
    )
  }
  const long = 'x'.repeat(600)
  for (let time = 0; time < 2; time++) assert.deepEqual((await invoke(`/things/${long}/invoke`)).params, { name: long })
})
