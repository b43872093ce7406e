/** Starts the dashboard in the browser. */
import { render } from 'preact'
import { Frame } from './frame.tsx'
import { startClock } from './now.ts'
import { startRouter } from './router.ts'
import { startTips } from './tip.tsx'

startRouter()
startTips()
startClock()
render(<Frame />, document.getElementById('app')!)
