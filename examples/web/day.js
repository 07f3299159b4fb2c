// @ts-check
// My day: one call returns what needs attention and the results of the month. A part that the role may not read is
// null.

/** @import { Schemas } from './types.js' */
import { button, h, tell } from './dom.js'
import { day, money, number, t, time } from './i18n.js'
import { may } from './me.js'
import { call } from './session.js'

const PART = 5
const MOST = 50

/** @param {() => Promise<void>} again shows the page anew */
export async function dayPage(again) {
  const limit = location.hash.endsWith('?all') ? MOST : PART
  const { date, tasks, leads, deals, month } = await call('get', '/api/v1/my-day', { query: { limit } })
  /** @type {[title: string, block: Schemas['AttentionBlock'] | undefined][]} */
  const blocks = [
    [t('day.overdue'), tasks?.overdue],
    [t('day.today'), tasks?.today],
    [t('day.unanswered'), leads?.unanswered],
    [t('day.hot'), leads?.hot],
    [t('day.come_back'), leads?.come_back],
    [t('day.past_close_date'), deals?.past_close_date],
    [t('day.without_next_task'), deals?.without_next_task],
    [t('day.rotting'), deals?.rotting],
    [t('day.leads_rotting'), leads?.rotting],
    [t('day.next'), tasks?.next],
    [t('day.undated'), tasks?.undated],
  ]
  const shown = blocks.flatMap(([title, block]) => (block && block.total > 0 ? [{ title, block }] : []))
  const more = limit < MOST && shown.some(({ block }) => block.total > block.items.length)
  return h('div', {},
    h('h1', { tabindex: -1 }, t('nav.day')),
    h('p', { class: 'about' }, day(date)),
    shown.length === 0 && h('p', {}, t('day.nothing')),
    h('div', { class: 'blocks' }, shown.map(({ title, block }) => section(title, block, again))),
    more && h('p', {}, h('a', { href: '#/?all' }, t('day.all'))),
    h('h2', {}, t('day.month')),
    figures(month))
}

/** @param {string} title @param {Schemas['AttentionBlock']} block @param {() => Promise<void>} again */
function section(title, block, again) {
  const count = `${number(block.total)}${block.total_capped ? '+' : ''}`
  const told = { class: 'count', role: 'img', 'aria-label': t('day.count', { n: block.total }) }
  return h('section', {},
    h('h2', {}, title, ' ', h('span', told, count)),
    h('ul', { class: 'rows' }, block.items.map(item => row(item, again))))
}

/** @param {Schemas['AttentionItem']} item @param {() => Promise<void>} again */
function row(item, again) {
  const isTask = item.resource === 'tasks'
  const deal = item.resource === 'deals' ? item.id : item.deal?.id
  const about = [isTask && (item.deal ?? item.lead)?.name, item.contact?.name ?? item.person_name, item.company?.name,
    item.value && money(item.value), when(item)]
  const complete = async () => {
    await call('post', '/api/v1/tasks/{task_id}/complete', { path: { task_id: item.id }, body: {} })
    await again()
    tell(t('day.completed', { title: item.title }))
  }
  const named = { 'aria-label': `${t('day.done')}: ${item.title}` }
  return h('li', {},
    h('div', {},
      deal ? h('a', { href: `#/deals/${deal}` }, item.title) : item.title,
      h('p', { class: 'about' }, about.filter(Boolean).join(' · '))),
    isTask && may('tasks', 'update') && button(t('day.done'), complete, named))
}

/**
 * An all-day task and a date have a `day`; otherwise `since` says when a task is due, or since when something waits.
 * @param {Schemas['AttentionItem']} item
 */
function when({ resource, day: date, since }) {
  if (date) return t('day.due', { time: day(date) })
  if (!since) return ''
  return t(resource === 'tasks' ? 'day.due' : 'day.since', { time: time(since) })
}

/** @param {Schemas['MonthFigures']} month */
function figures(month) {
  /** @type {[name: string, value: string | undefined][]} */
  const rows = [
    [t('month.deals_won'), number(month.deals_won)],
    [t('month.won_value'), month.won_value?.map(money).join(', ')],
    [t('month.deals_lost'), number(month.deals_lost)],
    [t('month.new_leads'), number(month.new_leads)],
    [t('month.calls'), number(month.calls)],
    [t('month.meetings'), number(month.meetings)],
    [t('month.visits'), number(month.visits)],
    [t('month.tasks_done'), number(month.tasks_done)],
  ]
  const pairs = rows.map(([name, value]) => value && h('div', {}, h('dt', {}, name), h('dd', {}, value)))
  return h('dl', { class: 'figures' }, pairs)
}
