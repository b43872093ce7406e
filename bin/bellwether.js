#!/usr/bin/env node
// Starts the command line on a Node that can run it. This file must itself run on Node 20: plain JavaScript, nothing new.
const NODE_MIN = [24, 12]
const EXIT_UNAVAILABLE = 69
// V8 lets its young generation swell and shrink with the rate of requests, which moves the memory of a steady server by a
// seventh; 4 MB a half cost no speed (docs/benchmarks.md). Collecting so little takes a thread less than a millisecond: sharing that
// out to four costs more than it saves, a fifth of a gRPC call's processor time. Both can be told only when a process starts.
// And it begins with all of them: growing to them, a start collects ten times, which takes a tenth of it.
const SERVER_FLAGS = ['--max-semi-space-size=4', '--min-semi-space-size=4', '--no-parallel-scavenge']

// Memory beside V8's heap, as of uploads, is weighed with the heap and not by itself: V8 would collect the old generation for every
// five megabytes that went through. Told only to the version that is known to have it: another would refuse to start.
const EXTERNAL_FLAG = '--external-memory-accounted-in-global-limit'

const [major, minor] = process.versions.node.split('.').map(Number)
const isNewEnough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1])
// An old Node hands over to the project's own.
const serverFlags = major === 24 || !isNewEnough ? [...SERVER_FLAGS, EXTERNAL_FLAG] : SERVER_FLAGS
const flags = process.argv[2] === 'start' ? serverFlags : []

// Before anything else is loaded, which would be done twice. Becoming another program would cut the channel to a parent that
// talks over one; it can give the flags itself.
const lacks = isNewEnough && flags.some(flag => !process.execArgv.includes(flag))
if (lacks && typeof process.execve === 'function' && process.platform !== 'win32' && process.connected !== true) {
  process.execve(process.execPath, [process.execPath, ...flags, ...process.execArgv, ...process.argv.slice(1)])
}

const { existsSync } = await import('node:fs')
const { default: module } = await import('node:module')
const { homedir } = await import('node:os')
const { join } = await import('node:path')
const { fileURLToPath } = await import('node:url')

// Half of a start goes into compiling. The folder is the user's own: what lies in a shared one, others could have compiled.
const CACHE = compiledFolder()

const file = path => fileURLToPath(new URL(path, import.meta.url))
// A clone has its source, which Node runs as it is; the published package has only what was compiled from it.
const program = [file('../src/cli.ts'), file('../dist/cli.js')].find(path => existsSync(path))

if (program === undefined) {
  fail('neither src/cli.ts nor dist/cli.js is there; install the package again')
} else if (isNewEnough) {
  if (CACHE !== undefined) {
    // For the threads and child processes too. Where the folder cannot be written, Node compiles as ever.
    process.env.NODE_COMPILE_CACHE = CACHE
    module.enableCompileCache(CACHE)
  }
  await import(new URL(program.endsWith('.ts') ? '../src/cli.ts' : '../dist/cli.js', import.meta.url).href)
} else {
  const node = ['../node_modules/node/bin/node', '../node_modules/node/bin/node.exe'].map(file).find(existsSync)
  if (node === undefined) {
    fail(
      `this is Node ${process.versions.node}, Node ${NODE_MIN.join('.')} or newer is wanted (in a clone, run \`npm ci\`)`,
    )
  } else {
    await runWith(node)
  }
}

function compiledFolder() {
  const { NODE_COMPILE_CACHE: given, NODE_DISABLE_COMPILE_CACHE: isOff, XDG_CACHE_HOME: caches } = process.env
  if (isOff) return undefined
  if (given) return given
  try {
    return join(caches || join(homedir(), '.cache'), 'bellwether', 'compiled')
  } catch {
    // A user without a home, as some containers have it.
    return undefined
  }
}

function fail(reason) {
  process.stderr.write(`Cannot start Bellwether: ${reason}\n`)
  process.exitCode = EXIT_UNAVAILABLE
}

async function runWith(node) {
  const { spawn } = await import('node:child_process')
  const { constants } = await import('node:os')
  const env = CACHE === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: CACHE }
  const child = spawn(node, [...flags, program, ...process.argv.slice(2)], { stdio: 'inherit', env })
  // A terminal sends its signals to both of us; passed on, the child would take one Ctrl-C for two.
  const isTerminal = process.stdin.isTTY === true
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR2']) {
    process.on(signal, () => {
      if (!(isTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT'))) child.kill(signal)
    })
  }
  child.on('error', error => fail(error.message))
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal]
  })
}
