/**
 * A PostgreSQL of the test process's own: made when first asked for, on a Unix socket in a temporary folder (so no port
 * can clash and nobody else can come in), gone at the end, also where the process is killed.
 */
import { after } from 'node:test'
import type { FreshPlace } from '../src/platform/temporary.suite.ts'
import { administer, type Cluster, startCluster } from './postgres-cluster.ts'

/** Faster, and no less true: what these leave out matters only when the machine loses power. */
const SETTINGS = [
  'fsync=off',
  'synchronous_commit=off',
  'full_page_writes=off',
  'max_connections=60',
  'shared_buffers=16MB',
]

let cluster: Promise<Cluster> | undefined
let databases = 0

after(async () => {
  await (await cluster)?.stop()
})

/** An empty database that nobody else has. */
export const postgresPlace: FreshPlace = async () => {
  cluster ??= startCluster(SETTINGS)
  const { url } = await cluster
  const name = `test_${++databases}`
  await administer(url('postgres'), `create database ${name}`)
  return { url: url(name) }
}
