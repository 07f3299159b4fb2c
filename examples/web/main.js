// @ts-check
// Starts the client: the header, the pages by the part of the address after #, and the waiting of requests in words.

import { waits } from './api.js'
import { boardPage } from './board.js'
import { dayPage } from './day.js'
import { dealPage } from './deal.js'
import { alarm, button, byId, h, tell } from './dom.js'
import { editContact, editDeal, newDeal } from './form.js'
import { language, languages, t, useLanguage, words } from './i18n.js'
import { loadMe, may, userName } from './me.js'
import { call, resume, signedIn, signOut } from './session.js'
import { signInPage } from './signin.js'

/** @type {[address: RegExp, page: (id: string) => Promise<HTMLElement> | HTMLElement][]} */
const pages = [
  [/^#\/board(?:\/([\w-]+))?$/, id => boardPage(id || undefined, refresh)],
  [/^#\/deals\/new$/, newDeal],
  [/^#\/deals\/([\w-]+)$/, id => dealPage(id, refresh)],
  [/^#\/deals\/([\w-]+)\/edit$/, editDeal],
  [/^#\/contacts\/([\w-]+)\/edit$/, editContact],
]

let turn = 0
/** Shows the page of the address. Of two at the same time the later one wins. */
async function refresh() {
  const mine = ++turn
  const main = byId('main')
  const focused = main.contains(document.activeElement)
  main.setAttribute('aria-busy', 'true')
  let page
  try {
    page = signedIn() ? await pageOf(location.hash) : signInPage(start)
  } catch (error) {
    page = h('div', {}, h('h1', { tabindex: -1 }, 'Voronka'), h('p', { class: 'wrong' }, words(error)))
  }
  if (mine !== turn) return
  main.replaceChildren(page)
  main.removeAttribute('aria-busy')
  // Who pressed a button that is gone now is at the beginning of the page, not nowhere.
  if (focused) page.querySelector('h1')?.focus({ preventScroll: true })
  document.title = `${page.querySelector('h1')?.textContent} – Voronka`
}

/** @param {string} hash */
async function pageOf(hash) {
  for (const [address, page] of pages) {
    const found = address.exec(hash)
    if (found) return page(found[1] ?? '')
  }
  // The first page that the role allows.
  return may('tasks', 'read') ? dayPage(refresh) : boardPage(undefined, refresh)
}

/** Goes to another page, and tells so by moving the focus to its heading. */
async function go() {
  alarm('')
  header()
  await refresh()
  byId('main').querySelector('h1')?.focus()
  scrollTo(0, 0)
}

function header() {
  const links = [['#/', t('nav.day'), allowed('tasks', 'read')], ['#/board', t('nav.board'), allowed('deals', 'read')],
    ['#/deals/new', t('nav.new'), allowed('deals', 'create')]]
  const here = (/** @type {unknown} */ href) => (location.hash || '#/').split('?')[0] === href
  byId('top').replaceChildren(
    h('a', { href: '#main', class: 'skip', onclick: skip }, t('nav.skip')),
    h('nav', { 'aria-label': t('nav.main') }, links.filter(([, , shown]) => shown).map(([href, text]) =>
      h('a', { href, 'aria-current': here(href) ? 'page' : null }, String(text)))),
    h('label', {}, h('span', { class: 'hidden' }, t('nav.language')), languageChoice()),
    signedIn() ? button(`${t('sign.out')} (${userName()})`, signOut) : '')
}

/** @param {string} resource @param {'read' | 'create'} action */
const allowed = (resource, action) => signedIn() && may(resource, action)

function skip(/** @type {Event} */ event) {
  event.preventDefault()
  byId('main').focus()
}

function languageChoice() {
  const options = Object.entries(languages).map(([tag, name]) =>
    h('option', { value: tag, lang: tag, selected: tag === language }, name))
  const change = () => {
    useLanguage(select.value)
    tell('')
    header()
    void refresh()
    byId('top').querySelector('select')?.focus()
    // The server keeps the language for the user's other devices.
    const keep = signedIn() ? call('patch', '/api/v1/me', { body: { language: select.value } }) : Promise.resolve()
    keep.catch(error => alarm(words(error)))
  }
  const select = h('select', { onchange: change }, options)
  return select
}

async function start() {
  if (signedIn()) {
    try {
      await resume()
      await loadMe()
    } catch (error) {
      const again = button('↻', () => location.reload(), { 'aria-label': t('nav.again') })
      return byId('main').replaceChildren(h('h1', {}, 'Voronka'), h('p', { class: 'wrong' }, words(error)), again)
    }
  }
  header()
  await refresh()
}

waits.addEventListener('busy', () => tell(t('problem.busy')))
waits.addEventListener('offline', () => tell(t('problem.waiting')))
waits.addEventListener('over', () => tell(''))
addEventListener('hashchange', () => void go())
// Back after a while: show what others have done meanwhile. A form keeps what the user has typed.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && signedIn() && !document.querySelector('form, dialog')) void refresh()
})
void start()
