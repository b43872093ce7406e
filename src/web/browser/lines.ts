/** The lines of a stream of UTF-8 text, in batches of at most `most`; a last line without an end is one, too. */
export async function* linesOf(stream: ReadableStream<Uint8Array>, most: number): AsyncGenerator<string[]> {
  const reader = stream.getReader()
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true }) // every byte counts
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    rest += decoder.decode(value, { stream: !done })
    const lines = rest.split('\n')
    rest = done ? '' : lines.pop()!
    const whole = lines.filter(line => line !== '')
    for (let start = 0; start < whole.length; start += most) yield whole.slice(start, start + most)
    if (done) return
  }
}
