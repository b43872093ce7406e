/** Where we answer otherwise than MLflow's own server, on purpose. Each reason stands in docs/mlflow.md, word by word. */

export interface Explained {
  readonly why: string
  readonly asked: RegExp
  readonly where?: RegExp
}

export const EXPLAINED: readonly Explained[] = [
  {
    why: 'Requests that MLflow reads past what is wrong in them are refused',
    asked:
      /'view_type': 'WHAT'|run_view_type|'experiment_id': \['1', '1'\]|'status': 'WHAT'|'tags': \{\}|'value': True|1\.5\}$|a param of a number|\{'experiment_ids': \[5\]|'max_results': '0'|log-inputs no |tags\.team = 'a' AND"|"AND tags\.team/,
    where: /^outcome$/,
  },
  {
    why: 'Whole numbers go up to 2^53',
    asked: /9007199254740993/,
    where: /^outcome$/,
  },
  {
    why: 'Points that were refused are not in the history',
    asked: /metrics\/get-history .*'metric_key': 'm'/,
    where: /^body\.metrics/,
  },
  {
    why: 'One value stands for a list of one, a number for an id, and an experiment that is not named is the default one',
    asked:
      /'order_by': 'name'\}|runs\/search \{'experiment_ids': '1'\}|'experiment_id': '(?:int|NoneType)'|raw bodies: (?:nothing|no type)$/,
    where: /^outcome$/,
  },
  {
    why: 'Names have at most 256 characters, those of runs 250, descriptions 5,000',
    asked: /'(?:m{80}|n{40}|x{40})|'order_by': 'name'\}/,
  },
  {
    why: 'What MLflow answers with 500 is a request that is refused, or one that is taken',
    asked: /metrics of texts|null lists|raw bodies: (?:a text|deep)|put \.\/a|get \.\/a/,
    where: /^outcome$/,
  },
  {
    why: 'A thing that cannot be has the code of what is wrong with it',
    asked:
      /experiments\/update \{'experiment_id': '1', 'new_name': 'Default'\}|raw bodies: (?:a list|null|another type)|'version': '-1'|another value of a parameter|renaming a deleted one|archiving for None|logged models: what = 'x'|run_id': 'x', 'metric_key'/,
    where: /^outcome$/,
  },
  {
    why: 'Addresses that are not there answer in the shape of the protocol, too',
    asked:
      /raw bodies: (?:another method|an address|another version)|raw artifacts: (?:put|get) (?:\.\.\/x|a\/\.\.\/\.\.\/x|a%0ab)/,
    where: /^outcome$/,
  },
  {
    why: 'Artifact locations with spaces, ?, # or .., and artifact paths with control characters, backslashes or empty parts, are refused',
    asked: /artifact_location': '(?:\.\.\/x|s3:\/\/bucket\/x y)'|raw artifacts: (?:put|get) (?:a%00b|\.\.%5Cx|a\/\/b)/,
    where: /^outcome$/,
  },
  {
    why: 'Experiments that were refused take no number',
    asked: /^seen raw/,
    where: /^body\.(?:experiment_id|run\.info\.(?:artifact_uri|experiment_id|run_id|run_uuid))$/,
  },
  { why: 'The addresses of MLflow’s own pages (/ajax-api) are not served', asked: /pages' API$/, where: /^outcome$/ },
  { why: 'The answer to an upload is JSON', asked: /PUT .*mlflow-artifacts|raw artifacts: put/, where: /^body$/ },
  { why: 'The size of an empty file is 0, not unknown', asked: /artifacts/, where: /file_size$|^2\.2$/ },
  {
    why: 'What the server can do is told without the gateway and without presigned uploads',
    asked: /server-info/,
    where: /^body\.(?:features_enabled|presigned_upload_)/,
  },
  {
    why: 'More can be searched and ordered by: IN and double quotes for names of experiments, tags of experiments, ids of experiments, IS NULL for tags of registered models, their creation time',
    asked:
      /search name (?:IN \('alpha'\)|= alpha)|order \['tags\.team'\]|attributes\.experiment_id = '1'|tags\.team IS NULL|order \['creation_timestamp'\]/,
  },
  { why: 'The status of a logged model is searched by its name', asked: /status !?= 'READY'/ },
  { why: 'Metrics of a data set are found without its digest', asked: /metrics of a data set(?::|$)/ },
  { why: 'Traces are not kept', asked: /traces: searched/ },
  { why: 'A run whose start is not told starts now', asked: /runs\/create/, where: /start_time$/ },
]
