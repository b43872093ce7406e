import type { Command } from '../../platform/command.ts'
import type { MasterRotated } from './rotate-master.ts'

export const rotateMasterCommand: Command = {
  path: 'keys rotate',
  summary: 'Change the master key that everything encrypted depends on',
  description:
    'Each artifact, data set and subject has a key of its own, and the master key seals these: they are sealed anew by a new\n' +
    'master key, and the old one opens nothing more. Nothing else is encrypted again, so that it takes moments. With workers\n' +
    'the server must be stopped before. Where the configuration gives the master key, start with keys.master=NEW,OLD, run\n' +
    'this, and then start with keys.master=NEW. The keys that sign evidence are changed by: bellwether evidence rotate.',
  examples: [{ line: 'bellwether keys rotate', does: 'on this machine, whether a server runs or not' }],
  run: async ({ api, terminal }) => {
    const server = await api()
    const progress = terminal.progress('Sealing keys anew')
    let rotated: MasterRotated
    try {
      rotated = await server.json<MasterRotated>('POST', '/encryption/rotate')
    } finally {
      progress.end()
    }
    terminal.result(rotated, () => {
      const { objects, subjects, signingKeys, damaged } = rotated
      const lost = damaged.map(sha256 => `NOT readable, by any key: object ${sha256}`)
      return [`Sealed anew: ${objects} objects, ${subjects} subjects, ${signingKeys} signing keys`, ...lost].join('\n')
    })
    return undefined
  },
}
