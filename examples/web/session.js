// @ts-check
// Who is signed in. All tabs share one session in localStorage. A page belongs to one session for its whole life: as soon as the
// stored session is another one, or none, the page hides itself, drops its requests and loads anew. So nothing of one user is
// left in memory when the next one signs in.

/** @import { Call, Session } from './types.js' */
import { Problem, send } from './api.js'

const SESSION = 'voronka.session'
const API = 'voronka.api'

/** @returns {Session | null} */
function stored() {
  const text = localStorage.getItem(SESSION)
  return text === null ? null : JSON.parse(text)
}

let mine = stored()?.id ?? ''
const life = new AbortController()
const foreign = () => (stored()?.id ?? '') !== mine

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
// The back/forward cache brings back a page as it was. It is kept without its content, which shows again only for the same session.
addEventListener('pagehide', () => (document.body.hidden = true))
addEventListener('pageshow', () => (foreign() ? leave() : (document.body.hidden = false)))

/** @param {string} api @param {{ email: string, password: string, code?: string }} credentials */
export async function signIn(api, credentials) {
  const tokens = await send(api, 'post', '/api/v1/auth/login', { body: credentials })
  if (foreign()) return leave()
  mine = crypto.randomUUID()
  localStorage.setItem(API, api)
  keep({ id: mine, api, ...tokens })
}

/** @param {Session} session */
function keep({ id, api, access_token, refresh_token }) {
  localStorage.setItem(SESSION, JSON.stringify({ id, api, access_token, refresh_token }))
}

/** Ends the session here at once, in the other tabs, and on the server if it can be reached. */
export async function signOut() {
  const session = stored()
  document.body.hidden = true
  life.abort()
  localStorage.removeItem(SESSION)
  history.replaceState(null, '', location.pathname)
  if (session) await revoke(session.api, session.refresh_token)
  return leave()
}

/** @param {string} api @param {string} refresh_token */
const revoke = (api, refresh_token) =>
  send(api, 'post', '/api/v1/auth/logout', { body: { refresh_token }, signal: AbortSignal.timeout(3000) }).catch(() => {})

/**
 * Exchanges the refresh token. A refresh token works once, so one tab does it at a time, and the others take what it got.
 * @param {Session} old
 * @returns {Promise<Session | null>} null if the session is no longer this page's
 */
async function refresh(old) {
  return await navigator.locks.request(SESSION, async () => {
    const now = stored()
    if (now?.id !== old.id || now.access_token !== old.access_token) return now
    const tokens = await send(now.api, 'post', '/api/v1/auth/refresh', { body: { refresh_token: now.refresh_token }, repeatable: true })
    if (!foreign()) keep({ ...now, ...tokens })
    else await revoke(now.api, tokens.refresh_token)
    return stored()
  })
}

/** Sends a request of the signed-in user. @type {Call} */
export const call = async (method, path, ...[init]) => {
  const session = stored()
  if (!session || foreign()) return leave()
  // One key for all attempts of this call, whoever makes them.
  const key = method === 'post' ? init?.key ?? crypto.randomUUID() : undefined
  const attempt = (/** @type {Session} */ { api, access_token }) =>
    send(api, method, path, { .../** @type {any} */ (init), key, token: access_token, signal: life.signal })
  try {
    const answer = await attempt(session).catch(async error => {
      if (!(error instanceof Problem) || error.code !== 'token_expired') throw error
      const fresh = await refresh(session)
      return fresh && !foreign() ? attempt(fresh) : undefined
    })
    return foreign() ? leave() : answer
  } catch (error) {
    if (foreign()) return leave()
    if (error instanceof Problem && error.status === 401) {
      localStorage.removeItem(SESSION)
      sessionStorage.setItem('voronka.ended', '1')
      return leave()
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
