// @ts-check
// Where the tabs keep their common session: in IndexedDB, not in localStorage. Browsers run tabs in several processes,
// and a tab may not yet read in localStorage what another one has just written there; two tabs would then exchange the
// same refresh token, although a lock let one in after the other.

/** @import { Session } from './types.js' */

const NAME = 'session'

/** @type {Promise<IDBDatabase>} */
const opened = new Promise((done, failed) => {
  const request = indexedDB.open('voronka', 1)
  request.onupgradeneeded = () => request.result.createObjectStore(NAME)
  request.onsuccess = () => done(request.result)
  request.onerror = () => failed(request.error)
})

/** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} use @returns {Promise<any>} */
async function inStore(mode, use) {
  const database = await opened
  return new Promise((done, failed) => {
    const transaction = database.transaction(NAME, mode)
    const request = use(transaction.objectStore(NAME))
    transaction.oncomplete = () => done(request.result)
    transaction.onabort = () => failed(transaction.error)
  })
}

/** @returns {Promise<Session | undefined>} */
export const kept = () => inStore('readonly', store => store.get(NAME))

/** @param {Session} session */
export const keep = session => inStore('readwrite', store => store.put(session, NAME))

/**
 * Changes what is kept, if it is still this session; returns whether it is.
 * @param {string} id
 * @param {(store: IDBObjectStore) => unknown} change
 */
async function ofSession(id, change) {
  const found = await inStore('readwrite', store => {
    const request = store.get(NAME)
    request.onsuccess = () => request.result?.id === id && change(store)
    return request
  })
  return found?.id === id
}

/** @param {Session} session with new tokens */
export const renew = session => ofSession(session.id, store => store.put(session, NAME))

/** @param {string} id */
export const forget = id => ofSession(id, store => store.delete(NAME))
