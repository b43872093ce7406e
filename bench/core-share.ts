/** Holds processes to a share of a core each, by the kernel's control groups, so that what they do at full load can be told on a machine with few cores. */
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Short, so that a process that used its share up is not away for long. */
const PERIOD_US = 5_000
/** Of the first version of control groups, and of the second. */
const FIRST = '/sys/fs/cgroup/cpu'
const SECOND = '/sys/fs/cgroup'

export interface Held {
  release(): void
}

/** Undefined where this machine or this user may not: it takes root and control groups that have `cpu`. */
export function holdToShare(pid: number, share: number): Held | undefined {
  const isFirst = existsSync(join(FIRST, 'cpu.cfs_quota_us'))
  const root = isFirst ? FIRST : SECOND
  const group = join(root, `bellwether-bench-${pid}`)
  const quota = Math.round(PERIOD_US * share)
  try {
    if (!isFirst) writeFileSync(join(root, 'cgroup.subtree_control'), '+cpu')
    mkdirSync(group)
    if (isFirst) {
      writeFileSync(join(group, 'cpu.cfs_period_us'), String(PERIOD_US))
      writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quota))
    } else writeFileSync(join(group, 'cpu.max'), `${quota} ${PERIOD_US}`)
    writeFileSync(join(group, 'cgroup.procs'), String(pid))
  } catch {
    return undefined
  }
  return {
    release() {
      for (const member of readFileSync(join(group, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
        writeFileSync(join(root, 'cgroup.procs'), member)
      }
      rmdirSync(group)
    },
  }
}

/** The children of a process that were started with this program. */
export function childrenOf(pid: number, program: RegExp): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter(Boolean)
    .map(Number)
  return children.filter(child => program.test(readFileSync(`/proc/${child}/cmdline`, 'utf8')))
}
