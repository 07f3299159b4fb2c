// @ts-check
// Forms for a deal and a contact. A form sends only what the user has changed, with the version that it was filled
// from. If somebody else has changed the record meanwhile (412), it shows their changes, takes over those that do not
// touch the user's own, and lets the user decide about the others.

/** @import { Field, Schemas } from './types.js' */
import { onceEach, Problem } from './api.js'
import { alarm, button, h, tell } from './dom.js'
import { field, readable, showErrors } from './fields.js'
import { t, word, words } from './i18n.js'
import { hides } from './me.js'
import { call } from './session.js'

/** @typedef {Record<string, unknown> & { version?: number }} Values */

const same = (/** @type {unknown} */ a, /** @type {unknown} */ b) => JSON.stringify(a) === JSON.stringify(b)

/** @param {string} resource @param {[kind: string, name: string][]} inputs */
function fieldsOf(resource, inputs) {
  const label = (/** @type {string} */ name) => word(`form.${name}`, word(`field.${name}`, name))
  return inputs.filter(([, name]) => !hides(resource, name)).map(([kind, name]) => field(kind, name, label(name)))
}

const dealFields = () => fieldsOf('deals', [['text', 'title'], ['money', 'value'], ['date', 'expected_close_date'],
  ['number', 'probability_percent'], ['text', 'next_step'], ['list', 'tags']])
const contactFields = () => fieldsOf('contacts', [['text', 'first_name'], ['text', 'last_name'], ['email', 'email'],
  ['phone', 'phone'], ['text', 'position'], ['date', 'birthday'], ['list', 'tags']])

export function newDeal() {
  // The same key until the content changes: a second press after a lost answer creates no second deal.
  const key = onceEach()
  const write = async (/** @type {Values} */ changes) => {
    const body = /** @type {Schemas['DealCreate']} */ ({ title: '', ...changes })
    const deal = await call('post', '/api/v1/deals', { body, key: key(body) })
    location.hash = `#/deals/${deal.id}`
  }
  return form(t('form.new'), t('form.create'), dealFields(), {}, write, async () => ({}), '#/board')
}

/** @param {string} deal_id */
export async function editDeal(deal_id) {
  const path = { deal_id }
  const read = () => call('get', '/api/v1/deals/{deal_id}', { path })
  const write = async (/** @type {Schemas['DealUpdate']} */ body, /** @type {number | undefined} */ version) => {
    await call('patch', '/api/v1/deals/{deal_id}', { path, body, ...(version !== undefined && { version }) })
    location.hash = `#/deals/${deal_id}`
  }
  const deal = await read()
  const title = t('form.edit', { name: deal.title })
  return form(title, t('form.save'), dealFields(), deal, write, read, `#/deals/${deal_id}`)
}

/** @param {string} contact_id */
export async function editContact(contact_id) {
  const path = { contact_id }
  const read = () => call('get', '/api/v1/contacts/{contact_id}', { path })
  const write = async (/** @type {Schemas['ContactUpdate']} */ body, /** @type {number | undefined} */ version) => {
    await call('patch', '/api/v1/contacts/{contact_id}', { path, body, ...(version !== undefined && { version }) })
    history.back()
  }
  const contact = await read()
  const name = [contact.first_name, contact.last_name].filter(Boolean).join(' ')
  return form(t('form.edit', { name }), t('form.save'), contactFields(), contact, write, read, '#/board')
}

/**
 * @param {string} title
 * @param {string} press the text of the button
 * @param {Field[]} fields
 * @param {Values} record what the form is filled from
 * @param {(changes: any, version: number | undefined) => Promise<void>} write
 * @param {() => Promise<Values>} read
 * @param {string} back
 */
function form(title, press, fields, record, write, read, back) {
  for (const field of fields) field.set(field.normal(record[field.name]))

  const changed = () => fields.filter(field => !same(field.get(), field.normal(record[field.name])))

  async function save() {
    await write(Object.fromEntries(changed().map(field => [field.name, field.get()])), record.version)
    tell(t('form.saved'))
  }

  /** Fills in what somebody else has written; returns whether there is anything for the user to look at. */
  async function merge() {
    const [before, now] = [record, await read()]
    const theirs = fields.filter(field => !same(field.normal(now[field.name]), field.normal(before[field.name])))
    const mine = changed()
    record = now
    for (const field of theirs) {
      const value = field.normal(now[field.name])
      const old = field.words(field.normal(before[field.name]))
      if (!mine.includes(field)) {
        field.set(value)
        field.note(t('form.theirs_kept', { before: old }))
      } else if (!same(field.get(), value)) {
        const take = () => {
          field.set(value)
          field.note()
          field.focus()
        }
        field.note(t('form.theirs', { theirs: field.words(value) }), ' ', button(t('form.take'), take))
      }
    }
    if (theirs.length > 0) alarm(t('form.conflict'))
    theirs[0]?.focus()
    return theirs.length > 0
  }

  async function submit() {
    try {
      await save()
    } catch (error) {
      if (!(error instanceof Problem)) throw error
      if (error.code === 'version_conflict') {
        // Only other members have changed: the user's change is still right, and goes with the new version.
        if (!(await merge())) await submit()
        return
      }
      if (error.errors.length === 0) throw error
      alarm([t('form.wrong'), ...showErrors(fields, error.errors)].join(' '))
    }
  }

  const submitter = h('button', { type: 'submit' }, press)
  const sent = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    alarm('')
    tell('')
    for (const field of fields) field.note()
    if (!readable(fields)) return alarm(t('form.wrong'))
    submitter.disabled = true
    await submit().catch(error => alarm(words(error)))
    submitter.disabled = false
  }
  const cancel = h('a', { href: back }, t('form.cancel'))
  return h('form', { novalidate: true, class: 'record', onsubmit: sent },
    h('h1', { tabindex: -1 }, title), fields.map(field => field.node), h('p', { class: 'buttons' }, submitter, cancel))
}
