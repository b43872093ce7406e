/**
 * The file of a worker thread or child process beside the file that starts it: `.ts` in the source, `.js` when published
 * (tsc rewrites imports, not the text handed to `new Worker`).
 *
 * @param from `import.meta.url` of the starter.
 * @param name the worker's file without its ending, e.g. `./sqlite-worker`.
 */
export function workerUrl(from: string, name: string): URL {
  return new URL(`${name}${from.endsWith('.ts') ? '.ts' : '.js'}`, from)
}
