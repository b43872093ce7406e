import { readFileSync } from 'node:fs'

/** Version of this program. `package.json` lies two folders up from the source and from what is compiled of it. */
export const PROGRAM_VERSION: string = (
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
).version
