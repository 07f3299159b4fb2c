// @ts-check
// Words, numbers, dates and money in the user's language. A language is one file with texts; the rest comes from Intl.

/** @import { Catalogue, Key, Money, Plural, Schemas } from './types.js' */
import { NoAnswer, Problem } from './api.js'
import de from './lang/de.js'
import en from './lang/en.js'
import ru from './lang/ru.js'

/** @type {Record<string, Catalogue>} */
const catalogues = { en, de, ru }
export const languages = { en: 'English', de: 'Deutsch', ru: 'Русский' }

const LANGUAGE = 'voronka.language'
const wanted = [localStorage.getItem(LANGUAGE), ...navigator.languages].map(tag => tag?.slice(0, 2) ?? '')
let texts = en
export let language = 'en'
/** The language with the region of the browser, if it has one: British and American English write dates differently. */
let locale = 'en'
let timeZone = 'UTC'
/** @type {Map<string, number>} */
let exponents = new Map()

/** @param {string} tag a BCP 47 tag; an unknown language changes nothing */
export function useLanguage(tag) {
  const known = catalogues[tag.slice(0, 2)]
  if (!known) return
  texts = /** @type {typeof en} */ (known)
  language = document.documentElement.lang = tag.slice(0, 2)
  locale = navigator.languages.find(other => other.slice(0, 2) === language) ?? language
  localStorage.setItem(LANGUAGE, language)
}
useLanguage(wanted.find(tag => tag in catalogues) ?? 'en')

/** Days begin and end in the user's time zone, as the server counts them. @param {string} name */
export const useTimeZone = name => void (timeZone = name)

/** @param {Schemas['CurrencyInfo'][]} currencies from `GET /currencies` */
export function useCurrencies(currencies) {
  exponents = new Map(currencies.map(({ code, exponent }) => [code, exponent]))
}

/**
 * A text; `{name}` stands for a value, and `n` selects the plural form.
 * @param {Key} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  /** @type {string | Plural} */
  const entry = texts[key]
  const form = new Intl.PluralRules(language).select(Number(values.n ?? 0))
  const text = typeof entry === 'string' ? entry : entry[form] ?? entry.other
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? ''
    return typeof value === 'number' ? number(value) : value
  })
}

/**
 * A text for a name that comes from the server, or the other text if this client does not know the name.
 * @param {string} key
 * @param {string} other
 */
export const word = (key, other) => (key in texts ? t(/** @type {Key} */ (key)) : other)

/** @param {number} value */
export const number = value => new Intl.NumberFormat(locale).format(value)

/** A calendar day, which has no time zone. @param {string} value such as 2031-03-01 */
export const day = value =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(new Date(value))

/** @param {string} value an instant */
export const time = value =>
  new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone }).format(new Date(value))

export const currencyCodes = () => [...exponents.keys()].sort()

/** @param {string} currency */
const exponent = currency => exponents.get(currency) ?? 2

/** The amount as a decimal number in digits, exact for every size. @param {Money} money */
function decimal({ amount, currency }) {
  const places = exponent(currency)
  const digits = String(Math.abs(amount)).padStart(places + 1, '0')
  const whole = digits.slice(0, digits.length - places)
  return `${amount < 0 ? '-' : ''}${whole}${places ? '.' : ''}${digits.slice(whole.length)}`
}

/** @param {Money} money */
export function money({ amount, currency }) {
  const [minimumFractionDigits, maximumFractionDigits] = [exponent(currency), exponent(currency)]
  const style = /** @type {const} */ ({ style: 'currency', currency, minimumFractionDigits, maximumFractionDigits })
  return new Intl.NumberFormat(locale, style).format(/** @type {any} */ (decimal({ amount, currency })))
}

const separator = (/** @type {'decimal' | 'group'} */ type) =>
  new Intl.NumberFormat(locale).formatToParts(-1234567.5).find(part => part.type === type)?.value ?? ''

/** An amount as the user would type it. @param {Money} money */
export const amountText = money => decimal(money).replace('.', separator('decimal'))

/**
 * Reads an amount as people write it in the language. Groups must have three digits, so that 12.50 is never 1250.
 * @param {string} text @param {string} currency
 * @returns {number | undefined} in the minor unit; undefined if it is no amount of this currency
 */
export function amountOf(text, currency) {
  const [point, group] = [separator('decimal'), separator('group')]
  const compact = text.replace(/\s/g, '')
  const [whole = '', fraction = '', ...more] = compact.split(point)
  const [head = '', ...threes] = whole.split(group)
  const grouped = threes.every(part => part.length === 3) && (threes.length === 0 || head.replace('-', '').length <= 3)
  const digits = head + threes.join('') + fraction.padEnd(exponent(currency), '0')
  const wellFormed = head !== '' && grouped && more.length === 0 && /^-?\d+$/.test(digits)
  const amount = Number(digits)
  return wellFormed && fraction.length <= exponent(currency) && Number.isSafeInteger(amount) ? amount : undefined
}

/** What is wrong with a field. @param {Schemas['FieldError']} error */
export function fieldWords({ code, detail, params }) {
  if (code === 'too_short' && (params.min ?? 0) <= 1) return t('wrong.required')
  const key = `wrong.${code}`
  const values = { min: params.min ?? '', max: params.max ?? '', choices: params.choices?.join(', ') ?? '' }
  return key in texts ? t(/** @type {Key} */ (key), values) : detail
}

/** What went wrong. @param {unknown} error */
export function words(error) {
  if (error instanceof NoAnswer && !navigator.onLine) return t('problem.offline')
  if (error instanceof NoAnswer) return t('problem.no_answer', { origin: location.origin })
  if (!(error instanceof Problem)) return t('problem.bug', { detail: String(error) })
  const key = [`problem.${error.code}`, `problem.${error.status}`].find(key => key in texts)
  const text = key ? t(/** @type {Key} */ (key), { n: error.wait }) : error.detail
  return error.status >= 500 ? `${text} ${t('problem.quote', { id: error.request })}` : text
}
