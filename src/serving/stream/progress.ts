/** What the stream counts, for `/metrics`. */
export interface StreamProgress {
  /** Messages answered, refused to the dead letters, and answered from what was recorded before. */
  answered: number
  dead: number
  replayed: number
  commits: number
  /** Transactions that were given up and begun again. */
  failures: number
  /** Messages behind the end of the topic, by partition; only of those that this process has. */
  lag: ReadonlyMap<number, bigint>
  /** Whether it has its partitions and answers. */
  isRunning: boolean
}

export function streamProgress(): StreamProgress {
  return { answered: 0, dead: 0, replayed: 0, commits: 0, failures: 0, lag: new Map(), isRunning: false }
}

/** In the Prometheus text format. */
export function streamMetrics(progress: StreamProgress, topic: string): () => string {
  const labels = `topic="${topic}"`
  return () => {
    const { answered, dead, replayed, commits, failures, lag, isRunning } = progress
    const lags = [...lag].map(([partition, behind]) =>
      sample('stream_lag', behind, `${labels},partition="${partition}"`),
    )
    return [
      family(
        'stream_messages_total',
        'counter',
        'Messages of the stream whose answers are committed, by what became of them.',
      ),
      sample('stream_messages_total', answered, `${labels},result="answered"`),
      sample('stream_messages_total', dead, `${labels},result="dead_letter"`),
      family('stream_replays_total', 'counter', 'Messages that had a record already and were told its answer.'),
      sample('stream_replays_total', replayed, labels),
      family('stream_commits_total', 'counter', 'Transactions committed.'),
      sample('stream_commits_total', commits, labels),
      family('stream_failures_total', 'counter', 'Transactions given up and begun again.'),
      sample('stream_failures_total', failures, labels),
      family('stream_running', 'gauge', 'Whether the stream is being answered.'),
      sample('stream_running', isRunning ? 1 : 0, labels),
      family('stream_lag', 'gauge', 'Messages that wait in a partition of this process.'),
      ...lags,
    ].join('')
  }
}

function family(name: string, type: string, help: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
}

function sample(name: string, value: number | bigint, labels: string): string {
  return `${name}{${labels}} ${value}\n`
}
