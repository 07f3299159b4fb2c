// The page of the API in a browser: every operation is opened and sent just as the form is filled in, after what the page says has to be
// made first. Nothing may be refused because of what was filled in. Argument: the address of a fresh server.
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import puppeteer from "puppeteer-core";

const base = process.argv[2];
// What these need stands in a letter, in an app, in the answer to another request, or with a provider: no example can have it.
const SECRET = /^(accept_invitation|confirm_email|reset_password|refresh_token|confirm_totp|end_totp|begin_oidc|complete_oidc|read_calendar)$/;
// The session whose id the page knows may have been ended by the operations before.
const ENDED = /^end_session$/;
// All ids of examples begin so; none is sent.
const EXAMPLE = "0192f0c1-2d3e-7";
// Of these nothing can be made on the page.
const UNMADE = /identity/;
const READY_MS = 3000; // a second on a machine that does nothing else

const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
});
const page = await browser.newPage();
await page.setViewport({ width: 1300, height: 900 });
const broken = [];
page.on("pageerror", (error) => broken.push(error.message));

let begin = Date.now();
await page.goto(`${base}/docs/`, { waitUntil: "domcontentloaded" });
await page.waitForSelector("#side details.tag a");
const ready = Date.now() - begin;
if (ready > READY_MS) broken.push(`the page took ${ready} ms`);

const ids = await page.$$eval("#side details.tag a", (links) => links.map((link) => link.hash.split("/")[2]));
// After that the example of signing in is wrong.
ids.push(...ids.splice(ids.indexOf("change_password"), 1));
const tags = await page.$$eval("#side details.tag summary", (all) => all.map((one) => one.textContent));
if (tags.slice(0, 5).join() !== "auth,me,my-day,contacts,companies") broken.push(`the tags begin with ${tags.slice(0, 5)}`);

const file = `${tmpdir()}/voronka-page.csv`;
writeFileSync(file, "title,first_name,name\nBoat,Ann,Ann\n");

async function open(id) {
  // The start page in between: a form is made anew.
  for (const hash of ["#/", `#/operation/${id}`]) {
    await page.evaluate((hash) => { location.hash = hash; }, hash);
    await page.waitForFunction((hash) => document.querySelector("#side a[aria-current]")?.hash === hash, {}, hash);
  }
}

/** Opens an operation, sends its form, and says what was answered. What it needs is made first. */
async function send(id, change = (text) => text, depth = 0) {
  await open(id);
  const missing = () => page.$$eval("form [data-first]", (all) => all.map((one) => one.dataset.first));
  for (const first of depth < 4 ? await missing() : []) {
    await send(first, undefined, depth + 1);
    await open(id);
  }
  const upload = await page.$("form [type=file]");
  if (upload) await upload.uploadFile(file);
  const body = await page.$eval("form", (form) => form.querySelector("textarea")?.value ?? "");
  if (change(body) !== body) await page.$eval("textarea", (area, text) => { area.value = text; }, change(body));
  await page.click("form button[type=submit]");
  await page.waitForSelector("#answer [data-status]");
  const without = await missing();
  return page.evaluate(({ body, without }) => ({
    body,
    without,
    status: Number(document.querySelector("#answer [data-status]").dataset.status),
    text: document.querySelector("#answer pre")?.textContent ?? "",
    path: document.querySelector(".path code").textContent,
    filters: document.querySelectorAll("details.filters:not([open])").length,
  }), { body, without });
}

function isFault(id, { status, text, body, without }) {
  if (body.includes(EXAMPLE)) return true;
  if (status > 0 && status < 400) return false;
  if (SECRET.test(id) && [401, 404, 409, 422].includes(status)) return false;
  if (ENDED.test(id) && status === 404) return false;
  if (without.length > 0) return !UNMADE.test(id);
  // A deal that is won already, the same name twice: that is the record's state.
  return status !== 409;
}

const count = {};
let folded = 0;
begin = Date.now();
for (const id of ids) {
  let answer = await send(id);
  if (answer.status === 401 && !SECRET.test(id)) {
    // Signing out, or changing the password, worked.
    const signedIn = await send("login");
    if (signedIn.status !== 200) await send("register_workspace", (text) => text.replace("anna@", `anna${Date.now()}@`));
    answer = await send(id);
  }
  count[answer.status] = (count[answer.status] ?? 0) + 1;
  folded += answer.filters;
  if (isFault(id, answer)) broken.push(`${id} ${answer.path}: ${answer.status} ${answer.text.slice(0, 400)}`);
}
if (ids.length < 200 || folded < 5) broken.push(`${ids.length} operations, ${folded} with folded filters`);

// The search finds, and the guides are there.
await page.type("#side input[type=search]", "list deals");
const found = await page.$$eval("#side details.tag[open]:not([hidden]) a:not([hidden])", (links) => links.map((link) => link.hash));
if (!found.includes("#/operation/list_deals") || found.length > 20) broken.push(`"list deals" finds ${found.length}`);
await page.evaluate(() => { location.hash = "#/guide/errors"; });
await page.waitForFunction(() => document.querySelector("#main table")?.textContent.includes("validation_failed"), { timeout: 5000 });
if (process.env.SHOT) await page.screenshot({ path: process.env.SHOT });
await browser.close();

console.log(`ready in ${ready} ms; ${ids.length} operations sent in ${Date.now() - begin} ms: ${JSON.stringify(count)}`);
if (broken.length) {
  console.error(broken.join("\n"));
  process.exit(1);
}
