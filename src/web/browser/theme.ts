/** Runs before anything is drawn, so that a page in a chosen theme does not flash in the other. */
import { applyTheme, storedTheme } from './theme-choice.ts'

applyTheme(storedTheme())
