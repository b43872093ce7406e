/** Training jobs by the real command line: what is recorded, what is held to, and what is left when things go wrong. */
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { bellwether } from '../server.ts'
import { artifact, folderOf, keptOf, server, sha256, type Told, trained } from './job-runs.ts'

const CLI = new URL('../../src/cli.ts', import.meta.url).pathname

test('a job leaves its commit, data, parameters, seed, log and outputs, and no secret', async t => {
  const folder = folderOf(t, {
    'data/train.csv': 'a,b\n1,2\n',
    'pictures/1.txt': 'one',
    'pictures/deep/2.txt': 'two',
    'job.yaml': `
name: recorded
experiment: jobs
command: [sh, train.sh, '{{depth}}', '{{seed}}', '{{data.train}}']
parameters: {depth: 3, rate: 0.1}
seed: 7
data: {train: data/train.csv, pictures: 'pictures/**/*.txt'}
outputs: [model.txt, reports]
environment: {secrets: [HIDDEN_WORD], set: {MODE: quick}}
resources: {memory: 8GiB, files: 200, nice: 5}
timeLimit: 60s
`,
    'train.sh': `echo "depth $1 seed $2 $MODE $BELLWETHER_PARAM_RATE $(nice) $(ulimit -n)"
echo "the word is $HIDDEN_WORD" >&2
echo "token=$MLFLOW_TRACKING_TOKEN other=$NOT_PASSED"
cp "$3" model.txt; mkdir -p reports; cat "$BELLWETHER_DATA_PICTURES/deep/2.txt" > reports/r.txt
`,
  })
  const git = (...args: string[]): string => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim()
  git('init', '-q')
  git('add', 'train.sh', 'job.yaml')
  git('-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '-qm', 'first')

  const env = { HIDDEN_WORD: 'correct-horse', NOT_PASSED: 'nothing' }
  const { status, told, stderr } = await trained(folder, ['--set', 'depth=5'], env)
  assert.equal(status, 0, stderr)
  assert.equal(told.status, 'FINISHED')
  assert.deepEqual(
    told.outputs.map(({ path, sha256: digest }) => [path, digest]),
    [
      ['model.txt', sha256('a,b\n1,2\n')],
      ['reports/r.txt', sha256('two')],
    ],
  )
  const { tags, params, status: kept } = await keptOf(told.run)
  assert.equal(kept, 'FINISHED')
  assert.deepEqual(params, { depth: '5', rate: '0.1' })
  assert.equal(tags['mlflow.source.git.commit'], git('rev-parse', 'HEAD'))
  assert.match(tags['bellwether.job.patch']!, /^[0-9a-f]{64}$/)
  assert.equal(tags['bellwether.job.data.train'], sha256('a,b\n1,2\n'))
  assert.equal(tags['bellwether.job.data.pictures'], sha256(`${sha256('one')}  1.txt\n${sha256('two')}  deep/2.txt\n`))
  const log = await artifact(told.run, 'bellwether/log.txt')
  const nice = Math.min(19, getPriority() + 5)
  assert.match(log, new RegExp(`^depth 5 seed 7 quick 0\\.1 ${nice} 200$`, 'm'))
  assert.match(log, /^the word is \[redacted\]$/m)
  assert.match(log, /^token=\[redacted\] other=$/m)
  assert.equal(await artifact(told.run, 'outputs/model.txt'), 'a,b\n1,2\n')
  const record = await artifact(told.run, 'bellwether/job.json')
  assert.equal((JSON.parse(record) as { job: { seed: number } }).job.seed, 7)
  for (const text of [log, record, stderr]) assert.doesNotMatch(text, /correct-horse/)
})

const REFUSED: readonly (readonly [why: string, yaml: string, status: number, message: RegExp])[] = [
  ['missing data', 'command: [sh, -c, exit]\ndata: {train: none.csv}', 66, /data\.train: .*none\.csv, it is not there/],
  ['a program that is not there', 'command: [no-such-program-at-all]', 66, /Cannot run no-such-program-at-all/],
  ['a variable that is not set', 'command: [sh]\nenvironment: {pass: [NOT_SET_AT_ALL]}', 66, /NOT_SET_AT_ALL/],
  ['a key that is not known', 'command: [sh]\ntimelimit: 3', 65, /timelimit is not known/],
  ['outputs elsewhere', 'command: [sh]\noutputs: [../x]', 65, /outputs has "\.\.\/x"/],
  ['a name of ours', 'command: [sh]\nenvironment: {set: {MLFLOW_RUN_ID: x}}', 65, /MLFLOW_RUN_ID/],
  ['an unknown placeholder', "command: [sh, '{{depht}}']\nparameters: {depth: 1}", 65, /depht.*there is depth/],
  ['a placeholder in a line', "command: 'echo {{depth}}'\nparameters: {depth: 1}", 65, /BELLWETHER_PARAM/],
  ['a secret that would be recorded', 'command: [sh]\nparameters: {api_key: x}', 65, /api_key is called like a secret/],
  ['a time without sense', 'command: [sh]\ntimeLimit: soon', 65, /timeLimit is "soon", wanted a time/],
]

for (const [why, yaml, status, message] of REFUSED) {
  test(`refused before anything is begun: ${why}`, async t => {
    const ended = await trained(folderOf(t, { 'job.yaml': `name: refused\n${yaml}\n` }))
    assert.equal(ended.status, status, ended.stderr)
    assert.match((JSON.parse(ended.stderr) as { detail: string }).detail, message)
  })
}

const FAILED: readonly (readonly [why: string, yaml: string, status: number, problem: RegExp])[] = [
  ['a status', 'command: exit 3', 3, /ended with status 3/],
  ['a signal', 'command: kill -9 $$', 137, /killed by SIGKILL/],
  ['no output', 'command: exit 0\noutputs: [model.txt]', 65, /output model\.txt: it is not there/],
  ['an old output', 'command: exit 0\noutputs: [old.txt]', 65, /old\.txt: it is as it was before/],
  [
    'an output that leads out',
    'command: ln -sf /etc/passwd x.txt\noutputs: [x.txt]',
    65,
    /x\.txt: it leads to \/etc\/passwd/,
  ],
  [
    'changed data',
    'command: echo more >> old.txt\ndata: {old: old.txt}',
    65,
    /data\.old has changed: old\.txt has other bytes/,
  ],
  ['time', 'command: sleep 100\ntimeLimit: 0.5s\ngrace: 0.2s', 124, /longer than its limit of 0\.5 s/],
]

for (const [why, yaml, status, problem] of FAILED) {
  test(`fails, and says why: ${why}`, async t => {
    const ended = await trained(folderOf(t, { 'job.yaml': `name: failing\n${yaml}\n`, 'old.txt': 'old' }))
    assert.equal(ended.status, status, ended.stderr)
    assert.match(ended.told.problems.join('\n'), problem)
    const { status: kept, tags } = await keptOf(ended.told.run)
    assert.equal(kept, 'FAILED')
    assert.match(tags['bellwether.job.problem']!, problem)
  })
}

/** A command that takes no notice of SIGTERM, with a child that takes none either and one in a session of its own. */
const STUBBORN = `trap '' TERM
(trap '' TERM; echo $(sh -c 'echo $PPID') > child.pid; while :; do sleep 0.2; done) &
setsid sh -c 'echo $$ > far.pid; while :; do sleep 0.2; done' &
while [ ! -s child.pid ] || [ ! -s far.pid ]; do sleep 0.05; done
echo ready
while :; do sleep 0.2; done
`

function isRunning(file: string): boolean {
  const pid = readFileSync(file, 'utf8').trim()
  try {
    // A process that nobody has waited for yet is gone for all that matters.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

async function begun(t: TestContext, grace: string) {
  const folder = folderOf(t, {
    'job.yaml': `name: stubborn\ncommand: [sh, run.sh]\ngrace: ${grace}\n`,
    'run.sh': STUBBORN,
  })
  const { url } = await server()
  const child = spawn(process.execPath, [CLI, 'train', join(folder, 'job.yaml'), '--server', url], { stdio: 'pipe' })
  t.after(() => child.kill('SIGKILL'))
  let told = ''
  const ready = new Promise<void>(resolve => {
    child.stdout.on('data', text => {
      told += text
      if (told.includes('ready')) resolve()
    })
    child.stderr.on('data', text => {
      told += text
    })
  })
  const gone = new Promise<number | string>(resolve => child.once('exit', (code, signal) => resolve(code ?? signal!)))
  await Promise.race([ready, gone])
  const run = /Run ([0-9a-f]{32}) of/.exec(told)?.[1] ?? ''
  return { folder, child, gone, run, told: () => told }
}

const isLinux = process.platform === 'linux'

test('asked to stop, it ends a command that takes no notice, with all that it started', { skip: !isLinux }, async t => {
  const { folder, child, gone, run, told } = await begun(t, '0.3s')
  child.kill('SIGINT')
  assert.equal(await gone, 137, told())
  const { status } = await keptOf(run)
  assert.equal(status, 'KILLED')
  for (const file of ['child.pid', 'far.pid']) assert.ok(!isRunning(join(folder, file)), file)
})

test('killed itself, it leaves no command behind', { skip: !isLinux }, async t => {
  const { folder, child, gone, run } = await begun(t, '1s')
  child.kill('SIGKILL')
  await gone
  const until = Date.now() + 20_000
  for (const file of ['child.pid', 'far.pid']) {
    while (isRunning(join(folder, file)) && Date.now() < until) await new Promise(resolve => setImmediate(resolve))
    assert.ok(!isRunning(join(folder, file)), file)
  }
  // Its silence is noticed later: see the test of lost runs.
  const { status } = await keptOf(run)
  assert.equal(status, 'RUNNING')
})

test('a job that begins ends the runs whose supervisor is gone', async t => {
  const { url } = await server()
  const tags = [{ key: 'bellwether.job.alive', value: String(Date.now() - 300_000) }]
  const answer = await fetch(`${url}/api/2.0/mlflow/runs/create`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ experiment_id: '0', run_name: 'lost', start_time: Date.now() - 400_000, tags }),
  })
  const { run } = (await answer.json()) as { run: { info: { run_id: string } } }
  await trained(folderOf(t, { 'job.yaml': 'name: next\ncommand: exit 0\n' }))
  const { status } = await keptOf(run.info.run_id)
  assert.equal(status, 'FAILED')
})

test('without a server, on the data folder itself', async t => {
  const folder = folderOf(t, { 'job.yaml': 'name: alone\ncommand: echo alone\n' })
  const ended = await bellwether(['train', join(folder, 'job.yaml'), '--data', join(folder, 'kept'), '--json'])
  assert.equal(ended.status, 0, ended.stderr)
  assert.equal((JSON.parse(ended.stdout) as Told).status, 'FINISHED')
})
