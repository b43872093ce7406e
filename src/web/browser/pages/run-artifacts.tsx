/** The files of a run: gone through folder by folder, looked at where they are text or a picture, and taken away. */
import type { VNode } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Empty, Failed, Loading } from '../../../ui/parts/notice.tsx'
import { Scrolled } from '../../../ui/parts/scrolled.tsx'
import { type FileBody, type FilesBody, runPath } from '../api-runs.ts'
import { AskProblem, ask } from '../ask.ts'
import { Download } from '../download.tsx'
import { useLive } from '../live.ts'
import { LivePanel } from '../panel.tsx'
import { place, withQuery } from '../router.ts'
import { session } from '../session.ts'

const EVERY_MS = 15_000
const TEXT_BYTES_MAX = 200_000
const PICTURE_BYTES_MAX = 10 << 20
/** Taken away with the key, a file goes through this browser's memory. */
const KEYED_BYTES_MAX = 500 << 20
const PICTURES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  avif: 'image/avif',
  bmp: 'image/bmp',
  svg: 'image/svg+xml',
}

export function RunArtifacts({ run }: { run: string }): VNode {
  const { folder = '', file } = place.value.query
  const query = new URLSearchParams({ path: folder })
  const live = useLive<FilesBody>(`${runPath(run)}/artifacts?${query}`, EVERY_MS)
  return (
    <LivePanel
      live={live}
      title="Artifacts"
      note={folder === '' ? undefined : <Crumbs folder={folder} />}
      emptiness={({ files }) =>
        files.length > 0
          ? undefined
          : { title: 'No file was logged', text: folder === '' ? undefined : 'This folder is empty.' }
      }
      draw={({ files }) => (
        <div class="artifacts">
          <ul class="files">
            {files.map(one => (
              <FileLine key={one.path} file={one} isOpen={one.path === file} />
            ))}
          </ul>
          <Opened file={files.find(one => one.path === file)} />
        </div>
      )}
    />
  )
}

function Crumbs({ folder }: { folder: string }): VNode {
  const parts = folder.split('/')
  return (
    <nav aria-label="Folders">
      <a class="link" href={withQuery({ folder: undefined, file: undefined })}>
        all
      </a>
      {parts.map((part, at) => (
        <span key={part + at}>
          {' / '}
          <a class="link" href={withQuery({ folder: parts.slice(0, at + 1).join('/'), file: undefined })}>
            {part}
          </a>
        </span>
      ))}
    </nav>
  )
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function FileLine({ file: { path, isFolder, bytes }, isOpen }: { file: FileBody; isOpen: boolean }): VNode {
  const href = isFolder ? withQuery({ folder: path, file: undefined }) : withQuery({ file: path })
  return (
    <li>
      <a href={href} {...(isOpen ? { 'aria-current': 'true' as const } : {})}>
        <span class="file-name">
          {nameIn(path)}
          {isFolder ? '/' : ''}
        </span>
        {bytes === undefined ? null : <span class="quiet small">{bytesText(bytes)}</span>}
      </a>
    </li>
  )
}

export function bytesText(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`
  const [size, unit] = bytes < 1e6 ? [1e3, 'kB'] : bytes < 1e9 ? [1e6, 'MB'] : [1e9, 'GB']
  return `${(bytes / size).toFixed(bytes / size < 10 ? 1 : 0)} ${unit}`
}

function Opened({ file }: { file: FileBody | undefined }): VNode {
  if (file?.address === undefined) return <p class="quiet small preview">Choose a file to look at it.</p>
  return (
    <div class="preview">
      <div class="preview-head">
        <h3>{nameIn(file.path)}</h3>
        <Taken address={file.address} name={nameIn(file.path)} bytes={file.bytes ?? 0} />
      </div>
      <Preview key={file.address} address={file.address} name={file.path} bytes={file.bytes ?? 0} />
    </div>
  )
}

interface FileProps {
  readonly address: string
  readonly name: string
  readonly bytes: number
}

function Taken({ address, name, bytes }: FileProps): VNode {
  const isLarge = session.value.key !== undefined && bytes > KEYED_BYTES_MAX
  return (
    <>
      <Download address={address} name={name} isLarge={isLarge}>
        Download
      </Download>
      {isLarge ? (
        <p class="reason">
          It is larger than a page can hold: <code>mlflow artifacts download</code> takes it.
        </p>
      ) : null}
    </>
  )
}

function saidBy(error: unknown): string {
  return error instanceof AskProblem ? error.message : String(error)
}

type Seen =
  | { readonly is: 'picture'; readonly source: string }
  | { readonly is: 'text'; readonly text: string; readonly isCut: boolean }
  | { readonly is: 'bytes' }
  | { readonly is: 'problem'; readonly says: string }

/** Nothing of a file is ever run: a page is shown as its text, a drawing as a picture, in which no script lives. */
function Preview({ address, name, bytes }: FileProps): VNode {
  const [seen, setSeen] = useState<Seen>()
  useEffect(() => {
    const stop = new AbortController()
    lookAt({ address, name, bytes }, stop.signal).then(
      found => {
        if (!stop.signal.aborted) setSeen(found)
      },
      (error: unknown) => {
        if (!stop.signal.aborted) setSeen({ is: 'problem', says: saidBy(error) })
      },
    )
    return () => stop.abort()
  }, [address])
  if (seen === undefined) return <Loading lines={4} />
  if (seen.is === 'problem') return <Failed title="Cannot show the file" detail={seen.says} />
  if (seen.is === 'picture') return <img class="picture" src={seen.source} alt={nameIn(name)} />
  if (seen.is === 'bytes') return <Empty title="Neither text nor a picture">It can be downloaded.</Empty>
  return (
    <>
      <Scrolled label={nameIn(name)} tall>
        <pre class="record-text file-text">{seen.text}</pre>
      </Scrolled>
      {seen.isCut ? (
        <p class="quiet small">
          The beginning of it: {bytesText(TEXT_BYTES_MAX)} of {bytesText(bytes)}.
        </p>
      ) : null}
    </>
  )
}

async function lookAt({ address, name, bytes }: FileProps, signal: AbortSignal): Promise<Seen> {
  const type = PICTURES[name.slice(name.lastIndexOf('.') + 1).toLowerCase()]
  if (type !== undefined && bytes <= PICTURE_BYTES_MAX) {
    const blob = await (await ask(address, { signal })).blob()
    return { is: 'picture', source: await dataUrl(new Blob([blob], { type })) }
  }
  const found = await beginning(await ask(address, { signal }))
  const text = textOf(found)
  if (text === undefined) return { is: 'bytes' }
  const isCut = bytes > TEXT_BYTES_MAX
  return { is: 'text', text: isCut ? text : inLines(name, text), isCut }
}

function dataUrl(blob: Blob): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(String(reader.result))
    reader.onerror = () => reject(reader.error ?? new Error('The file could not be read'))
    reader.readAsDataURL(blob)
  })
}

/** No more is fetched than is shown. */
async function beginning(response: Response): Promise<Uint8Array> {
  const reader = response.body!.getReader()
  const parts: Uint8Array[] = []
  let bytes = 0
  while (bytes < TEXT_BYTES_MAX) {
    const { done, value } = await reader.read()
    if (done) break
    parts.push(value)
    bytes += value.length
  }
  await reader.cancel()
  return new Uint8Array(await new Blob(parts as Uint8Array<ArrayBuffer>[]).arrayBuffer()).subarray(0, TEXT_BYTES_MAX)
}

function textOf(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined
  try {
    // What is cut may end within a letter: then it goes on, and is no fault.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: bytes.length === TEXT_BYTES_MAX })
  } catch {
    return undefined
  }
}

/** JSON of one line is hard to read. */
function inLines(name: string, text: string): string {
  if (!/\.json$/i.test(name)) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
