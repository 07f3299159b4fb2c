// @ts-check
// My day: one call returns what needs attention and the results of the month. A part without the permission for it is null.

/** @import { Schemas } from './types.js' */
import { alarm, h, tell } from './dom.js'
import { day, money, number, t, time, words } from './i18n.js'
import { may } from './me.js'
import { call } from './session.js'

const PART = 5
const MOST = 50

/** @param {() => Promise<void>} again shows the page anew */
export async function dayPage(again) {
  const limit = new URLSearchParams(location.hash.split('?')[1]).has('all') ? MOST : PART
  const { date, tasks, leads, deals, month } = await call('get', '/api/v1/my-day', { query: { limit } })
  /** @type {[title: string, block: Schemas['AttentionBlock'] | undefined][]} */
  const blocks = [
    [t('day.overdue'), tasks?.overdue], [t('day.today'), tasks?.today], [t('day.unanswered'), leads?.unanswered],
    [t('day.hot'), leads?.hot], [t('day.come_back'), leads?.come_back], [t('day.past_close_date'), deals?.past_close_date],
    [t('day.without_next_task'), deals?.without_next_task], [t('day.rotting'), deals?.rotting], [t('day.leads_rotting'), leads?.rotting],
    [t('day.next'), tasks?.next], [t('day.undated'), tasks?.undated],
  ]

  async function complete(/** @type {Schemas['AttentionItem']} */ { id, title }) {
    await call('post', '/api/v1/tasks/{task_id}/complete', { path: { task_id: id }, body: {} })
    tell(t('day.completed', { title }))
    await again()
  }

  /** @param {Schemas['AttentionItem']} item */
  function row(item) {
    const deal = item.resource === 'deals' ? item.id : item.deal?.id
    const when = item.day ? t('day.due', { time: day(item.day) }) : item.since ? t('day.since', { time: time(item.since) }) : null
    const due = item.resource === 'tasks' && !item.day && item.since ? t('day.due', { time: time(item.since) }) : when
    const about = [item.resource === 'tasks' ? (item.deal ?? item.lead)?.name : null, item.contact?.name ?? item.person_name, item.company?.name,
      item.value && money(item.value), due]
    const done = (/** @type {MouseEvent} */ event) => {
      const button = /** @type {HTMLButtonElement} */ (event.currentTarget)
      button.disabled = true
      return complete(item).catch(error => {
        button.disabled = false
        alarm(words(error))
      })
    }
    return h('li', {},
      h('div', {}, deal ? h('a', { href: `#/deals/${deal}` }, item.title) : item.title, h('p', { class: 'about' }, about.filter(Boolean).join(' · '))),
      item.resource === 'tasks' && may('tasks', 'update') &&
        h('button', { type: 'button', class: 'plain', 'aria-label': `${t('day.done')}: ${item.title}`, onclick: done }, t('day.done')))
  }

  const shown = blocks.flatMap(([title, block]) => (block && block.total > 0 ? [{ title, block }] : []))
  const sections = shown.map(({ title, block }) => h('section', {},
    h('h2', {}, title, ' ', h('span', { class: 'count', 'aria-label': t('day.count', { n: block.total }) }, `${number(block.total)}${block.total_capped ? '+' : ''}`)),
    h('ul', { class: 'rows' }, block.items.map(row))))
  const more = limit < MOST && shown.some(({ block }) => block.total > block.items.length)

  return h('div', {},
    h('h1', { tabindex: -1 }, t('nav.day')), h('p', { class: 'about' }, day(date)),
    shown.length === 0 && h('p', {}, t('day.nothing')), h('div', { class: 'blocks' }, sections), more && h('p', {}, h('a', { href: '#/?all' }, t('day.all'))),
    h('h2', {}, t('day.month')), figures(month))
}

/** @param {Schemas['MonthFigures']} month */
function figures(month) {
  const values = month.won_value?.map(money).join(', ')
  /** @type {[name: string, value: string | undefined][]} */
  const rows = [
    [t('month.deals_won'), number(month.deals_won)], [t('month.won_value'), values], [t('month.deals_lost'), number(month.deals_lost)],
    [t('month.new_leads'), number(month.new_leads)], [t('month.calls'), number(month.calls)], [t('month.meetings'), number(month.meetings)],
    [t('month.visits'), number(month.visits)], [t('month.tasks_done'), number(month.tasks_done)],
  ]
  return h('dl', { class: 'figures' }, rows.filter(([, value]) => value).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))))
}
