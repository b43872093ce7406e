/**
 * Where a worker thread's program lies. In the source tree it is a `.ts` file, in the published package a `.js` file, and
 * TypeScript's rewriting of import extensions does not reach into strings; so the extension is that of whoever asks.
 *
 * @param from `import.meta.url` of the file that starts the thread.
 * @param name path of the program relative to it, without extension, e.g. `./sqlite-worker`.
 */
export function workerUrl(from: string, name: string): URL {
  return new URL(name + (from.endsWith('.ts') ? '.ts' : '.js'), from)
}
