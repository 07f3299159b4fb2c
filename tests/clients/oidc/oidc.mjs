// Signing in through a real OpenID provider, walked as a browser does. Arguments: the program, a folder for its data.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHmac, generateKeyPairSync, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";

const [program, data] = process.argv.slice(2);
if (!data) throw new Error("usage: oidc.mjs PROGRAM DATA_DIR");

// Nobody listens there: the browser stops at it and reads the address.
const callback = "http://127.0.0.1:9/callback";
const secret = randomBytes(24).toString("hex");
const accounts = {
  bob: { email: "bob@acme.example", email_verified: true, name: "Bob" },
  pretender: { email: "anna@acme.example", email_verified: false, name: "Not Anna" },
  stranger: { email: "stranger@elsewhere.example", email_verified: true, name: "Stranger" },
  carol: { email: "carol@acme.example", email_verified: true, name: "Carol" },
  // Some providers never say whether they have verified an address.
  silent: { email: "silent@acme.example", name: "Silent" },
};

const listener = createServer();
listener.listen(0, "127.0.0.1");
await once(listener, "listening");
const issuer = `http://127.0.0.1:${listener.address().port}`;
const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ format: "jwk" });
const provider = new Provider(issuer, {
  clients: [{ client_id: "voronka", client_secret: secret, redirect_uris: [callback], response_types: ["code"] }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
  // As the big providers do: the e-mail is in the ID token, not at the userinfo endpoint alone.
  conformIdTokenClaims: false,
  cookies: { keys: [secret] },
  features: { devInteractions: { enabled: true } },
  findAccount: (_, id) => accounts[id] && { accountId: id, claims: () => ({ sub: id, ...accounts[id] }) },
  jwks: { keys: [{ ...key, alg: "RS256", use: "sig" }] },
  pkce: { required: () => true, methods: ["S256"] },
});
provider.on("server_error", (_, error) => console.error("provider:", error));
for (const refusal of ["authorization.error", "grant.error", "userinfo.error"]) {
  provider.on(refusal, (_, error) => console.error(`provider, ${refusal}: ${error.message}: ${error.error_description}`));
}
listener.on("request", provider.callback());

/** Debian's Node 18 has no getSetCookie and joins them with commas, which also stand in their dates. */
function setCookies(headers) {
  return headers.getSetCookie?.() ?? (headers.get("set-cookie") ?? "").split(/,\s*(?=[^;,\s]+=)/).filter(Boolean);
}

/** Keeps cookies and fills the provider's forms, until it is sent back to the callback. */
class Browser {
  #cookies = new Map();

  async #open(url, form) {
    const answer = await fetch(url, {
      method: form ? "POST" : "GET",
      redirect: "manual",
      headers: { Cookie: [...this.#cookies].map((pair) => pair.join("=")).join("; ") },
      ...(form && { body: new URLSearchParams(form) }),
    });
    for (const cookie of setCookies(answer.headers)) {
      const [, name, value, rest] = /^([^=]+)=([^;]*)(.*)$/.exec(cookie);
      const expires = /expires=([^;]+)/i.exec(rest)?.[1];
      if (value === "" || (expires && new Date(expires) < new Date())) this.#cookies.delete(name);
      else this.#cookies.set(name, value);
    }
    return answer;
  }

  async signIn(address, login) {
    let [url, form, pages] = [address, undefined, []];
    for (let step = 0; step < 20; step++) {
      const answer = await this.#open(url, form);
      form = undefined;
      const location = answer.headers.get("location");
      if (location) {
        url = new URL(location, url).href;
        if (url.startsWith(callback)) return { ...Object.fromEntries(new URL(url).searchParams), pages };
        continue;
      }
      const page = await answer.text();
      const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1];
      const prompt = /name="prompt" value="([^"]+)"/.exec(page)?.[1];
      if (answer.status !== 200 || !action) throw new Error(`${answer.status} ${url}\n${page}`);
      pages.push(prompt);
      url = new URL(action, url).href;
      form = prompt === "login" ? { prompt, login, password: "any" } : { prompt };
    }
    throw new Error(`no way back from ${url}`);
  }
}

/** The code of an authenticator app, some steps of thirty seconds ahead. */
function totp(secret, ahead) {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const bits = [...secret.replace(/=+$/, "")].map((c) => alphabet.indexOf(c).toString(2).padStart(5, "0")).join("");
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const step = Buffer.alloc(8);
  step.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + ahead));
  const mac = createHmac("sha1", key).update(step).digest();
  const number = mac.readUInt32BE(mac[mac.length - 1] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}

const start = (data, trusted) => spawn(program, ["serve", "--listen", "127.0.0.1:0", "--data-dir", data], {
  stdio: ["ignore", "pipe", "inherit"],
  env: {
    ...process.env,
    VORONKA_OIDC_ISSUER: issuer,
    VORONKA_OIDC_CLIENT_ID: "voronka",
    VORONKA_OIDC_CLIENT_SECRET: secret,
    VORONKA_OIDC_REDIRECT_URL: callback,
    VORONKA_OIDC_TRUST_EMAIL: trusted,
  },
});
const listening = (server) => new Promise((found, lost) => {
  server.once("error", lost).once("exit", () => lost(new Error("the server ended")));
  createInterface(server.stdout).on("line", (line) => {
    const address = /^Voronka listens on (.*)$/.exec(line)?.[1];
    if (address) found(`${address}/api/v1`);
  });
});
const stopped = async (server) => {
  if (server.exitCode === null && server.kill()) await once(server, "exit");
};
let server = start(data, "https://elsewhere.example");
try {
  let base = await listening(server);

  const call = async (method, path, body, token) => {
    const answer = await fetch(base + path, {
      method,
      headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text ? JSON.parse(text) : null };
  };
  const must = async (status, ...request) => {
    const answer = await call(...request);
    assert.equal(answer.status, status, JSON.stringify([request, answer.body]));
    return answer.body;
  };
  const begin = () => must(200, "POST", "/auth/oidc/begin", {});
  const complete = (code, state) => must(200, "POST", "/auth/oidc/complete", { code, state });
  const refused = async (code, state, why) => {
    const problem = await must(401, "POST", "/auth/oidc/complete", { code, state });
    assert.equal(problem.code, "oidc_failed", `${why}: ${JSON.stringify(problem)}`);
  };
  // To the provider and back, up to the callback.
  const through = async (browser, login) => {
    const { authorization_url, state } = await begin();
    const asked = new URL(authorization_url).searchParams;
    assert.equal(asked.get("state"), state);
    assert.equal(asked.get("code_challenge_method"), "S256");
    assert.equal(asked.get("redirect_uri"), callback);
    const back = await browser.signIn(authorization_url, login);
    assert.equal(back.state, state);
    assert.ok(back.code, JSON.stringify(back));
    return back;
  };

  const owner = await must(201, "POST", "/auth/register", {
    workspace_name: "Acme", name: "Anna", email: "anna@acme.example", password: "choose-a-good-one",
  });
  const invited = await must(201, "POST", "/users", { name: "Bob", email: "bob@acme.example" }, owner.access_token);
  assert.equal(invited.status, "invited");

  const browser = new Browser();
  const first = await through(browser, "bob");
  assert.deepEqual(first.pages, ["login", "consent"]);
  const pair = await complete(first.code, first.state);
  assert.equal(pair.token_type, "Bearer");
  assert.deepEqual([pair.user_id, pair.workspace_id], [invited.id, owner.workspace_id]);
  const me = await must(200, "GET", "/me", undefined, pair.access_token);
  assert.deepEqual([me.user.id, me.user.email, me.user.status], [invited.id, "bob@acme.example", "active"]);
  const fresh = await must(200, "POST", "/auth/refresh", { refresh_token: pair.refresh_token });
  await must(200, "GET", "/me", undefined, fresh.access_token);

  // Again: the provider remembers the browser; and from another browser.
  for (const [again, pages] of [[browser, []], [new Browser(), ["login"]]]) {
    const back = await through(again, "bob");
    assert.deepEqual(back.pages.slice(0, 1), pages);
    assert.equal((await complete(back.code, back.state)).user_id, invited.id);
    await refused(back.code, back.state, "a state is good for once");
  }

  const unused = await through(browser, "bob");
  await refused(unused.code, "no-such-state", "an unknown state");
  await refused("no-such-code", unused.state, "a wrong code");
  const [one, two] = [await through(browser, "bob"), await begin()];
  await refused(one.code, two.state, "a code of another sign-in");

  for (const [login, why] of [["pretender", "an e-mail that is not verified"], ["stranger", "nobody's e-mail"]]) {
    const back = await through(new Browser(), login);
    await refused(back.code, back.state, why);
  }
  const users = await must(200, "GET", "/users", undefined, owner.access_token);
  assert.deepEqual(users.data.map((user) => user.name).sort(), ["Anna", "Bob"]);

  // A login with a second factor is linked as it signs in: with its password and a code.
  const password = "carols-long-password";
  const carol = await must(201, "POST", "/auth/register", {
    workspace_name: "Carol", name: "Carol", email: "carol@acme.example", password,
  });
  const { secret: app } = await must(200, "POST", "/auth/totp/begin", { password }, carol.access_token);
  const { recovery_codes } = await must(200, "POST", "/auth/totp/confirm", { code: totp(app, 0) }, carol.access_token);
  const link = async (status, more) => {
    const { code, state } = await through(new Browser(), "carol");
    return must(status, "POST", "/auth/oidc/complete", { code, state, ...more });
  };
  assert.equal((await link(401, {})).code, "oidc_failed");
  assert.equal((await link(401, { password: "a-wrong-password" })).code, "oidc_failed");
  assert.equal((await link(401, { password })).code, "totp_required");
  assert.equal((await link(401, { password, second_factor_code: "000000" })).code, "totp_invalid");
  const identities = async (token) => (await must(200, "GET", "/auth/identities", undefined, token)).data;
  assert.deepEqual(await identities(carol.access_token), []);
  const linked = await link(200, { password, second_factor_code: recovery_codes[0] });
  assert.equal(linked.user_id, carol.user_id);
  await link(200, {});
  const [identity] = await identities(carol.access_token);
  assert.deepEqual([identity.issuer, identity.subject], [issuer, "carol"]);
  // It is unlinked by hand, and nobody else can.
  await must(404, "DELETE", `/auth/identities/${identity.id}`, undefined, pair.access_token);
  await must(204, "DELETE", `/auth/identities/${identity.id}`, undefined, carol.access_token);
  assert.equal((await link(401, {})).code, "oidc_failed");
  // And by a new password: whoever knew the old one may have linked it.
  await link(200, { password, second_factor_code: recovery_codes[1] });
  const other = "carols-other-password";
  const change = { current_password: password, new_password: other };
  await must(204, "POST", "/auth/change-password", change, carol.access_token);
  assert.deepEqual(await identities(carol.access_token), []);
  assert.equal((await link(401, {})).code, "oidc_failed");
  // Who has no other way in keeps the one.
  const [own] = await identities(pair.access_token);
  await must(409, "DELETE", `/auth/identities/${own.id}`, undefined, pair.access_token);

  // A provider that does not say whether it has verified an address is believed where its issuer is trusted, and nowhere else.
  await must(201, "POST", "/users", { name: "Silent", email: "silent@acme.example" }, owner.access_token);
  const unsaid = await through(new Browser(), "silent");
  await refused(unsaid.code, unsaid.state, "an e-mail of which nothing is said");
  await stopped(server);
  server = start(data, `https://elsewhere.example,${issuer}`);
  base = await listening(server);
  const trusted = await through(new Browser(), "silent");
  assert.equal((await complete(trusted.code, trusted.state)).workspace_id, owner.workspace_id);
  const pretended = await through(new Browser(), "pretender");
  await refused(pretended.code, pretended.state, "an e-mail that is said not to be verified");
} finally {
  await stopped(server);
  listener.close();
  listener.closeAllConnections();
}
console.log("signing in through a provider works");
