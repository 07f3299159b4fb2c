// A workspace with two people who see everything and one who sees only what is hers, with deals, tasks and contacts.
export const PASSWORD = 'choose-a-good-one'

/** Calls the API as a user; fails on every refusal. */
function caller(api, token) {
  return async (method, path, body) => {
    const headers = { ...(token && { Authorization: `Bearer ${token}` }), 'Content-Type': 'application/json' }
    const answer = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${text}`)
    return text && JSON.parse(text)
  }
}

export async function signInApi(api, email) {
  const { access_token } = await caller(api)('POST', '/auth/login', { email, password: PASSWORD })
  return { email, call: caller(api, access_token) }
}

export async function seed(api) {
  const registration = { workspace_name: 'Acme Boats', name: 'Anna', email: 'anna@example.com', password: PASSWORD,
    base_currency: 'EUR', time_zone: 'Europe/Berlin', country: 'DE' }
  const { access_token } = await caller(api)('POST', '/auth/register', registration)
  const call = caller(api, access_token)
  const visible = read => resource => ({ resource, read, create: read, update: read, delete: 'none', export: 'none' })
  await call('POST', '/roles', { key: 'partner', name: 'Partner', grants: [...['deals', 'tasks'].map(visible('own')),
    { ...visible('all')('pipelines'), create: 'none', update: 'none' }] })
  for (const [name, role] of [['Bob', 'admin'], ['Pia', 'partner']])
    await call('POST', '/users', { name, email: `${name.toLowerCase()}@example.com`, password: PASSWORD, role })
  const [pipeline] = (await call('GET', '/pipelines?kind=deal')).data
  const stages = Object.fromEntries(pipeline.stages.map(({ id, name }) => [name, id]))
  await call('POST', '/loss-reasons', { name: 'Too expensive' })
  const company = await call('POST', '/companies', { name: 'Stone Harbour' })
  const eva = await call('POST', '/contacts',
    { first_name: 'Eva', last_name: 'Stone', email: 'eva@stone.example', company_id: company.id })
  const rows = [
    ['Sail', 'Active inquiry', 70000, 'EUR'], ['Oars', 'Active inquiry', 12000, 'EUR'],
    ['Rudder', 'Active inquiry', 250000, 'JPY'], ['Compass', 'Quote sent', 1500, 'KWD'],
    ['A boat for ten', 'Quote sent', 1500000, 'EUR'], ['Mast', 'Agreed and invoiced', 98050, 'EUR'],
  ]
  const hers = { company_id: company.id, contacts: [{ contact_id: eva.id }], expected_close_date: '2031-05-01',
    tags: ['north', 'vip'] }
  const deals = {}
  for (const [title, stage, amount, currency] of rows) {
    const deal = { title, stage_id: stages[stage], value: { amount, currency } }
    deals[title] = (await call('POST', '/deals', title === 'A boat for ten' ? { ...deal, ...hers } : deal)).id
  }
  const { date } = await call('GET', '/my-day')
  const task = (title, type, deal_id, due_date) => call('POST', '/tasks', { title, type, deal_id, due_date })
  await task('Call Eva about the boat', 'call', deals['A boat for ten'], date)
  const offer = await task('Send the offer', 'todo', deals.Mast, '2026-01-05')
  const person = { name: 'Bo Berg', email: 'bo@example.com' }
  await call('POST', '/leads', { title: 'Ten seats', rating: 'hot', person })
  const [anna, bob, pia] = await Promise.all(['anna', 'bob', 'pia'].map(name => signInApi(api, `${name}@example.com`)))
  return { anna, bob, pia, stages, deals, offer: offer.id }
}
