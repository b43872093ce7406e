/**
 * A training job as a Job of Kubernetes (batch/v1): the same command with the same parameters and seed, limits that the cluster
 * holds, and the data's digests, which are checked in the pod before the command starts. The run is made by MLflow in the pod.
 */
import { createHash } from 'node:crypto'
import { posix, relative, resolve, sep } from 'node:path'
import { Problem } from '../../errors.ts'
import { type CodeState, codeState } from './code-state.ts'
import { commandOf, type Job } from './job.ts'
import { environmentOf } from './job-environment.ts'
import { type DataSnapshot, snapshotData } from './snapshot-data.ts'

export interface KubernetesParts {
  /** Where the tracking store answers, as the pod sees it. */
  readonly server: string | undefined
  readonly image: string | undefined
  readonly inherited: Readonly<Record<string, string | undefined>>
}

export interface KubernetesJob {
  readonly manifest: object
  /** What the cluster does not hold, in words. */
  readonly notes: readonly string[]
}

const FOLDER = '/job'
/** Of an environment variable that lists files: a pod's description must stay far below etcd's 1.5 MB. */
const SUMS_BYTES_MAX = 128 << 10
const LOOPBACK = /^(localhost|127\.[\d.]+|\[::1\])$/
const CHECK = 'printf %s "$SUMS" | sha256sum -c -'
/** The folder of what programs leave behind is the user's own there; the rest is the image's. */
const OURS = /^(BELLWETHER_|PYTHON|OMP_|OPENBLAS_|MKL_|NUMEXPR_|VECLIB_)/

/** @throws Problem `usage` or `invalid` for what such a Job needs and the description does not have. */
export async function kubernetesJob(job: Job, folder: string, parts: KubernetesParts): Promise<KubernetesJob> {
  const image = parts.image ?? job.kubernetes.image
  if (image === undefined)
    throw new Problem('usage', 'Cannot write a Kubernetes Job: wanted an image, by --image or kubernetes.image')
  const server = serverOf(parts.server)
  const { secret } = job.kubernetes
  if (job.environment.secrets.length > 0 && secret === undefined)
    throw new Problem(
      'invalid',
      'Cannot write a Kubernetes Job: the job has secrets, wanted kubernetes.secret to take them from',
    )
  const data: DataSnapshot[] = []
  for (const [name, source] of Object.entries(job.data)) data.push(await snapshotData(folder, name, source))
  const places = Object.fromEntries(data.map(({ name, place }) => [name, placeInPod(job, folder, name, place)]))
  const code = await codeState(folder, parts.inherited, job.outputs)
  const sums = sumsOf(data, places)
  const spec = { job, image, data, places, server, sums: sums ?? '', inherited: parts.inherited }
  const template = podOf(spec)
  const digest = createHash('sha256')
    .update(JSON.stringify([template, code]))
    .digest('hex')
    .slice(0, 10)
  return { manifest: manifestOf(job, template, digest, { code, data }), notes: [...notesOf(job, sums, server)] }
}

function serverOf(given: string | undefined): string {
  if (given !== undefined && URL.canParse(given)) return given.replace(/\/+$/, '')
  throw new Problem(
    'usage',
    'Cannot write a Kubernetes Job: wanted --server, the address of the tracking store as the pod sees it',
  )
}

function placeInPod(job: Job, folder: string, name: string, place: string): string {
  if (job.kubernetes.claim === undefined)
    throw new Problem(
      'invalid',
      `Cannot write a Kubernetes Job: data.${name} must reach the pod, wanted kubernetes.claim, a volume with the folder of the job`,
    )
  const path = relative(resolve(folder), place)
  if (path.split(sep)[0] === '..' || path.startsWith('/'))
    throw new Problem(
      'invalid',
      `Cannot write a Kubernetes Job: data.${name} lies outside the folder of the job, wanted it inside`,
    )
  return posix.join(FOLDER, path.split(sep).join('/'))
}

/** Lines for `sha256sum -c`; undefined where they would be too many. */
function sumsOf(data: readonly DataSnapshot[], places: Readonly<Record<string, string>>): string | undefined {
  const lines = data.flatMap(({ name, source, files }) =>
    files.map(({ path, sha256 }) => {
      const place = places[name]!
      const isFile = files.length === 1 && source.endsWith(path) && place.endsWith(path)
      return `${sha256}  ${isFile ? place : posix.join(place, path)}\n`
    }),
  )
  const text = lines.join('')
  return Buffer.byteLength(text) > SUMS_BYTES_MAX ? undefined : text
}

interface PodParts {
  readonly job: Job
  readonly image: string
  readonly data: readonly DataSnapshot[]
  readonly places: Readonly<Record<string, string>>
  readonly server: string
  readonly sums: string
  readonly inherited: Readonly<Record<string, string | undefined>>
}

/** In commands and values Kubernetes reads `$(NAME)`, and `$$` as one: so ours come through as they are. */
function literal(text: string): string {
  return text.replaceAll('$', '$$$$')
}

function podOf(parts: PodParts): object {
  const { job, image, places, sums } = parts
  const { serviceAccount, claim } = job.kubernetes
  const folder = claim === undefined ? {} : { workingDir: FOLDER, volumeMounts: [{ name: 'job', mountPath: FOLDER }] }
  const confined = { allowPrivilegeEscalation: false, capabilities: { drop: ['ALL'] } }
  const check = {
    ...{ name: 'data', image, command: ['sh', '-c', literal(CHECK)], env: [{ name: 'SUMS', value: literal(sums) }] },
    ...folder,
    securityContext: confined,
  }
  return {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: Math.ceil(job.grace),
    automountServiceAccountToken: serviceAccount !== undefined,
    ...(serviceAccount === undefined ? {} : { serviceAccountName: serviceAccount }),
    securityContext: { seccompProfile: { type: 'RuntimeDefault' } },
    ...(sums === '' ? {} : { initContainers: [check] }),
    containers: [
      {
        ...{ name: 'job', image, command: commandOf(job, places).map(literal), env: variablesOf(parts) },
        ...resourcesOf(job),
        ...folder,
        securityContext: confined,
      },
    ],
    ...(claim === undefined ? {} : { volumes: [{ name: 'job', persistentVolumeClaim: { claimName: claim } }] }),
  }
}

function variablesOf({ job, places, server, inherited }: PodParts): object[] {
  const { pass, set, secrets } = job.environment
  const { secret } = job.kubernetes
  const known = { ...inherited, ...Object.fromEntries(secrets.map(name => [name, ''])) }
  const { environment } = environmentOf(job, known, places)
  const taken = new Set([...pass, ...Object.keys(set)])
  const hidden = new Set(secrets)
  const own = Object.entries(environment).filter(([name]) => !hidden.has(name) && (OURS.test(name) || taken.has(name)))
  const told = { MLFLOW_TRACKING_URI: server, MLFLOW_EXPERIMENT_NAME: job.experiment, MLFLOW_RUN_NAME: job.name }
  const plain = [...own, ...Object.entries(told)].map(([name, value]) => ({ name, value: literal(value) }))
  if (secret === undefined) return plain
  const from = (name: string, key: string) => ({ name, valueFrom: { secretKeyRef: { name: secret, key } } })
  return [...plain, from('MLFLOW_TRACKING_TOKEN', 'token'), ...secrets.map(name => from(name, name))]
}

function resourcesOf({ resources: { memory }, kubernetes: { cpus } }: Job): object {
  const amounts = {
    ...(memory === undefined ? {} : { memory: String(memory) }),
    ...(cpus === undefined ? {} : { cpu: `${Math.round(cpus * 1000)}m` }),
  }
  return Object.keys(amounts).length === 0 ? {} : { resources: { limits: amounts, requests: amounts } }
}

interface Origin {
  readonly code: CodeState
  readonly data: readonly DataSnapshot[]
}

/** The name has a digest of what is done: a Job cannot be changed, and another one is another. */
function manifestOf(job: Job, pod: object, digest: string, { code, data }: Origin): object {
  const label =
    job.name
      .toLowerCase()
      .replace(/[^a-z0-9-]+/g, '-')
      .slice(0, 40)
      .replace(/^-+|-+$/g, '') || 'job'
  const labels = { 'app.kubernetes.io/name': label, 'app.kubernetes.io/managed-by': 'bellwether' }
  const annotations = {
    'bellwether/job': job.name,
    ...(code.commit === undefined ? {} : { 'bellwether/commit': code.commit }),
    ...(code.patch === undefined ? {} : { 'bellwether/patch': code.patch }),
    ...Object.fromEntries(data.map(({ name, sha256 }) => [`data.bellwether/${name}`, sha256])),
  }
  const { namespace } = job.kubernetes
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: `${label}-${digest}`, ...(namespace === undefined ? {} : { namespace }), labels, annotations },
    spec: {
      backoffLimit: 0,
      ...(job.timeLimit === undefined ? {} : { activeDeadlineSeconds: Math.ceil(job.timeLimit) }),
      template: { metadata: { labels }, spec: pod },
    },
  }
}

function* notesOf(
  { resources, outputs, kubernetes }: Job,
  sums: string | undefined,
  server: string,
): Generator<string> {
  if (LOOPBACK.test(new URL(server).hostname)) yield `${server} is this machine, which a pod does not see`
  if (kubernetes.secret === undefined) yield 'No kubernetes.secret: the pod calls the server without a key'
  if (sums === undefined) yield 'The data has too many files to be checked in the pod; their digest is told only'
  for (const key of ['cpuSeconds', 'files', 'nice'] as const)
    if (resources[key] !== undefined) yield `resources.${key} is not held in a cluster`
  if (outputs.length > 0) yield 'Outputs are not kept by themselves in a cluster: let the command log them with MLflow'
}
