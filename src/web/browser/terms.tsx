/** Words that not everybody knows, each with its sentence. */
import type { ComponentChildren, VNode } from 'preact'

const TERMS = {
  p50: 'Half of the predictions were faster than this',
  p95: '95 of 100 predictions were faster than this',
  p99: '99 of 100 predictions were faster than this',
  errors: "Share of calls that failed by the server's fault; wrong requests of callers are not counted",
  drift: 'How far what is served has moved from the training data: the column that is furthest from its threshold',
  quality:
    'How right the model is, from the outcomes known by now, with the range in which the true value lies with 95 % confidence',
  maturity: 'Share of the predictions whose outcome is known by now; the younger a window, the fewer',
  psi: 'Population stability index: below 0.1 nothing happened, from 0.25 on the data is another',
  ks: 'Kolmogorov–Smirnov: the largest distance between the two cumulative distributions, 0 to 1',
  kl: 'Kullback–Leibler divergence: what is lost when the reference stands for what is served; 0 for the same',
  js: 'Jensen–Shannon: a divergence that takes both sides alike, 0 for the same',
  js2: 'Jensen–Shannon, counted in bits: between 0 and 1',
  wasserstein:
    'How far values must be moved to make one distribution of the other, in standard deviations of the reference',
  chi2: 'χ² test: whether the shares of the bins differ by more than chance',
  pValue: 'How often chance alone would make a difference as large as this one',
  rocAuc: 'How often a case that happened got a higher score than one that did not: 0.5 is guessing, 1 is perfect',
  prAuc: 'Average precision over all thresholds; guessing reaches the share of cases that happen',
  logLoss: 'Penalty for confident mistakes; the smaller the better',
  brier: 'Mean squared distance between probability and what happened; the smaller the better',
  calibrationError: 'How far predicted probabilities are from what happens, on average',
  accuracy: 'Share of the predictions that were right at the threshold of the model',
  precision: 'Of those predicted to happen, the share that did',
  recall: 'Of those that happened, the share that was predicted',
  f1: 'Precision and recall in one number: their harmonic mean',
  mae: 'Mean distance between prediction and what happened',
  rmse: 'Like the mean distance, but large mistakes weigh more',
  r2: 'Share of the variation that the model explains; 0 is no better than the mean',
  quantileLoss: 'Mean loss of a prediction as a quantile: both directions weighted',
  reference: 'The data that the version was trained on, as counted when it was registered',
  contribution: 'How far a feature moved the answer from the average one; with the average, all of them sum to it',
  importance: 'How far a feature moves answers on average, whichever way',
  head: 'A signed statement over all records until its time: how many they are, and one hash that depends on each of them',
  root: 'One hash that depends on every record and their order (RFC 6962)',
  proof: 'The few hashes that lead from this record to the root; whoever has them needs no other record',
  pseudonym: 'A keyed hash of the id: the ledger knows subjects apart and does not know who they are',
} as const

export type TermName = keyof typeof TERMS

export function isTerm(name: string): name is TermName {
  return Object.hasOwn(TERMS, name)
}

export function Term({ name, children }: { name: TermName; children: ComponentChildren }): VNode {
  return (
    <button type="button" class="term" data-tip={TERMS[name]} aria-describedby="tip">
      {children}
    </button>
  )
}
