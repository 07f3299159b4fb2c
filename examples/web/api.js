// @ts-check
// One request to the API: errors as problems, patience with a busy server and a bad line, and one key per creation.

/** @import { Schemas } from './types.js' */

/** The server's refusal (RFC 9457). Decide by `code`. */
export class Problem extends Error {
  /**
   * @param {Partial<Schemas['Problem']> & { code: string, status: number }} problem
   * @param {number} wait seconds, or 0
   */
  constructor(problem, wait) {
    super(`${problem.code}: ${problem.detail}`)
    this.code = problem.code
    this.status = problem.status
    this.detail = problem.detail ?? ''
    this.request = problem.request_id ?? ''
    this.errors = problem.errors ?? []
    this.wait = wait
  }
}

/** No answer: the line is down, the address is wrong, or the server does not allow this origin. */
export class NoAnswer extends Error {}

/** Tells that a request waits for its next attempt (`busy`, `offline`), and that no longer (`over`). */
export const waits = new EventTarget()

const ATTEMPTS = 4
const LONGEST_WAIT = 30

/**
 * @param {string} base the address of the server
 * @param {string} method
 * @param {string} path with names in braces, as in the OpenAPI document
 * @param {{ path?: Record<string, string>, query?: Record<string, unknown>, body?: unknown, token?: string,
 *   key?: string, version?: number, repeatable?: boolean, signal?: AbortSignal }} init
 * @returns {Promise<any>}
 */
export async function send(base, method, path, init = {}) {
  if (!URL.canParse(base)) throw new Problem({ code: 'not_the_api', status: 0 }, 0)
  const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(init.path?.[name] ?? ''))
  const url = new URL(base.replace(/\/+$/, '') + filled)
  for (const [name, value] of Object.entries(init.query ?? {})) url.searchParams.set(name, String(value))
  const headers = new Headers({ Accept: 'application/json' })
  if (init.token) headers.set('Authorization', `Bearer ${init.token}`)
  if (init.body !== undefined) headers.set('Content-Type', 'application/json')
  if (init.key) headers.set('Idempotency-Key', init.key)
  if (init.version !== undefined) headers.set('If-Match', `"${init.version}"`)
  // Without storing: what one user reads stays in no cache of a browser that others use too.
  const request = { method: method.toUpperCase(), headers, body: JSON.stringify(init.body), signal: init.signal ?? null,
    cache: /** @type {const} */ ('no-store'), credentials: /** @type {const} */ ('omit') }
  // After a lost answer, only what the server does once may be sent again.
  const repeatable = method !== 'post' || init.key !== undefined || init.repeatable === true
  for (let attempt = 1; ; attempt++) {
    const answer = await fetch(url, request).catch(error => {
      if (init.signal?.aborted) throw error
      return null
    })
    const asked = Number(answer?.headers.get('Retry-After') ?? 0)
    const wait = answer ? asked : attempt
    const worthwhile = attempt < ATTEMPTS && wait > 0 && wait <= LONGEST_WAIT && navigator.onLine
    const again = worthwhile && (repeatable || answer?.status === 429)
    if (!again && attempt > 1) waits.dispatchEvent(new Event('over'))
    if (!again) return read(answer, asked)
    waits.dispatchEvent(new Event(answer ? 'busy' : 'offline'))
    await new Promise(done => setTimeout(done, wait * 1000 * (1 + Math.random() / 2)))
  }
}

/** @param {Response | null} answer @param {number} wait */
async function read(answer, wait) {
  if (!answer) throw new NoAnswer()
  if (answer.status === 204) return undefined
  const body = await answer.json().catch(() => null)
  if (answer.ok && body !== null) return body
  throw new Problem(typeof body?.code === 'string' ? body : { code: 'not_the_api', status: answer.status }, wait)
}

/**
 * Returns a function that gives each different body one key: pressing the button again after a lost answer creates
 * nothing twice.
 */
export function onceEach() {
  let known = ''
  let key = ''
  return (/** @type {unknown} */ body) => {
    const text = JSON.stringify(body)
    if (text !== known) [known, key] = [text, crypto.randomUUID()]
    return key
  }
}
