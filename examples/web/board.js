// @ts-check
// The board: a column for each open stage. A drag is one move that names the card beside it, and so is the dialog for
// keyboards and phones.

/** @import { Schemas } from './types.js' */
/** @import { Place } from './move.js' */
import { alarm, ask, button, h, newId, tell } from './dom.js'
import { field } from './fields.js'
import { day, money, t, words } from './i18n.js'
import { may } from './me.js'
import { move } from './move.js'
import { call } from './session.js'

/** @typedef {{ id: string, name: string }} Stage */
/**
 * What the cards and columns of a page share. `dragged` is the card in the hand, and where it was.
 * @typedef {{ query: { limit: number, pipeline_id?: string }, columns: Schemas['BoardColumn'][], stages: Stage[],
 *   movable: boolean, hint: string, again: () => Promise<void>,
 *   dragged: { card: HTMLElement, list: Element | null, next: Element | null } | null }} Board
 */

const CARDS = 50

/**
 * @param {string | undefined} pipeline_id the default pipeline if undefined
 * @param {() => Promise<void>} again shows the page anew
 */
export async function boardPage(pipeline_id, again) {
  const query = { limit: CARDS, ...(pipeline_id && { pipeline_id }) }
  const [answer, pipelines] = await Promise.all([
    call('get', '/api/v1/deals/board', { query }),
    may('pipelines', 'read') ? call('get', '/api/v1/pipelines', { query: { kind: ['deal'], limit: 100 } }) : null,
  ])
  const { columns } = answer
  const stages = pipelines?.data.find(({ id }) => id === answer.pipeline_id)?.stages ??
    columns.map(({ stage_id, name }) => ({ id: stage_id, name }))
  /** @type {Board} */
  const board = { query, columns, stages, movable: may('deals', 'update'), hint: newId(), again, dragged: null }
  return h('div', {},
    h('h1', { tabindex: -1 }, t('nav.board')),
    board.movable && h('p', { id: board.hint, class: 'about' }, t('board.hint')),
    pipelines && pipelines.data.length > 1 && pipelineChoice(pipelines.data, answer.pipeline_id),
    h('div', { class: 'board' }, columns.map(column => columnOf(board, column))))
}

const asChoice = (/** @type {Stage} */ { id, name }) => ({ value: id, label: name })

/** @param {Schemas['Pipeline'][]} pipelines @param {string} shown */
function pipelineChoice(pipelines, shown) {
  const choice = field('one', 'pipeline', t('board.pipeline'), pipelines.map(asChoice))
  choice.set(shown)
  choice.node.addEventListener('change', () => (location.hash = `#/board/${choice.get()}`))
  return choice.node
}

/** @param {Board} board @param {Schemas['BoardColumn']} column */
function columnOf(board, column) {
  const list = h('ol', { class: 'cards' }, column.cards.map(card => cardOf(board, card, column)))
  let cursor = column.next_cursor
  const load = async () => {
    const query = { ...board.query, stage_id: [column.stage_id], ...(cursor && { cursor }) }
    const [next] = (await call('get', '/api/v1/deals/board', { query })).columns
    list.append(...(next?.cards ?? []).map(card => cardOf(board, card, column)))
    cursor = next?.next_cursor ?? null
    more.hidden = cursor === null
  }
  const more = button(t('board.more'), load, { hidden: cursor === null })

  const over = (/** @type {DragEvent} */ event) => {
    if (!board.dragged) return
    event.preventDefault()
    // The card itself shows where it would go: before the first card whose middle is below the pointer.
    const { card } = board.dragged
    const isBelow = (/** @type {Element} */ other) => {
      const { top, height } = other.getBoundingClientRect()
      return other !== card && event.clientY < top + height / 2
    }
    const next = [...list.children].find(isBelow) ?? null
    if (card.parentElement !== list || card.nextElementSibling !== next) list.insertBefore(card, next)
  }
  const drop = (/** @type {DragEvent} */ event) => {
    event.preventDefault()
    if (!board.dragged) return
    const { card, list: before, next } = board.dragged
    board.dragged = null
    if (before === list && next === card.nextElementSibling) return
    const stage = { id: column.stage_id, name: column.name }
    void put(board, idOf(card), card.dataset.title ?? '', stage, beside(card))
  }

  const sums = column.values.flatMap(({ amount, currency }) => (amount === null ? [] : money({ amount, currency })))
  const heading = newId()
  const attributes = { class: 'column', 'aria-labelledby': heading, 'data-stage': column.name }
  return h('section', { ...attributes, ondragenter: over, ondragover: over, ondrop: drop },
    h('h2', { id: heading }, column.name),
    h('p', { class: 'about' }, [t('board.deals', { n: column.count }), ...sums].join(' · ')),
    list, more)
}

/** @param {Element | null} card */
const idOf = card => (card instanceof HTMLElement ? card.dataset.id : undefined) ?? ''

/**
 * The place of a card: before the next one, or after the last one; an empty column needs none.
 * @param {Element} card
 * @returns {Place}
 */
function beside({ nextElementSibling: below, previousElementSibling: above }) {
  if (below) return { before_id: idOf(below) }
  return above ? { after_id: idOf(above) } : {}
}

/** @param {Board} board @param {Schemas['BoardCard']} card @param {Schemas['BoardColumn']} column */
function cardOf(board, card, column) {
  const who = [card.contact?.name ?? card.person_name, card.company?.name].filter(Boolean).join(' · ')
  const facts = [who, card.value && money(card.value), card.day && day(card.day),
    card.next_task && `☐ ${card.next_task.title}`, card.rotting && `⚠ ${t('board.rotting')}`]
  const start = (/** @type {DragEvent} */ event) => {
    board.dragged = { card: item, list: item.parentElement, next: item.nextElementSibling }
    event.dataTransfer?.setData('text/plain', card.title)
    item.classList.add('dragged')
  }
  const end = () => {
    item.classList.remove('dragged')
    // Let go outside of every column: the card goes back.
    board.dragged?.list?.insertBefore(item, board.dragged.next)
    board.dragged = null
  }
  const named = { 'aria-label': t('board.move_this', { title: card.title }), 'aria-describedby': board.hint }
  const attributes = { class: 'card', draggable: board.movable && 'true', 'data-id': card.id, 'data-title': card.title }
  const item = h('li', { ...attributes, ondragstart: start, ondragend: end },
    h('a', { href: `#/deals/${card.id}`, draggable: 'false' }, card.title),
    facts.map(fact => fact && h('p', { class: 'about' }, fact)),
    board.movable && button(t('board.move'), () => choose(board, card, column), named))
  return item
}

/**
 * Moves on the server and shows what has come of it.
 * @param {Board} board
 * @param {string} id
 * @param {string} title
 * @param {Stage} stage
 * @param {Place} place
 */
async function put(board, id, title, stage, place) {
  alarm('')
  const result = await move(id, stage, place).catch(error => ({ failure: words(error) }))
  await board.again()
  if (result === 'moved') tell(t('board.moved', { title, stage: stage.name }))
  else if (result === 'changed') alarm(t('board.changed'))
  else if (result !== 'cancelled') alarm(result.failure)
  document.querySelector(`[data-id="${id}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
}

/**
 * The same without a mouse.
 * @param {Board} board
 * @param {Schemas['BoardCard']} card
 * @param {Schemas['BoardColumn']} column
 */
async function choose(board, card, column) {
  const stage = field('one', 'stage', t('board.stage'), board.stages.map(asChoice))
  stage.set(column.stage_id)
  const place = h('select', { id: newId() })
  const others = () =>
    board.columns.find(({ stage_id }) => stage_id === stage.get())?.cards.filter(({ id }) => id !== card.id) ?? []
  const places = () => place.replaceChildren(
    h('option', { value: '' }, t('board.top')),
    ...others().map(({ id, title }) => h('option', { value: id }, t('board.after', { title }))))
  stage.node.addEventListener('change', places)
  places()
  const content = [stage.node, h('div', { class: 'field' }, h('label', { for: place.id }, t('board.place')), place)]
  const labels = { submit: t('board.move'), cancel: t('form.cancel') }
  const title = t('board.move_this', { title: card.title })
  const target = () => board.stages.find(({ id }) => id === stage.get())
  if (!(await ask(title, content, labels, () => target() !== undefined))) return
  const [chosen, [first]] = [target(), others()]
  const where = place.value ? { after_id: place.value } : first ? { before_id: first.id } : {}
  if (chosen) await put(board, card.id, card.title, chosen, where)
  /** @type {HTMLElement | null} */
  const pressed = document.querySelector(`[data-id="${card.id}"] button`)
  pressed?.focus()
}
