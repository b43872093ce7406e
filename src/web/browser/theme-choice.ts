/** Light, dark, or as the system has it. */
export type Theme = 'light' | 'dark' | 'system'

const PLACE = 'bellwether.theme'

export function storedTheme(): Theme {
  const stored = localStorage.getItem(PLACE)
  return stored === 'light' || stored === 'dark' ? stored : 'system'
}

export function storeTheme(theme: Theme): void {
  if (theme === 'system') localStorage.removeItem(PLACE)
  else localStorage.setItem(PLACE, theme)
  applyTheme(theme)
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}
