/** TLS at the door: a certificate that is renewed while the server runs, callers that must show theirs, and pages of others. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { connect } from 'node:tls'
import { ask, type RunningApp, withApp } from '../serving/app.ts'

const ROW = { age: 20, tenure: 1 }
const folder = mkdtempSync(join(tmpdir(), 'bellwether-tls-'))
after(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string): string => join(folder, name)

/** A certificate that signs itself. */
function makeCertificate(name: string, subject: string): void {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', at(`${name}.key`)]
  const what = ['-x509', '-days', '2', '-subj', `/CN=${subject}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', ...key, ...what, '-out', at(`${name}.crt`)], { stdio: 'ignore' })
}

function subjectOf(app: RunningApp): Promise<string> {
  const { hostname, port } = new URL(app.url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN))
      socket.destroy()
    })
    socket.on('error', reject)
  })
}

function get(app: RunningApp, path: string, own?: { cert: string; key: string }): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = { rejectUnauthorized: false, agent: false as const, ...own }
    const asking = request(`${app.url}${path}`, options, answer => {
      answer.resume()
      resolve(answer.statusCode!)
    })
    asking.on('error', reject)
    asking.end()
  })
}

function hstsOf(app: RunningApp): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const asking = request(`${app.url}/models`, { rejectUnauthorized: false, agent: false }, answer => {
      answer.resume()
      resolve(answer.headers['strict-transport-security'])
    })
    asking.on('error', reject)
    asking.end()
  })
}

describe('a server with a certificate', () => {
  it('speaks TLS to the network, and its owner reaches it; a renewed certificate is taken, a broken one is not', async () => {
    makeCertificate('old', 'old.example')
    makeCertificate('new', 'new.example')
    const copy = (name: string): void => {
      for (const end of ['crt', 'key']) execFileSync('cp', [at(`${name}.${end}`), at(`live.${end}`)])
    }
    copy('old')
    await withApp({ 'tls.cert': at('live.crt'), 'tls.key': at('live.key') }, async app => {
      assert.match(app.url, /^https:/)
      await app.register('tiny')
      assert.equal(await get(app, '/healthz'), 200)
      assert.equal(await hstsOf(app), 'max-age=31536000')
      assert.equal(await subjectOf(app), 'old.example')
      await assert.rejects(fetch(app.url.replace('https', 'http')))
      writeFileSync(at('live.crt'), 'half a certificate')
      copy('new')
      const deadline = Date.now() + 15_000
      while ((await subjectOf(app)) !== 'new.example') assert.ok(Date.now() < deadline, 'it was not taken')
      assert.equal(await get(app, '/readyz'), 200)
    })
  })

  it('may want one of its callers', async () => {
    makeCertificate('server', 'server.example')
    makeCertificate('caller', 'caller.example')
    makeCertificate('stranger', 'stranger.example')
    const tls = { 'tls.cert': at('server.crt'), 'tls.key': at('server.key'), 'tls.clientCa': at('caller.crt') }
    const own = (name: string) => ({ cert: textOf(`${name}.crt`), key: textOf(`${name}.key`) })
    await withApp(tls, async app => {
      assert.equal(await get(app, '/healthz', own('caller')), 200)
      await assert.rejects(get(app, '/healthz', own('stranger')))
      await assert.rejects(get(app, '/healthz'))
    })
  })

  it('does not start with a key of another certificate, nor without one', async () => {
    makeCertificate('one', 'one.example')
    makeCertificate('two', 'two.example')
    const started = (flags: Record<string, string>) => withApp(flags, async () => {})
    await assert.rejects(started({ 'tls.cert': at('one.crt'), 'tls.key': at('two.key') }), /the key is not that of/)
    await assert.rejects(started({ 'tls.cert': at('one.crt') }), /tls\.key is not given/)
    await assert.rejects(started({ 'tls.cert': at('none.crt'), 'tls.key': at('one.key') }), /no such file/)
  })
})

describe('pages of other origins', () => {
  const PAGE = 'https://app.example'

  it('may call where they are named, and only they', async () => {
    await withApp({ 'server.corsOrigins': `${PAGE}, https://other.example` }, async app => {
      await app.register('tiny')
      const url = `${app.url}/models/tiny/predict`
      const asked = {
        origin: PAGE,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization,content-type,bellwether-purpose',
      }
      const preflight = await fetch(url, { method: 'OPTIONS', headers: asked })
      assert.equal(preflight.status, 204)
      assert.equal(preflight.headers.get('access-control-allow-origin'), PAGE)
      assert.match(preflight.headers.get('access-control-allow-methods')!, /POST/)
      assert.equal(preflight.headers.get('access-control-allow-headers'), asked['access-control-request-headers'])
      assert.equal(preflight.headers.get('access-control-allow-credentials'), null)
      const answer = await ask(url, ROW, { origin: PAGE })
      assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, PAGE])
      assert.match(answer.headers.get('access-control-expose-headers')!, /x-request-id/)
      assert.equal(answer.headers.get('vary'), 'origin')
      const refused = await ask(url, {}, { origin: PAGE })
      assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [422, PAGE])
      const evil = await ask(url, ROW, { origin: 'https://evil.example' })
      assert.deepEqual([evil.status, evil.headers.get('access-control-allow-origin')], [403, null])
      assert.equal(
        (await fetch(url, { method: 'OPTIONS', headers: { ...asked, origin: 'https://evil.example' } })).status,
        405,
      )
    })
  })

  it('may all call where * says so, once there are keys', async () => {
    await withApp({ 'server.corsOrigins': '*' }, async app => {
      await app.register('tiny')
      const url = `${app.url}/models/tiny/predict`
      assert.equal((await ask(url, ROW, { origin: PAGE })).status, 403, 'not while everybody is the owner')
      const authorization = `Bearer ${await app.key('admin')}`
      const answer = await ask(url, ROW, { origin: PAGE, authorization })
      assert.deepEqual([answer.status, answer.headers.get('access-control-allow-origin')], [200, '*'])
    })
  })

  it('are named as origins', async () => {
    const started = withApp({ 'server.corsOrigins': 'https://app.example/path' }, async () => {})
    await assert.rejects(started, /wanted an origin/)
  })
})

describe('a proxy that is trusted', () => {
  it('says for whom it asks; others do not', async () => {
    const seen = async (trusted: string, forwarded: string): Promise<string | undefined> => {
      let source: string | undefined
      await withApp({ 'server.trustedProxies': trusted }, async app => {
        await app.register('tiny')
        await ask(`${app.url}/predict`, ROW, { 'x-forwarded-for': forwarded })
        source = (await app.records()).find(({ kind }) => kind === 'prediction')?.source
      })
      return source
    }
    assert.equal(await seen('127.0.0.0/8', '198.51.100.7'), '198.51.100.7')
    assert.equal(await seen('127.0.0.1,10.0.0.0/8', '192.0.2.66, 198.51.100.7:4711, 10.1.2.3'), '198.51.100.7')
    assert.equal(await seen('127.0.0.1', '198.51.100.7, forged'), '127.0.0.1')
    assert.equal(await seen('', '198.51.100.7'), '127.0.0.1')
    await assert.rejects(seen('10.0.0.0/99', ''), /wanted addresses and networks/)
  })
})

function textOf(name: string): string {
  return execFileSync('cat', [at(name)], { encoding: 'utf8' })
}
