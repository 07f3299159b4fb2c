// @ts-check
// The inputs of forms. Each has a label, a place for its error and a place for what somebody else has written, tied to
// the input.

/** @import { Field, Money, Schemas } from './types.js' */
import { h, newId } from './dom.js'
import { amountOf, amountText, currencyCodes, day, fieldWords, money, number, t } from './i18n.js'
import { baseCurrency } from './me.js'

/** @typedef {{ value: string, label: string }} Choice */
/**
 * How a kind of value is entered: its controls, and the ways between the API's value and the controls.
 * @typedef {{ controls: (HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement)[], set(value: any): void,
 *   get(): unknown, normal?(value: any): unknown, words?(value: any): string }} Input
 */

/** @param {string} type */
const line = type => {
  const input = h('input', { type, autocomplete: 'off' })
  const set = (/** @type {any} */ value) => void (input.value = value ?? '')
  return { controls: [input], set, get: () => input.value.trim() || null }
}

/** @param {Choice[]} choices @param {'one' | 'none or one' | 'many'} count */
function select(choices, count) {
  const none = count === 'none or one' && h('option', { value: '' }, '')
  const options = choices.map(({ value, label }) => h('option', { value }, label))
  return h('select', { multiple: count === 'many' }, none, options)
}

/** @type {Record<string, (choices: Choice[]) => Input>} */
const inputs = {
  text: () => line('text'),
  email: () => line('email'),
  phone: () => line('tel'),
  date: () => ({ ...line('date'), words: day }),
  area() {
    const area = h('textarea', { rows: 3 })
    return { controls: [area], set: value => void (area.value = value ?? ''), get: () => area.value.trim() || null }
  },
  number() {
    const input = h('input', { type: 'number', step: 'any' })
    const get = () => (input.validity.badInput ? undefined : input.value === '' ? null : input.valueAsNumber)
    return { controls: [input], set: value => void (input.value = value ?? ''), get, words: number }
  },
  list() {
    const { controls, set, get } = line('text')
    const parts = () => String(get() ?? '').split(',').map(part => part.trim()).filter(part => part !== '')
    const join = (/** @type {string[]} */ value) => value.join(', ')
    return { controls, set: value => set(join(value)), get: parts, normal: value => value ?? [], words: join }
  },
  one: choices => {
    const input = select(choices, 'one')
    return { controls: [input], set: value => void (input.value = value ?? ''), get: () => input.value }
  },
  choice(choices) {
    const input = select(choices, 'none or one')
    const words = (/** @type {string} */ value) => choices.find(choice => choice.value === value)?.label ?? value
    return { controls: [input], set: value => void (input.value = value ?? ''), get: () => input.value || null, words }
  },
  multi_choice(choices) {
    const input = select(choices, 'many')
    const set = (/** @type {string[]} */ value) => {
      for (const option of input.options) option.selected = value.includes(option.value)
    }
    const get = () => [...input.selectedOptions].map(option => option.value)
    return { controls: [input], set, get, normal: value => value ?? [], words: value => value.join(', ') }
  },
  boolean() {
    const both = [{ value: 'true', label: t('form.yes') }, { value: 'false', label: t('form.no') }]
    const input = select(both, 'none or one')
    const set = (/** @type {boolean | null} */ value) => void (input.value = value === null ? '' : String(value))
    const get = () => (input.value === '' ? null : input.value === 'true')
    return { controls: [input], set, get, words: value => t(value ? 'form.yes' : 'form.no') }
  },
  money() {
    const amount = h('input', { type: 'text', inputmode: 'decimal', autocomplete: 'off' })
    const codes = currencyCodes().map(code => h('option', { value: code }, code))
    const currency = h('select', { 'aria-label': t('form.currency') }, codes)
    const set = (/** @type {Money | null} */ value) => {
      amount.value = value ? amountText(value) : ''
      currency.value = value?.currency ?? baseCurrency()
    }
    const get = () => {
      if (amount.value.trim() === '') return null
      const minor = amountOf(amount.value, currency.value)
      return minor === undefined ? undefined : { amount: minor, currency: currency.value }
    }
    const normal = (/** @type {Money | null} */ value) => value && { amount: value.amount, currency: value.currency }
    return { controls: [amount, currency], set, get, normal, words: money }
  },
}

/** The kinds of custom fields that have an input here, with the member of a value that each uses. */
export const customKinds = /** @type {Record<string, [kind: string, member: string]>} */ ({
  text: ['text', 'text'], url: ['text', 'text'], email: ['email', 'text'], phone: ['phone', 'text'],
  choice: ['choice', 'text'], number: ['number', 'number'], money: ['money', 'money'], date: ['date', 'date'],
  boolean: ['boolean', 'flag'], multi_choice: ['multi_choice', 'options'],
})

/** @param {string} kind @param {string} name @param {string} label @param {Choice[]} [choices] @returns {Field} */
export function field(kind, name, label, choices = []) {
  const make = inputs[kind]
  if (!make) throw new Error(`no input for ${kind}`)
  const { controls, set, get, normal = value => value ?? null, words = String } = make(choices)
  const [first] = controls
  const { id, noted, wrong } = { id: newId(), noted: newId(), wrong: newId() }
  first?.setAttribute('id', id)
  for (const control of controls) control.setAttribute('aria-describedby', `${noted} ${wrong}`)
  const note = h('p', { id: noted, class: 'note' })
  const error = h('p', { id: wrong, class: 'wrong' })
  set(normal(null))
  const isEmpty = (/** @type {any} */ value) => value === null || value.length === 0
  return {
    name,
    label,
    node: h('div', { class: 'field' },
      h('label', { for: id }, label), h('div', { class: 'controls' }, controls), note, error),
    set,
    get,
    normal,
    words: value => (isEmpty(value) ? t('deal.no_value') : words(value)),
    error(text) {
      error.textContent = text
      for (const control of controls) control.setAttribute('aria-invalid', String(text !== ''))
    },
    note: (...content) => note.replaceChildren(...content),
    focus: () => first?.focus(),
  }
}

/**
 * The name of the input that an error belongs to: `/value/amount` is `value`, a custom field is `cf.` and its key.
 * @param {Schemas['FieldError']} error
 */
export const inputOf = error => (error.params.key ? `cf.${error.params.key}` : error.pointer?.split('/')[1] ?? '')

/**
 * Shows every error at its input and goes to the first one.
 * @param {Field[]} fields
 * @param {Schemas['FieldError'][]} errors
 * @returns {string[]} the errors that have no input here, in words
 */
export function showErrors(fields, errors) {
  for (const field of fields) field.error('')
  const rest = errors.filter(error => {
    const field = fields.find(field => field.name === inputOf(error))
    field?.error(fieldWords(error))
    return !field
  })
  fields.find(field => errors.some(error => inputOf(error) === field.name))?.focus()
  return rest.map(error => `${error.pointer ?? error.parameter}: ${fieldWords(error)}`)
}

/** Marks the inputs that cannot be read, and returns whether all can. @param {Field[]} fields */
export function readable(fields) {
  const unread = fields.filter(field => field.get() === undefined)
  for (const field of fields) field.error(unread.includes(field) ? t('wrong.amount') : '')
  unread[0]?.focus()
  return unread.length === 0
}
