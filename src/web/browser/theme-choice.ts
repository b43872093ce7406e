import { lasting } from './memory.ts'

/** Light, dark, or as the system has it. */
export type Theme = 'light' | 'dark' | 'system'

const NAME = 'theme'

export function storedTheme(): Theme {
  const stored = lasting.get(NAME)
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}

export function storeTheme(theme: Theme): void {
  lasting.set(NAME, theme === 'system' ? undefined : theme)
  applyTheme(theme)
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}
