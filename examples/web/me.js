// @ts-check
// The signed-in user: what the role allows and hides, the language, the time zone, and the currencies of the server.

/** @import { Schemas } from './types.js' */
import { useCurrencies, useLanguage, useTimeZone } from './i18n.js'
import { call } from './session.js'

/** @type {Schemas['Me']} */
let me

export async function loadMe() {
  const [caller, currencies] = await Promise.all([call('get', '/api/v1/me'), call('get', '/api/v1/currencies')])
  me = caller
  useCurrencies(currencies.data)
  useTimeZone(me.user.time_zone ?? me.workspace.time_zone)
  if (me.user.language) useLanguage(me.user.language)
}

export const userName = () => me.user.name
export const baseCurrency = () => me.workspace.base_currency

/**
 * Whether the role permits it for some records at least; the server decides about each.
 * @param {string} resource
 * @param {'read' | 'create' | 'update'} action
 */
export const may = (resource, action) =>
  me.grants.some(grant => grant.resource === resource && grant[action] !== 'none')

/** Whether the role hides a member. @param {string} resource @param {string} name */
export const hides = (resource, name) =>
  me.hidden_fields.some(hidden => hidden.resource === resource && hidden.field === name)
