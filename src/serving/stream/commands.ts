import { Problem } from '../../errors.ts'
import type { Command, Option } from '../../platform/command.ts'

const OPTIONS: readonly Option[] = [
  {
    name: 'brokers',
    type: 'string',
    value: 'HOST:PORT',
    setting: 'stream.brokers',
    summary: 'Kafka brokers, separated by commas',
  },
  {
    name: 'input',
    type: 'string',
    value: 'TOPIC',
    setting: 'stream.input',
    summary: 'Topic whose messages are answered',
  },
  { name: 'output', type: 'string', value: 'TOPIC', setting: 'stream.output', summary: 'Topic that takes the answers' },
  {
    name: 'dead-letters',
    type: 'string',
    value: 'TOPIC',
    setting: 'stream.deadLetters',
    summary: 'Topic that takes what cannot be answered; without it, the input topic with .dead-letters',
  },
  { name: 'group', type: 'string', value: 'NAME', setting: 'stream.group', summary: 'Consumer group' },
]

/** @param start serves; what it takes, this takes too. */
export function streamCommand(start: Command): Command {
  const ours = OPTIONS.map(({ name }) => name)
  return {
    path: 'stream',
    summary: 'Serve, and answer a Kafka topic',
    description: `Reads messages, has them answered as any request is, and writes the answers to another topic. Answers and positions are one transaction: each message has one answer and one record, whatever is killed and when. What cannot be answered goes to the dead letters with its reason.

It is \`bellwether start\` with a stream: it holds the data folder, answers requests and tells its lag at /metrics. User, password and TLS of the brokers are settings: \`bellwether config\` lists them.`,
    options: [...OPTIONS, ...(start.options ?? []).filter(({ name }) => !ours.includes(name))],
    examples: [
      {
        line: 'bellwether stream --brokers localhost:9092 --input customers --output churn --model churn',
        does: 'each message of customers gets its answer in churn',
      },
    ],
    run: context => {
      if (context.config.config.stream.brokers !== '') return start.run(context)
      throw new Problem('usage', 'Cannot answer a stream: no brokers are named, wanted --brokers HOST:PORT')
    },
  }
}
