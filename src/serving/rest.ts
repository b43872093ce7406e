/** Our own protocol: a row is an object of features, a batch is an array of rows, an answer names what answered. */
import { bodyText } from '../platform/body-text.ts'
import type { Answer } from '../route.ts'
import type { Journey } from './journey.ts'
import { readJson } from './json.ts'
import type { Lane } from './lane.ts'
import type { Protocol } from './predict.ts'
import { answerText } from './prediction-text.ts'

export const rest: Protocol = {
  door: 'rest',
  read: (body, { signature }, rowsMax) =>
    // The signature looks at every number, and names an infinite one beside whatever else is wrong.
    signature.readQuickly(body) ?? signature.read(readJson(bodyText(body), 'leave'), rowsMax),
  write: (journey, lane) => ({
    text: journey.rows!.single ? answerOf(journey, lane, 0) : answersOf(journey, lane),
    isAscii: lane.texts.isAscii && lane.model.outputs.isAscii && !journey.context!.explain,
  }),
}

function answerOf({ ids, outputTexts, explanationTexts, context }: Journey, lane: Lane, row: number): string {
  return answerText(lane, ids[row]!, outputTexts[row]!, context!.explain ? explanationTexts[row] : undefined)
}

function answersOf(journey: Journey, lane: Lane): NonNullable<Answer['text']> {
  let text = '{"predictions":['
  for (let row = 0; row < journey.ids.length; row++) text += (row === 0 ? '' : ',') + answerOf(journey, lane, row)
  return `${text}]}`
}
