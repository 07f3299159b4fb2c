// @ts-check
// The sign-in page. It says that e-mail or password is wrong, not which, and asks for the second factor when the server
// does.

/** @import { Field } from './types.js' */
import { Problem } from './api.js'
import { alarm, h } from './dom.js'
import { field, showErrors } from './fields.js'
import { t, words } from './i18n.js'
import { apiAddress, signIn, wasEnded } from './session.js'

/** @param {() => void} done */
export function signInPage(done) {
  const api = line('api', t('sign.api'), 'url', 'url')
  const email = line('email', t('sign.email'), 'email', 'username')
  const password = line('password', t('sign.password'), 'password', 'current-password')
  const code = line('code', t('sign.code'), 'text', 'one-time-code')
  api.set(apiAddress())
  code.node.hidden = true
  const fields = [api, email, password, code]
  if (wasEnded()) alarm(t('sign.ended'))

  const press = h('button', { type: 'submit' }, t('sign.in'))
  const sent = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    alarm('')
    press.disabled = true
    const credentials = { email: text(email), password: text(password), ...(text(code) && { code: text(code) }) }
    try {
      await signIn(text(api), credentials)
      done()
    } catch (error) {
      const problem = error instanceof Problem ? error : null
      alarm([words(error), ...showErrors(fields, problem?.errors ?? [])].join(' '))
      if (problem?.code.startsWith('totp_')) {
        code.node.hidden = false
        code.focus()
      }
    }
    press.disabled = false
  }
  return h('form', { novalidate: true, class: 'record narrow', onsubmit: sent },
    h('h1', { tabindex: -1 }, t('sign.title')), fields.map(field => field.node), h('p', { class: 'buttons' }, press))
}

/**
 * An input that browsers and password managers can fill in.
 * @param {string} name
 * @param {string} label
 * @param {string} type
 * @param {string} autocomplete
 */
function line(name, label, type, autocomplete) {
  const made = field('text', name, label)
  const input = made.node.querySelector('input')
  input?.setAttribute('type', type)
  input?.setAttribute('autocomplete', autocomplete)
  // Spaces at the ends of a password belong to it.
  return { ...made, get: () => (type === 'password' ? input?.value ?? '' : made.get()) }
}

/** @param {Field} field */
const text = field => String(field.get() ?? '')
