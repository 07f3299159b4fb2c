// A front end on another origin, in a real browser: form errors, an expired token, two tabs that change one record, two users who
// share the browser, and a page that is not allowed.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { expired, launch, serve } from './support.mjs'

const [program, data] = process.argv.slice(2)

/** The page: a form for a contact that shows what the API says of each member. */
const page = `<!doctype html><title>Front end</title>
<form><input name="email"><input name="birthday"><output id="email"></output><output id="birthday"></output></form>
<script>
  const call = async (token, method, path, body, headers = {}) => {
    if (token) headers = { ...headers, Authorization: 'Bearer ' + token }
    if (body && !(body instanceof FormData)) headers = { ...headers, 'Content-Type': 'application/json' }
    const answer = await fetch(API + path, { method, headers, body: body instanceof FormData ? body : body && JSON.stringify(body) })
    const text = await answer.text()
    const read = name => answer.headers.get(name)
    return { status: answer.status, etag: read('etag'), id: read('x-request-id'), disposition: read('content-disposition'),
      authenticate: read('www-authenticate'), allow: read('allow'), body: text && (read('content-type') ?? '').includes('json') ? JSON.parse(text) : text }
  }
  const submit = async (token, body) => {
    const answer = await call(token, 'POST', '/contacts', body)
    for (const error of answer.body.errors ?? []) document.getElementById(error.pointer.slice(1)).textContent = error.detail
    return answer
  }
</script>`

let api = ''
const pages = createServer((_, answer) =>
  answer.setHeader('Content-Type', 'text/html').end(page.replace('API +', JSON.stringify(api) + ' +')))
await new Promise(started => pages.listen(0, '127.0.0.1', started))
const { port } = pages.address()
const origin = `http://127.0.0.1:${port}`

const server = await serve(program, data, origin)
api = server.api
const browser = await launch()

try {
  const context = await browser.newContext()
  const tab = await context.newPage()
  await tab.goto(origin)
  const call = (where, ...args) => where.evaluate(args => call(...args), args)

  const registered = await call(tab, null, 'POST', '/auth/register',
    { workspace_name: 'Acme', name: 'Anna', email: 'anna@example.com', password: 'choose-a-good-one' })
  assert.equal(registered.status, 201)
  let { access_token: anna, refresh_token } = registered.body

  // Form errors: each at its field.
  const refused = await tab.evaluate(token => submit(token, { email: 'nonsense', birthday: 'yesterday' }), anna)
  assert.equal(refused.status, 422)
  assert.ok(refused.id, 'a script can quote the request id')
  for (const field of ['email', 'birthday']) assert.notEqual(await tab.locator(`#${field}`).textContent(), '', field)

  // An expired token is told apart from a wrong one, and exchanged.
  const late = await call(tab, expired(anna), 'GET', '/contacts')
  assert.deepEqual([late.status, late.body.code], [401, 'token_expired'])
  const wrong = await call(tab, 'x.y.z', 'GET', '/contacts')
  assert.deepEqual([wrong.status, wrong.body.code, wrong.authenticate], [401, 'token_invalid', 'Bearer'])
  const refreshed = await call(tab, null, 'POST', '/auth/refresh', { refresh_token })
  assert.equal(refreshed.status, 200)
  anna = refreshed.body.access_token

  const made = await call(tab, anna, 'POST', '/contacts', { first_name: 'Eva', phone: '+1 202 555 0101' })
  assert.equal(made.status, 201)
  const one = `/contacts/${made.body.id}`
  for (const [method, path, status] of [['GET', '/nowhere', 404], ['PUT', '/contacts', 405], ['GET', '/contacts?x=1', 400]]) {
    const answer = await call(tab, anna, method, path)
    assert.deepEqual([answer.status, answer.body.status], [status, status], path)
  }

  // Two tabs: the second to save is told, reads again and saves.
  const other = await context.newPage()
  await other.goto(origin)
  const [first, second] = [await call(tab, anna, 'GET', one), await call(other, anna, 'GET', one)]
  assert.equal(first.etag, second.etag)
  assert.equal((await call(tab, anna, 'PATCH', one, { last_name: 'Stone' }, { 'If-Match': first.etag })).status, 200)
  const conflict = await call(other, anna, 'PATCH', one, { last_name: 'Rock' }, { 'If-Match': second.etag })
  assert.deepEqual([conflict.status, conflict.body.code, conflict.body.current_version], [412, 'version_conflict', 2])
  const current = await call(other, anna, 'GET', one)
  assert.equal(current.body.last_name, 'Stone')
  assert.equal((await call(other, anna, 'PATCH', one, { last_name: 'Rock' }, { 'If-Match': current.etag })).status, 200)

  // What others do shows at once, although the browser has kept the answer and asks whether it is still good.
  assert.equal((await call(tab, anna, 'GET', one)).body.next_task, null)
  await call(other, anna, 'POST', '/tasks', { title: 'Call', contact_id: made.body.id, due_date: '2031-03-01' })
  assert.equal((await call(tab, anna, 'GET', one)).body.next_task.title ?? 'Call', 'Call')
  assert.notEqual((await call(tab, anna, 'GET', one)).body.next_task, null)

  // Somebody with other rights in the same browser does not see what the first one saw.
  const rights = ['contacts', 'schema'].map(resource => ({ resource, read: 'all', create: 'none', update: 'none', delete: 'none', export: 'none' }))
  await call(tab, anna, 'POST', '/roles',
    { key: 'blind', name: 'Blind', grants: rights, hidden_fields: [{ resource: 'contacts', field: 'phone' }] })
  await call(tab, anna, 'POST', '/users', { name: 'Bob', email: 'bob@example.com', role: 'blind', password: 'choose-a-good-one' })
  const bob = (await call(tab, null, 'POST', '/auth/login', { email: 'bob@example.com', password: 'choose-a-good-one' })).body.access_token
  assert.equal((await call(tab, anna, 'GET', one)).body.phone, '+12025550101')
  assert.equal((await call(tab, bob, 'GET', one)).body.phone, null)
  assert.equal((await call(tab, anna, 'GET', one)).body.phone, '+12025550101')

  // A file keeps its name.
  const uploaded = await tab.evaluate(([token, id]) => {
    const form = new FormData()
    form.append('contact_id', id)
    form.append('file', new Blob(['words']), 'Größe.txt')
    return call(token, 'POST', '/files', form)
  }, [anna, made.body.id])
  assert.equal(uploaded.status, 201)
  const file = await call(tab, anna, 'GET', `/files/${uploaded.body.id}/content`)
  assert.equal(file.body, 'words')
  assert.match(file.disposition ?? '', /Gr%C3%B6%C3%9Fe\.txt/)

  // A page of another origin is kept out by the browser.
  const stranger = await context.newPage()
  await stranger.goto(`http://localhost:${port}`)
  const kept = await stranger.evaluate(token => call(token, 'GET', '/contacts').then(() => 'read', error => error.name), anna)
  assert.equal(kept, 'TypeError')
  console.log('the browser story holds')
} finally {
  await browser.close()
  await server.stop()
  pages.close()
}
