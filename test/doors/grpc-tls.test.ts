/** gRPC with TLS, and with callers that must show a certificate of their own. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { SecureClientSessionOptions } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { withApp } from '../serving/app.ts'
import { frame, grpcClient, predictRequest } from './grpc-client.ts'

const PREDICT = '/bellwether.v1.PredictionService/Predict'

/** A certificate that signs itself. */
function makeCertificate(folder: string, name: string): void {
  const key = [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    join(folder, `${name}.key`),
  ]
  const what = ['-x509', '-days', '2', '-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', ['req', ...key, ...what, '-out', join(folder, `${name}.crt`)], { stdio: 'ignore' })
}

/** The status of a prediction, or why there was no connection. */
async function statusOf(address: string, options: SecureClientSessionOptions): Promise<string> {
  const { session, call } = grpcClient(`https://${address}`, options)
  try {
    return (await call(PREDICT, frame(predictRequest('tiny', 20)))).status
  } catch (error) {
    return String((error as NodeJS.ErrnoException).code)
  } finally {
    session.destroy()
  }
}

test('gRPC has the certificates of HTTP, and asks callers for theirs', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'bellwether-grpc-tls-'))
  const at = (name: string): string => join(folder, name)
  try {
    for (const name of ['server', 'caller', 'stranger']) makeCertificate(folder, name)
    const flags = { 'tls.cert': at('server.crt'), 'tls.key': at('server.key'), 'tls.clientCa': at('caller.crt') }
    await withApp({ 'server.grpcPort': 0, ...flags }, async app => {
      await app.register('tiny')
      const ca = readFileSync(at('server.crt'))
      const own = (name: string) => ({
        ca,
        cert: readFileSync(at(`${name}.crt`)),
        key: readFileSync(at(`${name}.key`)),
      })
      assert.equal(await statusOf(app.grpc, own('caller')), '0')
      for (const options of [{ ca }, own('stranger'), { ...own('caller'), ca: readFileSync(at('stranger.crt')) }]) {
        assert.notEqual(await statusOf(app.grpc, options), '0')
      }
    })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
