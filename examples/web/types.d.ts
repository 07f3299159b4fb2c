// The types of the API, taken from its OpenAPI document. `openapi.d.ts` is generated:
// npx openapi-typescript http://127.0.0.1:8080/openapi.json -o openapi.d.ts
import type { components, paths } from './openapi.js'
import type english from './lang/en.js'

export type Schemas = components['schemas']
export type Money = Schemas['Money']

type Method = 'get' | 'post' | 'patch' | 'put' | 'delete'
type PathsWith<M extends Method> =
  { [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never }[keyof paths]
type Parameters<O> = O extends { parameters: infer P } ? P : never
type Json<C> = C extends { content: { 'application/json': infer B } } ? B : undefined
type Body<O> = O extends { requestBody?: infer R } ? Json<NonNullable<R>> : undefined

/** What a request needs: values for the path, a query, a body. `key` is the Idempotency-Key, `version` the If-Match. */
type Init<O> = (Parameters<O> extends { path: infer P } ? { path: P } : { path?: undefined }) & {
  query?: Parameters<O> extends { query?: infer Q } ? Q : never
} & (Body<O> extends undefined ? { body?: undefined } : { body: Body<O> }) & { key?: string; version?: number }

type Answer<O> = O extends { responses: infer R }
  ? R extends { 200: infer A } ? Json<A> : R extends { 201: infer A } ? Json<A> : undefined
  : never

/** `call('get', '/api/v1/deals/{deal_id}', { path: { deal_id } })`: path, parameters, body and answer are checked. */
export type Call = <M extends Method, P extends PathsWith<M>>(
  method: M, path: P, ...init: {} extends Init<paths[P][M]> ? [Init<paths[P][M]>?] : [Init<paths[P][M]>]
) => Promise<Answer<paths[P][M]>>

export type Session = { id: string; api: string; access_token: string; refresh_token: string }

/** Forms of a word by the plural rules of the language. */
export type Plural = { [form in Intl.LDMLPluralRule]?: string } & { other: string }
export type Key = keyof typeof english
/** A language has exactly the texts that English has. */
export type Catalogue = { [K in Key]: (typeof english)[K] extends string ? string : Plural }

/** A field of a form: how a record's value is shown, and the value that the user has entered. */
export type Field = {
  name: string
  label: string
  node: HTMLElement
  /** Shows the value of a record. */
  set(value: unknown): void
  /** The entered value as the API takes it; undefined if it cannot be read. */
  get(): unknown
  /** The value of a record in the form that `get` returns. */
  normal(value: unknown): unknown
  /** A value in words. */
  words(value: unknown): string
  /** Shows what is wrong, or nothing. */
  error(text: string): void
  /** Shows what somebody else has written. */
  note(...content: (Node | string)[]): void
  focus(): void
}
