/** What both of LightGBM's formats say around the trees. */
import type { JsonReader } from './json-bytes.ts'
import { refusal } from './lightgbm-objectives.ts'

export interface LightgbmFile {
  /** Of the format: `v4`. */
  readonly version: string | undefined
  readonly objective: string | undefined
  /** Trees in each iteration: one for each class. */
  readonly outputs: number
  readonly featureCount: number
  /** Whether trees are averaged, as in a random forest. */
  readonly average: boolean
  readonly names: readonly string[]
  /** By feature: whether the training data had categories there. */
  readonly categorical: readonly boolean[]
  /** Numbers of the features that were said to be categorical, where the file tells. */
  readonly categoricalFeatures?: readonly number[] | undefined
  /** The categories of each categorical column of a data frame. */
  readonly pandas?: readonly (readonly string[])[] | undefined
  readonly boosting?: string | undefined
}

const COLUMNS_MAX = 100_000
const CATEGORIES_MAX = 1 << 22

/** `null`, or a list of categories for each categorical column: texts, numbers or truth values. */
export function readPandasCategories(reader: JsonReader): readonly (readonly string[])[] | undefined {
  if (reader.kind() === 'null') {
    reader.skip()
    return undefined
  }
  const columns: string[][] = []
  let count = 0
  reader.array(() => {
    const categories: string[] = []
    reader.array(() => {
      if (++count > CATEGORIES_MAX) throw refusal(`it names more than ${CATEGORIES_MAX} categories`)
      categories.push(categoryText(reader))
    })
    if (columns.length === COLUMNS_MAX) throw refusal(`it has more than ${COLUMNS_MAX} categorical columns`)
    columns.push(categories)
  })
  return columns
}

function categoryText(reader: JsonReader): string {
  const kind = reader.kind()
  if (kind === 'string') return reader.string()
  if (kind === 'number') return String(reader.number())
  reader.skip()
  return kind
}

/**
 * Which feature has which texts: pandas names the columns in their order, and says nowhere which they are. Where the file
 * tells of as many categorical features, these are they; else no text can be told from another, and rows hold codes.
 */
export function categoriesByFeature(file: LightgbmFile): readonly (readonly string[] | undefined)[] {
  const { pandas, names, categorical, categoricalFeatures } = file
  const all: (readonly string[] | undefined)[] = names.map(() => undefined)
  if (pandas === undefined) return all
  const found = categorical.flatMap((is, feature) => (is ? [feature] : []))
  const features = [categoricalFeatures ?? [], found].find(list => list.length === pandas.length)
  for (const [index, feature] of features?.entries() ?? []) if (feature < all.length) all[feature] = pandas[index]
  return all
}
