// @ts-check
// Elements, messages and dialogs. Texts only ever become text nodes and attributes, so data cannot become markup.

import { words } from './i18n.js'

/** @typedef {Node | string | null | false | undefined} Child */

/**
 * Builds an element. `onclick` and the like take a function; true sets an attribute without a value, null and false
 * leave it out.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean | null | undefined | ((event: any) => unknown)>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), value)
    else if (name.startsWith('on')) throw new TypeError(`${name} is not a function`)
    else if (value === true) element.setAttribute(name, '')
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value))
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false))
  return element
}

/** @param {string} id */
export const byId = id => /** @type {HTMLElement} */ (document.getElementById(id))

/** Tells what happened, also to screen readers, without taking the focus. @param {string} text */
export const tell = text => byId('status').replaceChildren(text ? h('p', {}, text) : '')

/** Tells what went wrong; screen readers interrupt for it. An empty text takes it away. @param {string} text */
export const alarm = text => byId('alert').replaceChildren(text ? h('p', {}, text) : '')

/**
 * A button that cannot be pressed twice at once, and tells why it failed.
 * @param {string} text
 * @param {() => unknown} press
 * @param {Record<string, string | boolean>} [attributes]
 */
export function button(text, press, attributes = {}) {
  const pressed = async () => {
    element.disabled = true
    try {
      await press()
    } catch (error) {
      alarm(words(error))
    }
    element.disabled = false
    // A disabled button loses the focus.
    if (document.activeElement === document.body) element.focus()
  }
  const element = h('button', { type: 'button', class: 'plain', ...attributes }, text)
  element.addEventListener('click', pressed)
  return element
}

let last = 0
/** Returns an id that is new on this page, to tie labels and hints to their inputs. */
export const newId = () => `e${++last}`

/**
 * Shows a form in a dialog until it is closed. `submit` returns whether the dialog may close. The browser keeps the
 * focus inside, closes it with Escape, and gives the focus back.
 * @param {string} title
 * @param {Child[]} content
 * @param {{ submit: string, cancel: string }} labels
 * @param {() => Promise<boolean> | boolean} submit
 * @returns {Promise<boolean>} whether it was submitted
 */
export function ask(title, content, labels, submit) {
  const heading = newId()
  const dialog = h('dialog', { 'aria-labelledby': heading })
  const press = h('button', { type: 'submit' }, labels.submit)
  const sent = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault()
    press.disabled = true
    const done = await submit()
    press.disabled = false
    if (done) dialog.close('submitted')
  }
  const cancel = button(labels.cancel, () => dialog.close(''))
  dialog.append(h('form', { novalidate: true, onsubmit: sent },
    h('h2', { id: heading }, title), content, h('p', { class: 'buttons' }, press, cancel)))
  document.body.append(dialog)
  dialog.showModal()
  return new Promise(closed => dialog.addEventListener('close', () => {
    dialog.remove()
    closed(dialog.returnValue === 'submitted')
  }))
}
