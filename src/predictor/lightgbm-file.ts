/** What both of LightGBM's formats say around the trees. */
import type { JsonReader } from './json-bytes.ts'
import { refusal } from './lightgbm-objectives.ts'

/** What training saw of a feature. */
export interface FeatureInfo {
  readonly isCategorical: boolean
  /** Largest number; −1 where there was but one. */
  readonly largest: number
  /** Whether its bounds may be those of codes. */
  readonly isWhole: boolean
}

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
  /** By feature. */
  readonly infos: readonly FeatureInfo[]
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

/** Features × columns of pandas looked at. */
const PAIRS_MAX = 1 << 22

/**
 * Which feature has which texts: pandas names the columns in their order, and says nowhere which they are. They are the
 * categorical features, where the file tells of as many. Else there are ordered categories, which are numbers to LightGBM, or
 * columns with one category: then they are where codes of so many categories can be, if there is one way to see that. Else no
 * text can be told from another, and rows hold codes.
 */
export function categoriesByFeature(file: LightgbmFile): readonly (readonly string[] | undefined)[] {
  const { pandas, names, infos, categoricalFeatures } = file
  const all: (readonly string[] | undefined)[] = names.map(() => undefined)
  if (pandas === undefined) return all
  const found = infos.flatMap(({ isCategorical }, feature) => (isCategorical ? [feature] : []))
  const features =
    [categoricalFeatures ?? [], found].find(list => list.length === pandas.length) ?? onlyPlaces(file, pandas, found)
  for (const [index, feature] of features?.entries() ?? []) if (feature < all.length) all[feature] = pandas[index]
  return all
}

/** The one way to give each column a feature, in their order, none of the categorical features left out; if there is one. */
function onlyPlaces(
  { infos, categoricalFeatures = [] }: LightgbmFile,
  columns: readonly (readonly string[])[],
  found: readonly number[],
): readonly number[] | undefined {
  if (infos.length * columns.length > PAIRS_MAX) return undefined
  const needed = new Set([...found, ...categoricalFeatures])
  const fits = (feature: number, column: number): boolean =>
    infos[feature]!.isWhole && infos[feature]!.largest < columns[column]!.length
  // ways[column]: of placing the columns from this one on, in the features from the one looked at on; 2 stands for more
  let ways = [...columns.map(() => 0), 1]
  const steps: number[][] = [ways]
  for (let feature = infos.length - 1; feature >= 0; feature--) {
    const later = ways
    ways = later.map((without, column) => {
      const here = column < columns.length && fits(feature, column) ? later[column + 1]! : 0
      return Math.min(2, here + (needed.has(feature) ? 0 : without))
    })
    steps.push(ways)
  }
  if (ways[0] !== 1) return undefined
  const places: number[] = []
  for (let feature = 0; feature < infos.length && places.length < columns.length; feature++) {
    const later = steps[infos.length - feature - 1]!
    if (fits(feature, places.length) && later[places.length + 1]! > 0) places.push(feature)
  }
  return places
}
