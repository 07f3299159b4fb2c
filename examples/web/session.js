// @ts-check
// Who is signed in. All tabs share one session; its id in localStorage tells them when it changes. A page belongs to
// one session for its whole life: as soon as the id is another one, or gone, the page hides itself, drops its requests
// and loads anew. So nothing of one user is left in memory when the next one signs in.

/** @import { Call, Session } from './types.js' */
import { Problem, send } from './api.js'
import { forget, keep, kept, renew } from './store.js'

const SESSION = 'voronka.session'
const API = 'voronka.api'

const stored = () => localStorage.getItem(SESSION) ?? ''
let mine = stored()
/** The tokens as this page knows them. @type {Session | undefined} */
let session
const life = new AbortController()
const foreign = () => stored() !== mine

export const signedIn = () => mine !== ''
export const apiAddress = () => localStorage.getItem(API) ?? 'http://127.0.0.1:8080'

/** Ends this page; the promise stays open, so that nothing that waits for it goes on. @returns {Promise<never>} */
function leave() {
  document.body.hidden = true
  life.abort()
  location.reload()
  return new Promise(() => {})
}

const check = () => void (foreign() && leave())
addEventListener('storage', check)
document.addEventListener('visibilitychange', check)
// The back/forward cache brings back a page as it was. It is kept hidden, and shows itself only to the same session.
addEventListener('pagehide', () => (document.body.hidden = true))
addEventListener('pageshow', () => (foreign() ? leave() : (document.body.hidden = false)))

/** Goes on with the session of the other tabs, if there is one. */
export async function resume() {
  if (!signedIn()) return
  const found = await kept()
  if (found?.id === mine) session = found
  else if (!foreign()) await end()
}

/** @param {string} api @param {{ email: string, password: string, code?: string }} credentials */
export async function signIn(api, credentials) {
  const { access_token, refresh_token } = await send(api, 'post', '/api/v1/auth/login', { body: credentials })
  session = { id: crypto.randomUUID(), api, access_token, refresh_token }
  if (foreign()) {
    // Another tab was faster.
    await revoke(session)
    return leave()
  }
  await keep(session)
  mine = session.id
  localStorage.setItem(API, api)
  localStorage.setItem(SESSION, mine)
}

async function end() {
  localStorage.removeItem(SESSION)
  await forget(mine)
  return leave()
}

/** Ends the session here at once, in the other tabs, and on the server if it can be reached. */
export async function signOut() {
  document.body.hidden = true
  life.abort()
  localStorage.removeItem(SESSION)
  history.replaceState(null, '', location.pathname)
  // Another tab may have exchanged the token that this page knows.
  const last = await kept()
  if (last?.id === mine && (await forget(mine))) await revoke(last)
  return leave()
}

/** @param {Session} session */
function revoke({ api, refresh_token }) {
  const init = { body: { refresh_token }, signal: AbortSignal.timeout(3000) }
  return send(api, 'post', '/api/v1/auth/logout', init).catch(() => {})
}

/**
 * Exchanges the refresh token. A refresh token works once, so one tab does it at a time, and the others take what it
 * got.
 * @param {string} expired the access token that no longer works
 * @returns {Promise<Session | undefined>} undefined if the session is no longer this page's
 */
async function refresh(expired) {
  return await navigator.locks.request(SESSION, async () => {
    const now = await kept()
    if (now?.id !== mine) return undefined
    if (now.access_token !== expired) return now
    const init = { body: { refresh_token: now.refresh_token }, repeatable: true }
    const { access_token, refresh_token } = await send(now.api, 'post', '/api/v1/auth/refresh', init)
    const fresh = { ...now, access_token, refresh_token }
    if (await renew(fresh)) return fresh
    // Signed out meanwhile.
    await revoke(fresh)
    return undefined
  })
}

/** Sends a request of the signed-in user. @type {Call} */
export const call = async (method, path, ...[init]) => {
  const current = session
  if (!current || foreign()) return leave()
  // One key for all attempts of this call, whoever makes them.
  const key = method === 'post' ? init?.key ?? crypto.randomUUID() : undefined
  const attempt = (/** @type {Session} */ { api, access_token }) =>
    send(api, method, path, { .../** @type {any} */ (init), key, token: access_token, signal: life.signal })
  try {
    const answer = await attempt(current).catch(async error => {
      if (!(error instanceof Problem) || error.code !== 'token_expired') throw error
      session = await refresh(current.access_token)
      return session ? attempt(session) : leave()
    })
    return foreign() ? leave() : answer
  } catch (error) {
    if (foreign()) return leave()
    if (error instanceof Problem && error.status === 401) {
      sessionStorage.setItem('voronka.ended', '1')
      return end()
    }
    throw error
  }
}

/** Returns once whether the session of this tab was ended by the server. */
export function wasEnded() {
  const ended = sessionStorage.getItem('voronka.ended') !== null
  sessionStorage.removeItem('voronka.ended')
  return ended
}
