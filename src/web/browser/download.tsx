import type { ComponentChildren, VNode } from 'preact'
import { useState } from 'preact/hooks'
import { ask } from './ask.ts'
import { session } from './session.ts'

interface DownloadProps {
  readonly address: string
  /** What the file is to be called. */
  readonly name: string
  readonly isLarge?: boolean
  readonly class?: string
  readonly children: ComponentChildren
}

/** Saves what an address of the API answers, also where that needs the key of this page. */
export function Download({ address, name, isLarge = false, class: look = 'button', children }: DownloadProps): VNode {
  const [problem, setProblem] = useState<string>()
  // Without a key the browser fetches it by itself, however large it is.
  if (session.value.key === undefined)
    return (
      <a class={look} href={address} download={name}>
        {children}
      </a>
    )
  const save = (): void => {
    download(address, name).then(
      () => setProblem(undefined),
      (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    )
  }
  return (
    <>
      <button type="button" class={look} disabled={isLarge} onClick={save}>
        {children}
      </button>
      {problem === undefined ? null : <p class="reason alarm">{problem}</p>}
    </>
  )
}

async function download(address: string, name: string): Promise<void> {
  const url = URL.createObjectURL(await (await ask(address)).blob())
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  URL.revokeObjectURL(url)
}
