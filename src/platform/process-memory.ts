/** What this process holds of the machine's memory. */
export function processMemory(): {
  readonly residentBytes: number
  readonly heapBytes: number
  readonly externalBytes: number
} {
  const { rss, heapUsed, external } = process.memoryUsage()
  return { residentBytes: rss, heapBytes: heapUsed, externalBytes: external }
}
