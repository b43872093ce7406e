import type { Command } from '../../platform/command.ts'

export const trainCommand: Command = {
  path: 'train',
  summary: 'Run a training job: any command, in a recorded environment',
  description:
    'Records the commit, the data by SHA-256, parameters, seed and environment; runs the command within its limits; keeps its\n' +
    'log and outputs as a run of the tracking store, where what it logs with MLflow stands too. Ends with the status of the\n' +
    'command; 124 where its time was up, 65 where it ended well but not as the job says. With --again a run is done once more\n' +
    'and compared; the status is 1 where something else came out.',
  args: [{ name: 'job', summary: 'job.yaml', optional: true, completes: 'file' }],
  options: [
    { name: 'set', type: 'string', value: 'NAME=VALUE', repeatable: true, summary: 'Another value for a parameter' },
    { name: 'seed', type: 'number', value: 'N', summary: 'Another seed' },
    {
      name: 'again',
      type: 'string',
      value: 'RUN',
      summary: 'Do this run again, with the same code and data, and compare',
    },
    {
      name: 'folder',
      type: 'string',
      value: 'DIR',
      completes: 'folder',
      summary: 'With --again: where its files are, if not where they were',
    },
    { name: 'anyway', type: 'boolean', summary: 'With --again: also where code, data or packages are not the same' },
    {
      name: 'tolerance',
      type: 'number',
      value: 'X',
      summary: 'With --again: how far metrics may differ, as a share of their size; without it, not at all',
    },
    { name: 'kubernetes', type: 'boolean', summary: 'Run nothing: print it as a Job of Kubernetes' },
    { name: 'image', type: 'string', value: 'IMAGE', summary: 'With --kubernetes: the image, if not that of job.yaml' },
  ],
  examples: [
    { line: 'bellwether train job.yaml', does: 'one run' },
    { line: 'bellwether train job.yaml --set max_depth=4 --seed 7', does: 'with other values' },
    { line: 'bellwether train --again 0f3c…', does: 'is it reproducible?' },
    {
      line: 'bellwether train job.yaml --kubernetes --server https://models.example.org | kubectl create -f -',
      does: 'in a cluster',
    },
  ],
  // What it takes to run a job is loaded when one is run.
  run: async context => (await import('./run-train.ts')).runTrain(context),
}
