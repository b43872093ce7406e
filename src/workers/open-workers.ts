/** Workers for a server: with the door that answers what they pass on, and all that they need of the process that has the data. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { HttpDoor } from '../doors/http.ts'
import type { HttpDoorParts } from '../doors/http-request.ts'
import { systemTimers } from '../platform/timers.ts'
import type { World } from '../platform/world.ts'
import type { Registry } from '../registry/registry.ts'
import { type CountingParts, openCounting } from './counting.ts'
import { type Crew, type CrewParts, type CrewPlace, openCrew } from './crew.ts'
import { FORWARDED } from './forward.ts'
import type { Ready } from './protocol.ts'

export interface WorkersParts
  extends Pick<CountingParts, 'watch' | 'observers' | 'numberOf'>,
    Pick<CrewParts, 'ledger' | 'refusals' | 'buckets'> {
  readonly registry: CountingParts['registry'] & Pick<Registry, 'beforeMove'>
}

export interface Workers extends Omit<Crew, 'start' | 'stop' | 'warm'> {
  /** What is different at the door that only workers reach: they have met the caller, and say who it is. */
  readonly innerDoor: Pick<HttpDoorParts, 'proxies'>
  /** Opens the door for them, and starts them. @param closing takes how to end them. */
  open(
    door: Pick<HttpDoor, 'listenAt'>,
    place: Omit<CrewPlace, 'doorPath'>,
    closing: (() => Promise<void>)[],
  ): Promise<Ready>
}

/** What was accepted may go on so long after they were asked to end. */
const STOP_MS_MAX = 10_000

/** Prepares them; `open` starts them. */
export function openWorkers(world: World, parts: WorkersParts): Workers {
  const { log } = world
  const crew = openCrew({
    ...world,
    ...parts,
    counting: openCounting({ ...parts, log }),
    timers: systemTimers,
    timer: () => performance.now(),
    random: Math.random,
    flags: process.execArgv,
  })
  parts.registry.beforeMove(move => crew.warm(move))
  return {
    innerDoor: { proxies: FORWARDED },
    async open(door, place, closing): Promise<Ready> {
      const socket = doorSocket(world.path)
      closing.push(async () => socket.remove())
      await door.listenAt(socket.path)
      closing.push(() => crew.stop(STOP_MS_MAX))
      return await crew.start({ ...place, doorPath: socket.path })
    },
    refresh: () => crew.refresh(),
    requireOne: () => crew.requireOne(),
    renew: () => crew.renew(),
  }
}

/** The longest path of a socket that every system takes (macOS: 104 bytes with the zero at the end). */
const SOCKET_PATH_BYTES_MAX = 103

interface DoorSocket {
  readonly path: string
  remove(): void
}

/** Where the inner door listens: in the data folder, which is its owner's alone, or where that is too deep, in a folder that is as well. */
function doorSocket(folder: string): DoorSocket {
  const near = join(folder, 'door.sock')
  const path =
    Buffer.byteLength(near) <= SOCKET_PATH_BYTES_MAX ? near : join(mkdtempSync(join(tmpdir(), 'bellwether-')), 'door')
  // One that was left by a process that was killed: the folder has one owner at a time.
  rmSync(path, { force: true })
  const remove = (): void => rmSync(path === near ? path : dirname(path), { recursive: true, force: true })
  return { path, remove }
}
