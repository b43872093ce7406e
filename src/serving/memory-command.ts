import type { Command, CommandContext } from '../platform/command.ts'
import type { MemoryReport } from './memory.ts'

const MS_PER_MINUTE = 60_000

export const memoryCommand: Command = {
  path: 'memory',
  summary: 'Memory of the server and of each loaded model',
  description: `A model is loaded when it is asked for first. It is put away when others need the memory (\`serving.modelsBytesMax\`) or, where it would be back within the latency it promises, when nobody asked for long (\`serving.idleAfterMs\`); whoever asks next loads it again.`,
  examples: [{ line: 'bellwether memory --json', does: 'for programs, all figures in bytes and milliseconds' }],
  run: showMemory,
}

async function showMemory({ api, terminal }: CommandContext): Promise<undefined> {
  const report = await (await api()).json<MemoryReport>('GET', '/memory')
  const { process, models, loaded } = report
  terminal.result(report, () => {
    const rows = loaded.map(({ model, version, format, bytes, loadMs, loadedAt, idleSince }) => [
      `${model}@${version}`,
      format,
      sizeText(bytes),
      `${loadMs.toFixed(1)} ms`,
      timeText(loadedAt),
      timeText(idleSince),
    ])
    const idle = models.idleAfterMs === undefined ? 'never' : `after ${models.idleAfterMs / MS_PER_MINUTE} min`
    return [
      `The process has ${sizeText(process.residentBytes)} in memory, of it ${sizeText(process.heapBytes)} of objects and ${sizeText(process.externalBytes)} of buffers`,
      `${models.loaded} models hold ${sizeText(models.bytes)} of at most ${sizeText(models.bytesMax)}; idle ones are put away ${idle}`,
      `Since the start ${models.loads} loads, ${models.displaced} put away for memory, ${models.idled} for being idle`,
      ...(rows.length === 0
        ? []
        : ['', terminal.table(['model', 'format', 'memory', 'loaded in', 'loaded at', 'idle since'], rows)]),
    ].join('\n')
  })
  return undefined
}

function sizeText(bytes: number): string {
  if (bytes < 1e4) return `${bytes} B`
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(0)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

function timeText(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ')
}
