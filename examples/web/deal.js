// @ts-check
// The card of a deal: its members, its contacts, and everything that happened to it and to what belongs to it.

/** @import { Schemas } from './types.js' */
import { onceEach } from './api.js'
import { alarm, button, h, tell } from './dom.js'
import { field } from './fields.js'
import { day, money, number, t, time, word, words } from './i18n.js'
import { may } from './me.js'
import { call } from './session.js'

/**
 * The included records; `links` only says which record belongs to which.
 * @param {Schemas['Included'] | null | undefined} records
 */
const named = records => Object.values(records ?? {}).flat().flatMap(one => ('name' in one ? [one] : []))

/**
 * The names to include that the role may read; the API refuses a request for others.
 * @template {string} N
 * @param {...[name: N, resource: string]} wanted
 */
const included = (...wanted) => wanted.filter(([, resource]) => may(resource, 'read')).map(([name]) => name)

/** @param {string} deal_id @param {() => Promise<void>} again shows the page anew */
export async function dealPage(deal_id, again) {
  const path = { deal_id }
  /** @param {string | null} cursor */
  const page = cursor => {
    const include = included(['actor', 'users'], ['record', 'deals'])
    const query = { limit: 20, include, ...(cursor && { cursor }) }
    return call('get', '/api/v1/deals/{deal_id}/timeline', { path, query })
  }
  const include = included(['owner', 'users'], ['company', 'companies'], ['contacts', 'contacts'])
  const [deal, first, pipelines] = await Promise.all([
    call('get', '/api/v1/deals/{deal_id}', { path, query: include.length > 0 ? { include } : {} }),
    page(null),
    may('pipelines', 'read') ? call('get', '/api/v1/pipelines', { query: { kind: ['deal'], limit: 100 } }) : null,
  ])
  const stages = pipelines?.data.flatMap(pipeline => pipeline.stages) ?? []
  /** The names of what changes refer to. @type {Map<string, string>} */
  const names = new Map([...stages, ...named(deal.included)].map(({ id, name }) => [id, name]))

  const list = h('ol', { class: 'timeline' })
  /** @type {string | null} */
  let cursor = null
  const more = button(t('deal.more'), async () => show(await page(cursor)))
  /** @param {Schemas['TimelinePage']} part */
  function show({ data, included, page }) {
    for (const { id, name } of named(included)) names.set(id, name)
    list.append(...data.map(item => entry(item, deal_id, names)))
    cursor = page.next_cursor
    more.hidden = cursor === null
  }
  show(first)

  return h('div', { class: 'deal' },
    h('div', {}, h('h1', { tabindex: -1 }, deal.title, ' ', h('span', { class: 'about' }, deal.number)),
      may('deals', 'update') && h('a', { href: `#/deals/${deal_id}/edit` }, t('deal.edit'))),
    h('section', { 'aria-label': t('deal.facts') }, facts(deal, names)),
    h('section', {},
      h('h2', {}, t('deal.timeline')), may('activities', 'create') && noteForm(deal_id, again), list, more))
}

/** @param {Schemas['Deal']} deal with the records that it refers to @param {Map<string, string>} names */
function facts({ included, ...deal }, names) {
  const contact = (/** @type {Schemas['RecordRef']} */ { id, name }) =>
    may('contacts', 'update') ? h('a', { href: `#/contacts/${id}/edit` }, name) : name
  /** @type {[name: string, value: string | (string | Node)[] | null | undefined][]} */
  const rows = [
    [t('field.stage_id'), names.get(deal.stage_id)],
    [t('field.status'), word(`status.${deal.status}`, deal.status)],
    [t('field.value'), deal.value && money(deal.value)],
    [t('field.expected_close_date'), deal.expected_close_date && day(deal.expected_close_date)],
    [t('field.probability_percent'), deal.probability_percent === null ? null : number(deal.probability_percent)],
    [t('field.next_step'), deal.next_step],
    [t('field.owner_id'), included?.users[0]?.name],
    [t('field.company_id'), included?.companies[0]?.name],
    [t('field.contacts'), included?.contacts.flatMap((one, n) => (n > 0 ? [', ', contact(one)] : [contact(one)]))],
    [t('field.tags'), deal.tags.join(', ')],
  ]
  const known = rows.filter(([, value]) => value && value.length > 0)
  return h('dl', { class: 'facts' }, known.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))))
}

/** @param {string} deal_id @param {() => Promise<void>} again */
function noteForm(deal_id, again) {
  const key = onceEach()
  const text = field('area', 'text', t('deal.note'))
  const press = h('button', { type: 'submit' }, t('deal.add_note'))
  const sent = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    if (text.get() === null) return text.error(t('wrong.required'))
    press.disabled = true
    const body = { type: /** @type {const} */ ('note'), text: String(text.get()), deal_id }
    try {
      await call('post', '/api/v1/activities', { body, key: key(body) })
      await again()
      tell(t('form.saved'))
    } catch (error) {
      alarm(words(error))
      press.disabled = false
    }
  }
  return h('form', { novalidate: true, class: 'note-form', onsubmit: sent }, text.node, press)
}

/**
 * @param {Schemas['TimelineItem']} item
 * @param {string} deal_id
 * @param {Map<string, string>} names
 */
function entry(item, deal_id, names) {
  const about = item.record_id !== deal_id && names.get(item.record_id)
  const head = [time(item.at), names.get(item.actor_id ?? ''), about].filter(Boolean).join(' · ')
  // What a new record has been filled with is on the card already.
  const changes = item.type.endsWith('.created') ? [] : item.changes.flatMap(change => inWords(change, names) ?? [])
  return h('li', {},
    h('p', { class: 'about' }, head),
    h('p', {}, h('strong', {}, word(`event.${item.type}`, item.type)), item.title && ` ${item.title}`),
    item.text && h('p', { class: 'text' }, item.text),
    changes.map(text => h('p', {}, text)))
}

/**
 * A change in words; null for members that tell people nothing.
 * @param {Schemas['MemberChange']} change
 * @param {Map<string, string>} names
 */
function inWords({ member, before, after }, names) {
  const label = word(`field.${member}`, '')
  if (!label) return null
  const [old, now] = [before, after].map(text => valueInWords(member, JSON.parse(text), names))
  return t('deal.change', { member: label, before: old ?? '', after: now ?? '' })
}

/** @param {string} member @param {any} value @param {Map<string, string>} names */
function valueInWords(member, value, names) {
  if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) return t('deal.no_value')
  if (member === 'value') return money(value)
  if (member === 'status') return word(`status.${value}`, value)
  if (member.endsWith('_date')) return day(value)
  if (member.endsWith('_id')) return names.get(value) ?? '…'
  if (member === 'contacts') return value.map((/** @type {any} */ one) => names.get(one.contact_id) ?? '…').join(', ')
  return Array.isArray(value) ? value.join(', ') : typeof value === 'number' ? number(value) : String(value)
}
