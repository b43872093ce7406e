import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPublicAddress, requireWebAddress } from './guarded-post.ts'

test('isPublicAddress() knows what is reachable from everywhere', () => {
  for (const address of ['8.8.8.8', '1.1.1.1', '172.15.0.1', '100.128.0.1', '2606:4700::1111', '2a00:1450::1'])
    assert.ok(isPublicAddress(address), address)
  const own = ['127.0.0.1', '127.9.9.9', '10.1.2.3', '172.16.0.1', '172.31.255.255', '192.168.1.1', '169.254.169.254']
  const others = ['0.0.0.0', '100.64.0.1', '224.0.0.1', '255.255.255.255', '::1', '::', 'fe80::1', 'fd00::1', 'ff02::1']
  const wrapped = ['::ffff:127.0.0.1', '::ffff:10.0.0.1', '64:ff9b::a00:1', '2002:7f00:1::', 'nonsense', '']
  for (const address of [...own, ...others, ...wrapped]) assert.ok(!isPublicAddress(address), address)
})

test('requireWebAddress() refuses what is no web address, has a password, or is private', () => {
  assert.equal(requireWebAddress('https://example.org/a?b', false).host, 'example.org')
  assert.equal(requireWebAddress('http://127.0.0.1:9/a', true).port, '9')
  const refused = ['ftp://example.org', 'file:///etc', 'example.org', '', 'https://u:p@example.org']
  for (const url of refused) assert.throws(() => requireWebAddress(url, true), /Cannot use the address/, url)
  const near = [
    'http://localhost/',
    'http://127.0.0.1/',
    'http://[::1]/',
    'http://2130706433/',
    'http://0x7f.1/',
    'http://169.254.169.254/',
  ]
  for (const url of near) assert.throws(() => requireWebAddress(url, false), /not a public address/, url)
})
