// @ts-check
// The board: a column for each open stage. A drag is one move with the card beside it, and so is the dialog for keyboards and phones.

/** @import { Schemas } from './types.js' */
import { alarm, ask, h, newId, tell } from './dom.js'
import { field } from './fields.js'
import { day, money, t, words } from './i18n.js'
import { may } from './me.js'
import { move } from './move.js'
import { call } from './session.js'

/** @import { Place } from './move.js' */
/** @typedef {{ id: string, name: string }} Stage */

const CARDS = 50

/** @param {string | undefined} pipeline_id the default pipeline if undefined @param {() => Promise<void>} again shows the page anew */
export async function boardPage(pipeline_id, again) {
  const query = { limit: CARDS, ...(pipeline_id && { pipeline_id }) }
  const [board, pipelines] = await Promise.all([
    call('get', '/api/v1/deals/board', { query }),
    may('pipelines', 'read') ? call('get', '/api/v1/pipelines', { query: { kind: ['deal'], limit: 100 } }) : null,
  ])
  const movable = may('deals', 'update')
  const hint = newId()
  /** The card in the hand, and where it was. @type {{ card: HTMLElement, column: Element | null, next: Element | null } | null} */
  let dragged = null

  /** Moves on the server and shows what has come of it. @param {{ id: string, title: string }} card @param {Stage} stage @param {Place} place */
  async function put(card, stage, place) {
    alarm('')
    const result = await move(card.id, stage, place).catch(error => ({ failure: words(error) }))
    await again()
    if (result === 'moved') tell(t('board.moved', { title: card.title, stage: stage.name }))
    else if (result === 'changed') alarm(t('board.changed'))
    else if (result !== 'cancelled') alarm(result.failure)
    document.querySelector(`[data-id="${card.id}"] a`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }

  /** The same without a mouse. @param {Schemas['BoardCard']} card @param {Schemas['BoardColumn']} from */
  async function choose(card, from) {
    const stages = pipelines?.data.find(({ id }) => id === board.pipeline_id)?.stages ??
      board.columns.map(({ stage_id, name }) => ({ id: stage_id, name }))
    const others = (/** @type {unknown} */ stage) =>
      board.columns.find(({ stage_id }) => stage_id === stage)?.cards.filter(({ id }) => id !== card.id) ?? []
    const stage = field('one', 'stage', t('board.stage'), stages.map(({ id, name }) => ({ value: id, label: name })))
    stage.set(from.stage_id)
    const place = h('select', { id: newId() })
    const places = () => place.replaceChildren(h('option', { value: '' }, t('board.top')),
      ...others(stage.get()).map(({ id, title }) => h('option', { value: id }, t('board.after', { title }))))
    stage.node.addEventListener('change', places)
    places()
    const content = [stage.node, h('div', { class: 'field' }, h('label', { for: place.id }, t('board.place')), place)]
    const labels = { submit: t('board.move'), cancel: t('form.cancel') }
    if (!(await ask(t('board.move_this', { title: card.title }), content, labels, () => true))) return
    const target = stages.find(({ id }) => id === stage.get())
    const first = others(target?.id)[0]
    if (target) await put(card, target, place.value ? { after_id: place.value } : first ? { before_id: first.id } : {})
    /** @type {HTMLElement | null} */
    const button = document.querySelector(`[data-id="${card.id}"] button`)
    button?.focus()
  }

  /** @param {Schemas['BoardCard']} card @param {Schemas['BoardColumn']} column */
  function cardOf(card, column) {
    const who = [card.contact?.name ?? card.person_name, card.company?.name].filter(Boolean).join(' · ')
    const facts = [card.value && money(card.value), card.day && day(card.day), card.next_task && `☐ ${card.next_task.title}`,
      card.rotting && `⚠ ${t('board.rotting')}`].filter(Boolean)
    const start = (/** @type {DragEvent} */ event) => {
      dragged = { card: item, column: item.parentElement, next: item.nextElementSibling }
      event.dataTransfer?.setData('text/plain', card.title)
      item.classList.add('dragged')
    }
    const end = () => {
      item.classList.remove('dragged')
      // Let go outside of every column: the card goes back.
      if (dragged) dragged.column?.insertBefore(item, dragged.next)
      dragged = null
    }
    const item = h('li', { class: 'card', draggable: movable ? 'true' : null, 'data-id': card.id, 'data-title': card.title, ondragstart: start, ondragend: end },
      h('a', { href: `#/deals/${card.id}`, draggable: 'false' }, card.title), who && h('p', { class: 'about' }, who),
      facts.map(fact => h('p', { class: 'about' }, fact || '')),
      movable && h('button', { type: 'button', class: 'plain', 'aria-label': t('board.move_this', { title: card.title }), 'aria-describedby': hint,
        onclick: () => choose(card, column).catch(error => alarm(words(error))) }, t('board.move')))
    return item
  }

  /** @param {Schemas['BoardColumn']} column */
  function columnOf(column) {
    const stage = { id: column.stage_id, name: column.name }
    const list = h('ol', { class: 'cards' }, column.cards.map(card => cardOf(card, column)))
    let cursor = column.next_cursor
    const load = async () => {
      const more = await call('get', '/api/v1/deals/board', { query: { ...query, stage_id: [column.stage_id], ...(cursor && { cursor }) } })
      const [next] = more.columns
      list.append(...(next?.cards ?? []).map(card => cardOf(card, column)))
      cursor = next?.next_cursor ?? null
      button.hidden = cursor === null
    }
    const button = h('button', { type: 'button', class: 'plain', hidden: cursor === null, onclick: () => load().catch(error => alarm(words(error))) }, t('board.more'))
    const over = (/** @type {DragEvent} */ event) => {
      if (!dragged) return
      event.preventDefault()
      // The card itself shows where it would go: before the first card whose middle is below the pointer.
      const { card } = dragged
      const middle = (/** @type {Element} */ other) => other.getBoundingClientRect().top + other.getBoundingClientRect().height / 2
      const next = [...list.children].find(other => other !== card && event.clientY < middle(other)) ?? null
      if (card.parentElement !== list || card.nextElementSibling !== next) list.insertBefore(card, next)
    }
    const drop = (/** @type {DragEvent} */ event) => {
      event.preventDefault()
      if (!dragged) return
      const { card, column: before, next } = dragged
      dragged = null
      const [above, below] = [card.previousElementSibling, card.nextElementSibling].map(other => (other instanceof HTMLElement ? other.dataset.id : undefined))
      if (before === list && next === card.nextElementSibling) return
      void put({ id: card.dataset.id ?? '', title: card.dataset.title ?? '' }, stage, below ? { before_id: below } : above ? { after_id: above } : {})
    }
    const sums = column.values.flatMap(({ amount, currency }) => (amount === null ? [] : money({ amount, currency })))
    const heading = newId()
    return h('section', { class: 'column', 'aria-labelledby': heading, 'data-stage': column.name, ondragenter: over, ondragover: over, ondrop: drop },
      h('h2', { id: heading }, column.name), h('p', { class: 'about' }, [t('board.deals', { n: column.count }), ...sums].join(' · ')), list, button)
  }

  const several = (pipelines?.data.length ?? 0) > 1 && field('one', 'pipeline', t('board.pipeline'), pipelines?.data.map(({ id, name }) => ({ value: id, label: name })))
  if (several) {
    several.set(board.pipeline_id)
    several.node.addEventListener('change', () => (location.hash = `#/board/${several.get()}`))
  }
  return h('div', {}, h('h1', { tabindex: -1 }, t('nav.board')), movable && h('p', { id: hint, class: 'about' }, t('board.hint')), several && several.node,
    h('div', { class: 'board' }, board.columns.map(columnOf)))
}
