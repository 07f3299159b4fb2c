// The example client of examples/web on another origin, used by several people at once. SCREENSHOTS names a folder for
// pictures.
import assert from 'node:assert/strict'
import { expired, launch, serve, servePages } from './support.mjs'
import { seed, signInApi, PASSWORD } from './people.mjs'

const [program, data, folder] = process.argv.slice(2)
const pages = await servePages(folder)
const server = await serve(program, data, pages.origin)
// The third one keeps pages in its back/forward cache, which tests usually switch off.
const browsers = [await launch(), await launch(), await launch({ ignoreDefaultArgs: ['--disable-back-forward-cache'] })]
const [browser, another, caching] = browsers
const step = text => console.log(`   ${text}`)

/** Opens the client as somebody with a browser of their own. */
async function person(browser) {
  const place = { locale: 'en-GB', timezoneId: 'Europe/Berlin', viewport: { width: 1280, height: 800 } }
  const context = await browser.newContext(place)
  const failures = []
  const note = text => /Content Security Policy|Trusted/.test(text) && failures.push(text)
  context.on('page', page => {
    page.on('pageerror', error => failures.push(String(error)))
    page.on('console', message => note(message.text()))
  })
  const page = await context.newPage()
  await page.goto(pages.origin)
  return { context, page, failures }
}

async function signIn(page, email, password = PASSWORD) {
  await page.getByLabel('Address of the server').fill(server.base)
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}
/** Waits for a page by the beginning of its heading. */
const heading = (page, name) => page.getByRole('heading', { level: 1, name: new RegExp(`^${name}`) }).waitFor()
const told = (page, text) => page.getByRole('status').filter({ hasText: text }).waitFor()
const alarmed = (page, text) => page.getByRole('alert').filter({ hasText: text }).waitFor()
const go = async (page, hash, name) => {
  await page.evaluate(hash => { location.hash = hash }, hash)
  await heading(page, name)
}
const column = (page, name) => page.locator(`.column[data-stage="${name}"]`)
const card = (page, title) => page.locator(`.card[data-title="${title}"]`)
const titles = async (page, name) => column(page, name).locator('.card > a').allTextContents()

/** What is shown is accessible and as wide as the screen. */
async function look(page, name) {
  const nameless = await page.evaluate(() => [...document.querySelectorAll('input, select, textarea, button, a')]
    .filter(({ labels, ariaLabel, textContent, tagName }) => !labels?.length && !ariaLabel &&
      (tagName === 'SELECT' || !textContent))
    .map(({ outerHTML }) => outerHTML))
  assert.deepEqual(nameless, [], `${name} has controls without a name`)
  const wide = page.viewportSize()
  for (const [size, width, height] of [['desktop', 1280, 800], ['phone', 390, 844]]) {
    await page.setViewportSize({ width, height })
    const path = `${process.env.SCREENSHOTS}/${name}-${size}.png`
    if (process.env.SCREENSHOTS) await page.screenshot({ path, fullPage: size === 'phone' })
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.equal(over, 0, `${name} is wider than a ${size}`)
  }
  await page.setViewportSize(wide)
}

/** Drags with the mouse: to a card, or into the free part of a column. */
async function drag(page, title, target, edge = 0.25) {
  const from = await card(page, title).boundingBox()
  const to = await target.boundingBox()
  await page.mouse.move(from.x + from.width - 12, from.y + from.height / 2)
  await page.mouse.down()
  await page.mouse.move(from.x + from.width - 20, from.y + from.height / 2 + 10, { steps: 3 })
  const [x, y] = [to.x + to.width / 2, Math.min(to.y + to.height * edge, page.viewportSize().height - 20)]
  await page.mouse.move(x, y, { steps: 8 })
  // A hand is never quite still: the cards have made room, and what is under the pointer now is told once more.
  for (const more of [1, 2, 3]) await page.mouse.move(x + more, y)
  const moved = page.waitForResponse(answer => answer.url().endsWith('/move') && answer.request().method() === 'POST')
  await page.mouse.up()
  return (await moved).status()
}

/** In the page: reads the access token of the session, or replaces it. */
function keepSession(token) {
  return new Promise(done => {
    indexedDB.open('voronka').onsuccess = ({ target: { result: database } }) => {
      const transaction = database.transaction('session', 'readwrite')
      const store = transaction.objectStore('session')
      const request = store.get('session')
      request.onsuccess = () => token && store.put({ ...request.result, access_token: token }, 'session')
      transaction.oncomplete = () => done(request.result.access_token)
    }
  })
}

try {
  const world = await seed(server.api)
  const anna = await person(browser)
  const { page } = anna

  step('sign-in: a wrong password, then the right one; my day')
  await signIn(page, world.anna.email, 'wrong-password')
  await alarmed(page, 'The e-mail or the password is wrong.')
  await look(page, 'sign-in')
  await signIn(page, world.anna.email)
  await heading(page, 'My day')
  await page.getByRole('heading', { name: 'Tasks for today' }).waitFor()
  await page.getByText('Call Eva about the boat').waitFor()
  await look(page, 'my-day')
  await page.getByRole('button', { name: 'Done: Send the offer' }).click()
  await told(page, 'Done: Send the offer')
  assert.equal((await world.anna.call('GET', `/tasks/${world.offer}`)).status, 'done')

  step('the board: dragging with the mouse is kept')
  await page.getByRole('link', { name: 'Board' }).click()
  await heading(page, 'Board')
  await look(page, 'board')
  assert.deepEqual(await titles(page, 'Agreed and invoiced'), ['Mast'])
  assert.equal(await drag(page, 'A boat for ten', card(page, 'Mast'), 0.9), 200)
  await told(page, '“A boat for ten” is now in “Agreed and invoiced”.')
  assert.deepEqual(await titles(page, 'Agreed and invoiced'), ['Mast', 'A boat for ten'])
  await page.reload()
  await heading(page, 'Board')
  assert.deepEqual(await titles(page, 'Agreed and invoiced'), ['Mast', 'A boat for ten'])
  assert.equal(await drag(page, 'A boat for ten', card(page, 'Mast'), 0.1), 200)
  await told(page, 'A boat for ten')
  assert.deepEqual(await titles(page, 'Agreed and invoiced'), ['A boat for ten', 'Mast'])

  step('two browsers drag at the same time')
  const bob = await person(another)
  await signIn(bob.page, world.bob.email)
  await heading(bob.page, 'My day')
  await go(bob.page, '#/board', 'Board')
  const drags = [[page, 'Oars'], [bob.page, 'Sail']].map(([who, title]) =>
    drag(who, title, column(who, 'Agreed and invoiced'), 0.95))
  assert.deepEqual(await Promise.all(drags), [200, 200])
  for (const who of [page, bob.page]) {
    await who.reload()
    await heading(who, 'Board')
    assert.deepEqual((await titles(who, 'Agreed and invoiced')).sort(), ['A boat for ten', 'Mast', 'Oars', 'Sail'])
  }

  step('a card beside a place that is gone: the board shows its state')
  await world.anna.call('POST', `/deals/${world.deals.Mast}/move`, { stage_id: world.stages['Active inquiry'] })
  assert.equal(await drag(page, 'Rudder', card(page, 'Mast'), 0.1), 422)
  await alarmed(page, 'Somebody else has changed the board meanwhile.')
  assert.ok((await titles(page, 'Active inquiry')).includes('Mast'))

  step('the keyboard moves a card; a stage asks for what it requires')
  await world.anna.call('POST', '/custom-fields', { resource: 'deals', key: 'region', name: 'Region', kind: 'choice',
    options: ['north', 'south'], required_stage_ids: [world.stages['Quote sent']] })
  await page.getByRole('button', { name: 'Move “Rudder”' }).focus()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  await page.keyboard.press('Escape')
  await page.waitForFunction(() => document.activeElement.ariaLabel === 'Move “Rudder”')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').waitFor()
  for (const key of ['ArrowDown', 'Tab', 'Tab']) await page.keyboard.press(key)
  await look(page, 'move')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: '“Quote sent” needs more' }).waitFor()
  await page.getByRole('dialog').getByRole('button', { name: 'Move' }).click()
  await page.getByRole('dialog').getByText('Please fill this in.').waitFor()
  await look(page, 'required')
  await page.getByLabel('Region').selectOption('south')
  await page.getByRole('dialog').getByRole('button', { name: 'Move' }).click()
  await told(page, '“Rudder” is now in “Quote sent”.')
  assert.ok((await titles(page, 'Quote sent')).includes('Rudder'))
  await page.getByRole('button', { name: 'Move “Oars”' }).click()
  await page.getByRole('dialog').getByLabel('Stage').selectOption({ label: 'Lost' })
  await page.getByRole('dialog').getByRole('button', { name: 'Move' }).click()
  await page.getByLabel('Reason of the loss').selectOption('Too expensive')
  await page.getByRole('dialog').getByRole('button', { name: 'Move' }).click()
  await told(page, '“Oars” is now in “Lost”.')

  step('a card with its timeline; markup in data stays text')
  await page.getByRole('link', { name: 'A boat for ten' }).click()
  await heading(page, 'A boat for ten')
  await page.getByText('€15,000.00').waitFor()
  await page.locator('.timeline').getByText('Stage: Quote sent → Agreed and invoiced').first().waitFor()
  const markup = '<img src=x onerror=alert(1)> **bold**'
  await page.getByLabel('New note').fill(markup)
  await page.getByRole('button', { name: 'Add the note' }).click()
  await page.locator('.timeline').getByText(markup).waitFor()
  assert.equal(await page.locator('img').count(), 0)
  await look(page, 'deal')

  step('a form shows errors at their fields')
  await page.getByRole('link', { name: 'Edit' }).click()
  await heading(page, 'Edit “A boat for ten”')
  const labelled = label => page.getByLabel(label, { exact: true })
  const [title, next, percent] = ['Title', 'Next step', 'Probability in percent'].map(labelled)
  await title.fill('')
  await percent.fill('300')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.locator('.field').filter({ hasText: 'Title' }).getByText('Please fill this in.').waitFor()
  await page.locator('.field').filter({ hasText: 'Probability' }).getByText('From 0 to 100.').waitFor()
  assert.equal(await title.getAttribute('aria-invalid'), 'true')
  assert.equal(await next.getAttribute('aria-invalid'), 'false')
  assert.ok(await title.evaluate(input => input === document.activeElement), 'the first wrong field has the focus')
  await look(page, 'form')
  await page.getByLabel('Value', { exact: true }).fill('12.345')
  await title.fill('A boat for ten')
  await percent.fill('')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('This is not an amount.').waitFor()

  step('412: what both have changed is the user’s decision, the rest is merged')
  await page.getByLabel('Value', { exact: true }).fill('16,000.50')
  await title.fill('A boat for twelve')
  await go(bob.page, `#/deals/${world.deals['A boat for ten']}/edit`, 'Edit “A boat for ten”')
  await bob.page.getByLabel('Title').fill('A boat for eleven')
  await bob.page.getByLabel('Next step').fill('Call on Monday')
  await bob.page.getByRole('button', { name: 'Save' }).click()
  await heading(bob.page, 'A boat for eleven')
  await page.getByRole('button', { name: 'Save' }).click()
  await alarmed(page, 'Somebody else has changed this record')
  await page.getByText('Somebody else has written: A boat for eleven.').waitFor()
  assert.deepEqual([await title.inputValue(), await next.inputValue()], ['A boat for twelve', 'Call on Monday'])
  await look(page, 'conflict')
  await page.getByRole('button', { name: 'Save' }).click()
  await heading(page, 'A boat for twelve')
  const boat = await world.anna.call('GET', `/deals/${world.deals['A boat for ten']}`)
  assert.deepEqual([boat.title, boat.next_step, boat.value.amount], ['A boat for twelve', 'Call on Monday', 1600050])
  // Somebody changes what the form does not show: the change is saved without a question.
  await page.getByRole('link', { name: 'Edit' }).click()
  await next.fill('Visit')
  await world.bob.call('PATCH', `/deals/${boat.id}`, { competitor: 'Other Boats' })
  await page.getByRole('button', { name: 'Save' }).click()
  await heading(page, 'A boat for twelve')
  assert.equal((await world.anna.call('GET', `/deals/${boat.id}`)).next_step, 'Visit')
  await page.getByRole('link', { name: 'Eva Stone' }).click()
  await heading(page, 'Edit “Eva Stone”')
  await page.getByLabel('E-mail').fill('eva at stone')
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByText('This does not look right.').waitFor()

  step('a lost answer creates nothing twice; offline, 429, 403 and 503 in words')
  await go(page, '#/deals/new', 'New deal')
  let lost = 0
  await page.route('**/api/v1/deals', async route => {
    if (route.request().method() !== 'POST' || lost++ > 0) return route.continue()
    await route.fetch()
    return route.abort()
  })
  await page.getByLabel('Title').fill('Only once')
  await page.getByRole('button', { name: 'Create' }).click()
  await heading(page, 'Only once')
  await page.unroute('**/api/v1/deals')
  assert.equal(lost, 2)
  assert.equal((await world.anna.call('GET', '/deals?title=Only%20once')).data.length, 1)
  const refusals = [[403, 'forbidden', 'You do not have the permission for this.'],
    [503, 'overloaded', 'The server is overloaded'], [429, 'rate_limited', 'Please try again in 60 seconds.']]
  for (const [status, code, text] of refusals) {
    const headers = { 'access-control-allow-origin': pages.origin, 'access-control-expose-headers': 'retry-after' }
    if (status !== 403) headers['retry-after'] = '60'
    const answer = { status, headers, contentType: 'application/problem+json', body: JSON.stringify({ code, status }) }
    await page.route('**/deals/board?*', route => route.fulfill(answer))
    await page.evaluate(() => { location.hash = '#/' })
    await heading(page, 'My day')
    await page.evaluate(() => { location.hash = '#/board' })
    await page.getByText(text).waitFor()
    await page.unroute('**/deals/board?*')
  }
  await go(page, '#/', 'My day')
  await anna.context.setOffline(true)
  await page.evaluate(() => { location.hash = '#/board' })
  await page.getByText('You are offline.').waitFor()
  await anna.context.setOffline(false)

  step('three languages, with their dates, numbers and money')
  await go(page, `#/deals/${boat.id}`, 'A boat for twelve')
  await page.getByLabel('Language').selectOption('de')
  await page.getByText('16.000,50 €', { exact: true }).waitFor()
  await page.getByLabel('Sprache').selectOption('ru')
  await page.getByRole('heading', { name: 'История' }).waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'ru')
  await go(page, '#/board', 'Доска')
  await page.getByText('2 сделки').first().waitFor()
  await page.getByText(/^1,500\sKWD/).waitFor()
  await look(page, 'board-ru')
  const saved = page.waitForResponse(answer => answer.url().endsWith('/me') && answer.request().method() === 'PATCH')
  await page.getByLabel('Язык').selectOption('en')
  assert.equal((await saved).status(), 200)

  step('three tabs exchange the refresh token once')
  const tab = await anna.context.newPage()
  await tab.goto(`${pages.origin}/#/board`)
  await heading(tab, 'Board')
  let exchanges = 0
  const isExchange = request => request.url().endsWith('/auth/refresh') && request.method() === 'POST'
  anna.context.on('request', request => isExchange(request) && exchanges++)
  const tabs = [page, tab, await anna.context.newPage()]
  await tabs[2].goto(`${pages.origin}/#/board`)
  await page.evaluate(keepSession, expired(await page.evaluate(keepSession)))
  exchanges = 0
  await Promise.all(tabs.map(one => one.reload()))
  for (const one of tabs) await heading(one, 'Board')
  assert.equal(exchanges, 1)

  step('the next user of the browser sees nothing of the first one')
  let release
  const held = new Promise(done => (release = done))
  await page.route('**/deals/board?*', async route => {
    const answer = await route.fetch()
    await held
    await route.fulfill({ response: answer }).catch(() => {})
  })
  await go(page, '#/', 'My day')
  await page.evaluate(() => { location.hash = '#/board' })
  await tab.getByRole('button', { name: 'Sign out' }).click()
  await heading(tab, 'Sign in')
  await heading(page, 'Sign in')
  assert.equal(await page.evaluate(() => localStorage.getItem('voronka.session')), null)
  await signIn(tab, world.pia.email)
  await heading(tab, 'My day')
  release()
  const first = /boat|Mast|Sail|Rudder|Eva|15,000|Anna/
  await heading(page, 'Board')
  for (const who of [page, tab]) assert.doesNotMatch(await who.locator('body').innerText(), first)
  await page.unroute('**/deals/board?*')
  await tab.evaluate(() => { location.hash = '#/board' })
  await heading(tab, 'Board')
  await tab.getByText('0 deals').first().waitFor()
  assert.doesNotMatch(await tab.locator('body').innerText(), first)
  // Her own deal is hers, although her role reads no users, companies and contacts.
  await go(tab, '#/deals/new', 'New deal')
  await tab.getByLabel('Title').fill('Paddle')
  await tab.getByRole('button', { name: 'Create' }).click()
  await heading(tab, 'Paddle')
  await tab.locator('.facts').getByText('Active inquiry').waitFor()
  await tab.evaluate(id => { location.hash = `#/deals/${id}` }, boat.id)
  await tab.getByText('This is not here (any more), or you may not see it.').waitFor()
  for (let n = 0; n < 3; n++) {
    await page.goBack()
    await page.waitForLoadState()
    assert.doesNotMatch(await page.locator('body').innerText(), first)
  }
  await look(tab, 'not-found')

  step('a session that the server has ended')
  const others = await signInApi(server.api, world.pia.email)
  await others.call('DELETE', '/auth/sessions')
  await tab.evaluate(() => { location.hash = '#/board' })
  await tab.getByText('Your session has ended. Please sign in again.').waitFor()

  step('the back/forward cache brings nothing back')
  const shared = await person(caching)
  await signIn(shared.page, world.anna.email)
  await heading(shared.page, 'My day')
  await shared.page.evaluate(() =>
    addEventListener('pageshow', event => sessionStorage.setItem('persisted', String(event.persisted))))
  const second = await shared.context.newPage()
  await second.goto(pages.origin)
  await heading(second, 'My day')
  await shared.page.goto(`${server.base}/docs/`)
  await second.getByRole('button', { name: 'Sign out' }).click()
  await heading(second, 'Sign in')
  await signIn(second, world.pia.email)
  await heading(second, 'My day')
  await shared.page.goBack()
  await shared.page.getByRole('button', { name: 'Sign out (Pia)' }).waitFor()
  assert.doesNotMatch(await shared.page.locator('body').innerText(), first)
  const persisted = await shared.page.evaluate(() => sessionStorage.getItem('persisted'))
  assert.equal(persisted, 'true', 'the page came from the cache')

  for (const { failures } of [anna, bob, shared]) assert.deepEqual(failures, [])
  console.log('the example client holds')
} finally {
  for (const one of browsers) await one.close()
  await server.stop()
  await pages.stop()
}
