/** What leads where: runs as lines through their parameters to a metric, and as dots of one number against another. */
import type { VNode } from 'preact'
import { parallel } from '../../../ui/charts/parallel.ts'
import { scatter } from '../../../ui/charts/scatter.ts'
import { Measured } from '../../../ui/parts/measured.tsx'
import { Empty } from '../../../ui/parts/notice.tsx'
import { Scrolled } from '../../../ui/parts/scrolled.tsx'
import type { RunBody } from '../api-runs.ts'
import { go, place, withQuery } from '../router.ts'
import { nameOf, numberOf } from './run-words.tsx'

const PARALLEL_HEIGHT = 320
const SCATTER_HEIGHT = 260
const AXES_MAX = 12
const PIXELS_AN_AXIS = 104

interface ChartsProps {
  readonly runs: readonly RunBody[]
  readonly metrics: readonly string[]
  readonly params: readonly string[]
}

/** A parameter is a text; where it is a number it stands on a scale. */
function paramValue(text: string | undefined): number | string | undefined {
  if (text === undefined || text === '') return undefined
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

function metricValue(run: RunBody, name: string): number | undefined {
  const value = run.metrics[name]
  const number = value === undefined ? Number.NaN : numberOf(value)
  return Number.isFinite(number) ? number : undefined
}

export function ParallelPanel({ runs, metrics, params }: ChartsProps): VNode {
  const asked = place.value.query['target']
  const target = metrics.find(name => name === asked) ?? metrics[0]
  const differing = params.filter(name => new Set(runs.map(run => run.params[name])).size > 1)
  const axes = [
    ...differing.slice(0, AXES_MAX - 1).map(name => {
      return { name, values: runs.map(run => paramValue(run.params[name])) }
    }),
    ...(target === undefined ? [] : [{ name: target, values: runs.map(run => metricValue(run, target)) }]),
  ]
  const left = differing.length - (AXES_MAX - 1)
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>What leads there</h2>
        {target === undefined ? null : (
          <div class="panel-note">
            {left > 0 ? `the first ${AXES_MAX - 1} of ${differing.length} parameters that differ ` : ''}
            <Choice label="Colours by" name="target" value={target} all={metrics} />
          </div>
        )}
      </div>
      {axes.length < 2 ? (
        <Empty title="Nothing to draw">It takes a parameter that differs, and a metric.</Empty>
      ) : (
        <Scrolled label="Parallel coordinates">
          <div class="widest" ref={element => widen(element, axes.length * PIXELS_AN_AXIS)}>
            <Measured
              height={PARALLEL_HEIGHT}
              draw={width =>
                parallel(axes, {
                  width,
                  height: PARALLEL_HEIGHT,
                  names: runs.map(nameOf),
                  label: `${runs.length} runs through ${axes.map(({ name }) => name).join(', ')}`,
                })
              }
            />
          </div>
        </Scrolled>
      )}
    </section>
  )
}

/** By script, as the page's policy wants it: no style stands in a tag. */
function widen(element: HTMLElement | null, pixels: number): void {
  if (element !== null) element.style.minWidth = `${pixels}px`
}

export function ScatterPanel({ runs, metrics, params }: ChartsProps): VNode {
  const isNumber = (name: string): boolean => runs.some(run => typeof paramValue(run.params[name]) === 'number')
  const names = [...params.filter(isNumber).map(name => `params.${name}`), ...metrics.map(name => `metrics.${name}`)]
  const { x: askedX, y: askedY } = place.value.query
  const y = names.find(name => name === askedY) ?? names.find(name => name.startsWith('metrics.')) ?? names[0]
  const x = names.find(name => name === askedX) ?? names.find(name => name !== y)
  const points = runs.flatMap(run => {
    const [across, up] = [numberIn(run, x), numberIn(run, y)]
    return across === undefined || up === undefined ? [] : [{ name: nameOf(run), x: across, y: up }]
  })
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>One against another</h2>
        {x === undefined || y === undefined ? null : (
          <div class="panel-note">
            <Choice label="Across" name="x" value={x} all={names} />{' '}
            <Choice label="Up" name="y" value={y} all={names} />
          </div>
        )}
      </div>
      {x === undefined || y === undefined || points.length === 0 ? (
        <Empty title="Nothing to draw">It takes two numbers that a run has.</Empty>
      ) : (
        <Measured
          height={SCATTER_HEIGHT}
          draw={width =>
            scatter(points, {
              width,
              height: SCATTER_HEIGHT,
              label: `${y} by ${x} of ${points.length} runs`,
              xName: withoutKind(x),
              yName: withoutKind(y),
            })
          }
        />
      )}
    </section>
  )
}

function withoutKind(name: string): string {
  return name.slice(name.indexOf('.') + 1)
}

function numberIn(run: RunBody, name: string | undefined): number | undefined {
  if (name === undefined) return undefined
  if (name.startsWith('metrics.')) return metricValue(run, withoutKind(name))
  const value = paramValue(run.params[withoutKind(name)])
  return typeof value === 'number' ? value : undefined
}

interface ChoiceProps {
  readonly label: string
  readonly name: string
  readonly value: string
  readonly all: readonly string[]
}

function Choice({ label, name, value, all }: ChoiceProps): VNode {
  return (
    <label>
      {label}{' '}
      <select
        class="field small-field"
        value={value}
        onChange={event => go(withQuery({ [name]: event.currentTarget.value }))}
      >
        {all.map(one => (
          <option key={one} value={one}>
            {one}
          </option>
        ))}
      </select>
    </label>
  )
}
