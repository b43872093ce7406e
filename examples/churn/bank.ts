/**
 * A simulated bank whose truth is known. No person is in it: every customer is drawn from the distributions below, and whether
 * they leave is drawn with a probability that `trueChurnProbability` states. So a model can be judged not only by what
 * happened but by what was true.
 *
 * A country is data: how its customers are (covariates), and how their lives turn into leaving (concept). A country with
 * other customers shifts the covariates; one with another concept makes a model wrong that was right elsewhere.
 */
import { type Random, seededRandom } from './random.ts'

export interface Customer {
  /** Reference of the customer at the bank, e.g. `c-000042`. */
  readonly id: string
  readonly country: string
  readonly gender: 'female' | 'male'
  /** Years, 18 to 92. */
  readonly age: number
  /** Years with the bank, 0 to 10. */
  readonly tenure: number
  /** What lies on the account, in the bank's currency; about a third keep nothing on it. */
  readonly balance: number
  /** 1 to 4. */
  readonly numProducts: number
  readonly hasCrCard: boolean
  readonly isActiveMember: boolean
  /** A year's, estimated by the bank. Has no part in leaving: a model should find that out. */
  readonly estimatedSalary: number
}

/** A customer, and what became of them. */
export interface Observed extends Customer {
  readonly trueProbability: number
  readonly churned: boolean
}

/** How customers of a country are. Shares and probabilities are fractions of 1. */
export interface Covariates {
  readonly female: number
  /** Age is 18 plus a log-normal number of years. */
  readonly age: { readonly medianYearsOver18: number; readonly logDeviation: number }
  readonly emptyAccount: number
  readonly balance: { readonly mean: number; readonly deviation: number }
  /** Number of products, of customers with nothing on the account and of the others. */
  readonly products: { readonly empty: ProductShares; readonly filled: ProductShares }
  readonly card: number
  /** Share of active members at 40; older customers are a little more active. */
  readonly active: number
}

type ProductShares = Readonly<Record<'1' | '2' | '3' | '4', number>>

/** What each fact adds to the log-odds of leaving within a year. */
export interface Concept {
  readonly intercept: number
  /** Height of a bump around 54 years, when people change banks for a pension, a house, an inheritance. */
  readonly middleAge: number
  /** The bump is higher for those who are no active members. */
  readonly middleAgeInactive: number
  readonly inactive: number
  readonly products: Readonly<Record<'1' | '2' | '3' | '4', number>>
  readonly perTenureYear: number
  readonly filledAccount: number
  /** For each deviation above the mean balance of the home countries. */
  readonly perBalanceDeviation: number
  readonly female: number
}

export interface Country {
  readonly name: string
  readonly covariates: Covariates
  readonly concept: Concept
}

const HOME_COVARIATES: Covariates = {
  female: 0.46,
  age: { medianYearsOver18: 19, logDeviation: 0.48 },
  emptyAccount: 0.38,
  balance: { mean: 118_000, deviation: 30_000 },
  products: {
    empty: { '1': 0.3, '2': 0.66, '3': 0.03, '4': 0.01 },
    filled: { '1': 0.68, '2': 0.28, '3': 0.03, '4': 0.01 },
  },
  card: 0.7,
  active: 0.5,
}

const HOME_CONCEPT: Concept = {
  intercept: -2.7,
  middleAge: 2.1,
  middleAgeInactive: 0.8,
  inactive: 0.7,
  products: { '1': 0.35, '2': -1.05, '3': 2.4, '4': 3.6 },
  perTenureYear: -0.05,
  filledAccount: 0.25,
  perBalanceDeviation: 0.15,
  female: 0.45,
}

/** Where the bank is at home, and where the model was trained. The countries are invented. */
export const HOME: readonly Country[] = [
  { name: 'arland', covariates: HOME_COVARIATES, concept: HOME_CONCEPT },
  {
    name: 'bretia',
    covariates: { ...HOME_COVARIATES, emptyAccount: 0.34, active: 0.54 },
    concept: { ...HOME_CONCEPT, intercept: HOME_CONCEPT.intercept - 0.15 },
  },
]

/**
 * Where the bank goes next. Its customers are others: everybody keeps money on the account, and they are older. And so are
 * their lives: those who use the bank most leave it most, for its offer to them is poor, and age says little. A model of the home
 * countries meets both a shift of the covariates, which shows at once, and one of the concept, which shows only in outcomes.
 */
export const ABROAD: Country = {
  name: 'cestria',
  covariates: {
    ...HOME_COVARIATES,
    female: 0.48,
    age: { medianYearsOver18: 23, logDeviation: 0.45 },
    emptyAccount: 0,
    balance: { mean: 121_000, deviation: 27_000 },
  },
  concept: {
    ...HOME_CONCEPT,
    intercept: -1.5,
    middleAge: 0.7,
    middleAgeInactive: 0,
    inactive: -0.7,
    products: { '1': 0.1, '2': 0.6, '3': 2, '4': 3 },
  },
}

export const AGE_MIN = 18
export const AGE_MAX = 92
const TENURE_YEARS_MAX = 10
const BALANCE_MIN = 1_000
const MIDDLE_AGE = { centre: 54, width: 13 }
const SALARY = { min: 12_000, max: 200_000 }

/** The truth: the probability with which this customer of this country leaves. */
export function trueChurnProbability(customer: Omit<Customer, 'id'>, { concept }: Country): number {
  const bump = Math.exp(-(((customer.age - MIDDLE_AGE.centre) / MIDDLE_AGE.width) ** 2))
  const { mean, deviation } = HOME_COVARIATES.balance
  const isFilled = customer.balance > 0
  const logOdds =
    concept.intercept +
    concept.middleAge * bump +
    (customer.isActiveMember ? 0 : concept.inactive + concept.middleAgeInactive * bump) +
    concept.products[String(customer.numProducts) as '1' | '2' | '3' | '4'] +
    concept.perTenureYear * customer.tenure +
    (isFilled ? concept.filledAccount + (concept.perBalanceDeviation * (customer.balance - mean)) / deviation : 0) +
    (customer.gender === 'female' ? concept.female : 0)
  return 1 / (1 + Math.exp(-logOdds))
}

/** Customers without end, drawn from countries in equal shares. The same seed gives the same customers. */
export function* customers(seed: string, countries: readonly Country[] = HOME): Generator<Observed, never> {
  const random = seededRandom(seed)
  for (let number = 1; ; number++) {
    const country = countries[Math.floor(random.uniform() * countries.length)]!
    yield observe(random, `c-${String(number).padStart(6, '0')}`, country)
  }
}

/** The first `count` customers of a seed. */
export function sample(seed: string, count: number, countries: readonly Country[] = HOME): readonly Observed[] {
  const source = customers(seed, countries)
  return Array.from({ length: count }, () => source.next().value)
}

function observe(random: Random, id: string, country: Country): Observed {
  const customer = { id, ...draw(random, country) }
  const trueProbability = trueChurnProbability(customer, country)
  return { ...customer, trueProbability, churned: random.chance(trueProbability) }
}

function draw(random: Random, { name, covariates }: Country): Omit<Customer, 'id'> {
  const gender = random.chance(covariates.female) ? 'female' : 'male'
  const { medianYearsOver18, logDeviation } = covariates.age
  const years = medianYearsOver18 * Math.exp(random.normal(0, logDeviation))
  const age = Math.min(AGE_MAX, AGE_MIN + Math.floor(years))
  // Nobody banks here since before they were 18.
  const tenure = Math.floor(random.uniform() * (Math.min(TENURE_YEARS_MAX, age - AGE_MIN) + 1))
  const isEmpty = random.chance(covariates.emptyAccount)
  const { mean, deviation } = covariates.balance
  const balance = isEmpty ? 0 : roundTo(10, Math.max(BALANCE_MIN, random.normal(mean, deviation)))
  const numProducts = Number(random.pick(isEmpty ? covariates.products.empty : covariates.products.filled))
  const hasCrCard = random.chance(covariates.card)
  const isActiveMember = random.chance(Math.min(0.95, covariates.active + (age - 40) * 0.004))
  const estimatedSalary = roundTo(10, SALARY.min + random.uniform() * (SALARY.max - SALARY.min))
  return { country: name, gender, age, tenure, balance, numProducts, hasCrCard, isActiveMember, estimatedSalary }
}

function roundTo(step: number, value: number): number {
  return Math.round(value / step) * step
}

/** What the model is told of a customer, by the names of its features. Country and gender are not among them. */
export function features(customer: Customer): Readonly<Record<string, number | boolean>> {
  return {
    age: customer.age,
    tenure: customer.tenure,
    balance: customer.balance,
    num_products: customer.numProducts,
    has_cr_card: customer.hasCrCard,
    is_active_member: customer.isActiveMember,
    estimated_salary: customer.estimatedSalary,
  }
}
