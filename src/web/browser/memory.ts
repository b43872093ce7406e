/** What the browser remembers for us. Where it may not, it remembers nothing, and everything else works. */

export interface Memory {
  get(name: string): string | undefined
  /** @param text undefined forgets. */
  set(name: string, text: string | undefined): void
}

/** Until it is forgotten. */
export const lasting: Memory = memory(() => localStorage)
/** As long as the tab is open. */
export const ofTab: Memory = memory(() => sessionStorage)

function memory(place: () => Storage): Memory {
  return {
    get(name): string | undefined {
      try {
        return place().getItem(`bellwether.${name}`) ?? undefined
      } catch {
        return undefined // forbidden by the browser's settings
      }
    },
    set(name, text): void {
      try {
        if (text === undefined) place().removeItem(`bellwether.${name}`)
        else place().setItem(`bellwether.${name}`, text)
      } catch {
        // Forbidden, or full: it holds until the page is left.
      }
    },
  }
}
