// @ts-check
// Moves a deal. If the new stage requires something, the API says what; the user is asked for just that, and the move
// goes again.

/** @import { Field, Schemas } from './types.js' */
import { Problem } from './api.js'
import { ask, h } from './dom.js'
import { customKinds, field, readable, showErrors } from './fields.js'
import { t, words } from './i18n.js'
import { call } from './session.js'

/** @typedef {{ before_id?: string, after_id?: string }} Place beside which card */
/** @typedef {'moved' | 'cancelled' | 'changed'} Result `changed`: the card beside the place is no longer there */

/**
 * @param {string} deal_id
 * @param {{ id: string, name: string }} stage
 * @param {Place} place
 * @returns {Promise<Result>}
 */
export async function move(deal_id, stage, place) {
  const send = (/** @type {Partial<Schemas['DealMove']>} */ more) => {
    const body = { stage_id: stage.id, ...place, ...more }
    return call('post', '/api/v1/deals/{deal_id}/move', { path: { deal_id }, body })
  }
  try {
    await send({})
    return 'moved'
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    if (error.errors.some(({ pointer }) => pointer === '/before_id' || pointer === '/after_id')) return 'changed'
    const required = error.errors.filter(({ code }) => code === 'required')
    if (required.length === 0 || required.length < error.errors.length) throw error
    return (await askFor(required, stage.name, send)) ? 'moved' : 'cancelled'
  }
}

/**
 * @param {Schemas['FieldError'][]} required
 * @param {string} stage
 * @param {(more: Partial<Schemas['DealMove']>) => Promise<unknown>} send
 */
async function askFor(required, stage, send) {
  const key = required.flatMap(({ params }) => params.key ?? [])
  const isLoss = required.some(({ pointer }) => pointer === '/loss_reason_id')
  const [custom, reasons] = await Promise.all([
    key.length > 0 ? call('get', '/api/v1/custom-fields', { query: { resource: ['deals'], key } }) : null,
    isLoss ? call('get', '/api/v1/loss-reasons', { query: { limit: 200 } }) : null,
  ])
  const choices = reasons?.data.map(({ id, name }) => ({ value: id, label: name }))
  const reason = choices ? field('choice', 'loss_reason_id', t('field.loss_reason_id'), choices) : null
  const values = (custom?.data ?? []).map(definition => ({ definition, input: customField(definition) }))
  const inputs = [reason, ...values.map(({ input }) => input)].filter(input => input !== null)
  const missing = values.find(({ input }) => input === null)?.definition.name
  const trouble = h('p', { class: 'wrong', role: 'alert' }, missing && t('board.cannot_ask', { name: missing }))

  async function submit() {
    if (!readable(inputs)) return false
    const custom_fields = values.flatMap(({ definition: { key, kind }, input }) => {
      const value = input?.get()
      const member = customKinds[kind]?.[1]
      return value === null || value === undefined || !member ? [] : [{ key, [member]: value }]
    })
    const loss_reason_id = reason?.get()
    try {
      await send({ custom_fields, ...(typeof loss_reason_id === 'string' && { loss_reason_id }) })
      return true
    } catch (error) {
      const errors = error instanceof Problem ? error.errors : []
      trouble.textContent = errors.length > 0 ? showErrors(inputs, errors).join(' ') : words(error)
      return false
    }
  }
  const content = [...inputs.map(({ node }) => node), trouble]
  return ask(t('board.needs', { stage }), content, { submit: t('board.move'), cancel: t('form.cancel') }, submit)
}

/** @param {Schemas['CustomField']} definition @returns {Field | null} null if there is no input for the kind */
function customField({ key, name, kind, options }) {
  const input = customKinds[kind]
  return input ? field(input[0], `cf.${key}`, name, options.map(value => ({ value, label: value }))) : null
}
