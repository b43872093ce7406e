/** The Job of Kubernetes that is printed, judged by the schemas of Kubernetes' own API, unknown fields refused. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { temporaryFolder } from '../../src/platform/temporary.suite.ts'
import { bellwether } from '../server.ts'
import { SIGNING_PYTHON, skipUnless } from '../services.ts'

const SERVER = 'https://models.example.org/'
const FULL = `
name: Churn.XGB_1
experiment: churn
command: [sh, -c, 'echo $(date) $$ {{depth}}; cat {{data.train}}']
parameters: {depth: 3}
seed: 7
data: {train: data/train.csv, pictures: 'pictures/**/*.txt'}
environment: {set: {MODE: 'a$(b)'}, secrets: [WORD]}
resources: {memory: 2GiB, threads: 2}
timeLimit: 90m
grace: 5s
kubernetes: {image: python:3.13, namespace: training, serviceAccount: trainer, secret: tracking, claim: jobs, cpus: 1.5}
`

interface Manifest {
  readonly metadata: { readonly name: string; readonly annotations: Readonly<Record<string, string>> }
  readonly spec: {
    readonly activeDeadlineSeconds: number
    readonly template: {
      readonly spec: { readonly containers: readonly Container[]; readonly initContainers: readonly Container[] }
    }
  }
}

interface Container {
  readonly command: readonly string[]
  readonly env: readonly { readonly name: string; readonly value?: string }[]
  readonly resources: { readonly limits: Readonly<Record<string, string>> }
}

function folderOf(t: TestContext, job: string): string {
  const folder = temporaryFolder(t)
  for (const place of ['data', 'pictures']) mkdirSync(join(folder, place))
  writeFileSync(join(folder, 'data/train.csv'), 'a\n1\n')
  writeFileSync(join(folder, 'pictures/one.txt'), 'one')
  writeFileSync(join(folder, 'job.yaml'), job)
  return folder
}

async function printed(t: TestContext, job: string, args: readonly string[] = ['--server', SERVER]) {
  return await bellwether(['train', join(folderOf(t, job), 'job.yaml'), '--kubernetes', ...args])
}

/** @throws where Kubernetes would refuse it. */
function judge(t: TestContext, yaml: string): void {
  const file = join(temporaryFolder(t), 'job.yaml')
  writeFileSync(file, yaml)
  execFileSync(SIGNING_PYTHON, ['-m', 'kubernetes_validate', '--strict', '--quiet', file], { stdio: 'pipe' })
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

test('the schemas of Kubernetes take it', { skip: skipUnless('signing') }, async t => {
  const { stdout, stderr, status } = await printed(t, FULL)
  assert.equal(status, 0, stderr)
  judge(t, stdout)
  assert.throws(() => judge(t, stdout.replace('backoffLimit: 0', 'backoffLimits: 0')))
  const least = await printed(t, 'name: least\ncommand: [sh]\n', ['--server', SERVER, '--image', 'busybox'])
  judge(t, least.stdout)
})

test('it has the command as it is, its limits, digests that are checked, and no secret', async t => {
  const { stdout, stderr } = await printed(t, FULL)
  const { metadata, spec } = parse(stdout) as Manifest
  assert.match(metadata.name, /^churn-xgb-1-[0-9a-f]{10}$/)
  assert.equal(metadata.annotations['data.bellwether/train'], sha256('a\n1\n'))
  assert.equal(spec.activeDeadlineSeconds, 5400)
  const [container] = spec.template.spec.containers
  // Kubernetes makes one of two dollar signs, and reads $(…) itself.
  assert.equal(container!.command[2], 'echo $$(date) $$$$ 3; cat /job/data/train.csv')
  assert.deepEqual(container!.resources.limits, { memory: '2147483648', cpu: '1500m' })
  const env = new Map(container!.env.map(({ name, value }) => [name, value]))
  assert.equal(env.get('MODE'), 'a$$(b)')
  assert.equal(env.get('BELLWETHER_DATA_TRAIN'), '/job/data/train.csv')
  assert.equal(env.get('MLFLOW_TRACKING_URI'), 'https://models.example.org')
  assert.ok(env.has('MLFLOW_TRACKING_TOKEN') && env.get('MLFLOW_TRACKING_TOKEN') === undefined)
  assert.ok(env.has('WORD') && env.get('WORD') === undefined)
  assert.ok(!env.has('PATH') && !env.has('HOME'))
  const [check] = spec.template.spec.initContainers
  assert.equal(
    check!.env[0]!.value,
    `${sha256('a\n1\n')}  /job/data/train.csv\n${sha256('one')}  /job/pictures/one.txt\n`,
  )
  assert.equal(stderr, '')
})

const REFUSED: readonly (readonly [job: string, args: readonly string[], message: RegExp])[] = [
  ['name: a\ncommand: [a]', ['--server', SERVER], /wanted an image/],
  ['name: a\ncommand: [a]', ['--image', 'a'], /wanted --server/],
  [
    'name: a\ncommand: [a]\ndata: {train: data/train.csv}',
    ['--image', 'a', '--server', SERVER],
    /wanted kubernetes\.claim/,
  ],
  [
    'name: a\ncommand: [a]\nenvironment: {secrets: [X]}',
    ['--image', 'a', '--server', SERVER],
    /wanted kubernetes\.secret/,
  ],
]

for (const [job, args, message] of REFUSED) {
  test(`refused: ${message.source}`, async t => {
    const { status, stderr } = await printed(t, job, args)
    assert.notEqual(status, 0)
    assert.match(stderr, message)
  })
}
