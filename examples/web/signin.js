// @ts-check
// The sign-in page. It says that e-mail or password is wrong, not which, and asks for the second factor when the server does.

import { Problem } from './api.js'
import { alarm, h } from './dom.js'
import { field, showErrors } from './fields.js'
import { t, words } from './i18n.js'
import { apiAddress, signIn, wasEnded } from './session.js'

/** @param {() => void} done */
export function signInPage(done) {
  const [api, email, code] = [field('text', 'api', t('sign.api')), field('email', 'email', t('sign.email')), field('text', 'code', t('sign.code'))]
  const password = field('text', 'password', t('sign.password'))
  const attributes = /** @type {const} */ ([[api, 'url', 'url'], [email, 'email', 'username'], [password, 'password', 'current-password'],
    [code, 'text', 'one-time-code']])
  for (const [{ node }, type, autocomplete] of attributes) {
    const input = node.querySelector('input')
    input?.setAttribute('type', type)
    input?.setAttribute('autocomplete', autocomplete)
  }
  api.set(apiAddress())
  code.node.hidden = true
  const fields = [api, email, password, code]
  if (wasEnded()) alarm(t('sign.ended'))

  const button = h('button', { type: 'submit' }, t('sign.in'))
  const sent = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    alarm('')
    button.disabled = true
    const given = (/** @type {import('./types.js').Field} */ field) => String(field.get() ?? '')
    const credentials = { email: given(email), password: password.node.querySelector('input')?.value ?? '', ...(code.get() !== null && { code: given(code) }) }
    try {
      await signIn(given(api), credentials)
      done()
    } catch (error) {
      const problem = error instanceof Problem ? error : null
      alarm(words(error))
      if (problem) alarm([words(error), ...showErrors(fields, problem.errors)].join(' '))
      if (problem?.code.startsWith('totp_')) {
        code.node.hidden = false
        code.focus()
      }
    }
    button.disabled = false
  }
  return h('form', { novalidate: true, class: 'record narrow', onsubmit: sent }, h('h1', { tabindex: -1 }, t('sign.title')), fields.map(field => field.node),
    h('p', { class: 'buttons' }, button))
}
