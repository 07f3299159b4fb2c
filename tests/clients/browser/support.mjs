// What the browser tests share: a server with new data, Chromium, and tokens whose time is over.
import { spawn } from 'node:child_process'
import { createHash, createHmac, randomBytes } from 'node:crypto'
import { chromium } from 'playwright-core'

const secret = randomBytes(48).toString('base64')

/** Waits for a program to print what matches, and returns the first group. */
function printed(program, pattern) {
  return new Promise((found, failed) => {
    let text = ''
    program.stdout.on('data', part => {
      text += part
      const line = pattern.exec(text)
      if (line) found(line[1])
    })
    program.on('exit', () => failed(new Error(`the program ended: ${text}`)))
  })
}

async function stop(program) {
  program.kill('SIGTERM')
  await new Promise(ended => program.once('exit', ended))
}

/** Starts a server that lets pages of an origin read its responses. */
export async function serve(program, data, origin) {
  const server = spawn(program, ['serve', '--listen', '127.0.0.1:0', '--data-dir', data], {
    env: { ...process.env, VORONKA_ORIGINS: origin, VORONKA_SECRET: secret, RUST_LOG: 'error' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const base = await printed(server, /Voronka listens on (http:\/\/\S+)/)
  return { base, api: `${base}/api/v1`, stop: () => stop(server) }
}

/** Serves a folder as the README of the example says. */
export async function servePages(folder) {
  const server = spawn('python3', ['-u', '-m', 'http.server', '--bind', '127.0.0.1', '--directory', folder, '0'],
    { stdio: ['ignore', 'pipe', 'ignore'] })
  const port = await printed(server, /port (\d+)/)
  return { origin: `http://127.0.0.1:${port}`, stop: () => stop(server) }
}

export const launch = (options = {}) => chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
  ...options,
})

/** The same token, as it will be when its time is over. */
export function expired(token) {
  const part = value => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
  const kid = createHash('sha256').update(secret).digest('hex').slice(0, 8)
  const past = { ...claims, iat: claims.iat - 3600, exp: claims.iat - 1800 }
  const signed = `${part({ typ: 'JWT', alg: 'HS256', kid })}.${part(past)}`
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
}
