// The API page: a search box, the guides and the operations; one operation at a time, with a form to try it.
import { begin, filling, forget, remember } from "./known.js";
import { element, markdown } from "./markdown.js";

const TOKEN = "voronka-token";
// Operations that come first in the list.
const FIRST = ["register_workspace", "login", "refresh_token", "logout"];
const side = document.getElementById("side");
const main = document.getElementById("main");
let api;
let operations;
let guides;

const resolve = (schema) => (schema?.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema) ?? {};
const token = () => sessionStorage.getItem(TOKEN) ?? "";

// ---- initial values of forms ----

// Optional parameters stay empty, because their examples would change the response.
function filled(parameter, operation, known) {
  if (parameter.in === "path") return known.inPath(parameter);
  if (parameter.name === "If-Match" && operation.responses["428"]) return known.version() ? `"${known.version()}"` : parameter.example;
  return parameter.required ? parameter.example ?? "" : "";
}

// The description of a filter begins with its field. If there are many filters, they are collapsed.
const isFilter = ({ in: place, name, description }) =>
  place === "query" && description?.startsWith(`\`${name.split("__")[0].replace(/_id$/, "")}`);

// Returns the first sentence of a summary.
const title = (operation) => operation.summary.split(/[.:](?: |$)/)[0].replaceAll("`", "");

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.oneOf) return schema.oneOf.map((one) => (one.type === "null" ? "null" : typeOf(one))).join(" or ");
  const types = [schema.type ?? "any"].flat().map((type) => (type === "array" ? `list of ${typeOf(schema.items ?? {})}` : type));
  const range = [schema.minimum ?? schema.minLength ?? schema.minItems, schema.maximum ?? schema.maxLength ?? schema.maxItems];
  const limits = range.some((bound) => bound != null) ? ` (${range.map((bound) => bound ?? "").join("…")})` : "";
  return `${types.join(" or ")}${schema.format ? `, ${schema.format}` : ""}${limits}`;
}

function input(name, schema, value, place) {
  const one = resolve(schema.type === "array" ? schema.items : schema);
  const words = one.enum ?? (one.type === "boolean" ? ["true", "false"] : null);
  const attributes = { name, "data-in": place, "aria-label": name };
  if (!words) {
    const shown = schema.default ?? "";
    return element("input", { ...attributes, value: [value].flat().join(","), placeholder: String(shown), autocomplete: "off" });
  }
  const option = (word) => element("option", { value: word, selected: [value].flat().map(String).includes(word) }, word);
  const none = schema.type === "array" ? [] : [element("option", { value: "" }, schema.default ?? "")];
  return element("select", { ...attributes, multiple: schema.type === "array", size: schema.type === "array" ? Math.min(words.length, 4) : null },
    none, words.map(option));
}

const row = (parameter, operation, known) => element("tr", {},
  element("th", {}, element("code", {}, parameter.name), parameter.required ? element("b", { title: "required" }, " *") : null,
    element("small", {}, typeOf(parameter.schema))),
  element("td", {}, markdown(parameter.description ?? "")),
  element("td", {}, input(parameter.name, parameter.schema, filled(parameter, operation, known), parameter.in)));

function parameterTables(operation, known) {
  const all = operation.parameters ?? [];
  const filters = all.filter(isFilter);
  const folded = filters.length > 8 ? filters : [];
  const shown = all.filter((parameter) => !folded.includes(parameter));
  const table = (list) => element("table", { class: "parameters" }, element("tbody", {}, list.map((one) => row(one, operation, known))));
  return [
    shown.length ? table(shown) : null,
    folded.length ? element("details", { class: "filters" }, element("summary", {}, `${folded.length} filters`), table(folded)) : null,
  ];
}

function bodyForm(operation, known) {
  const content = operation.requestBody?.content ?? {};
  const json = content["application/json"];
  if (json) {
    const text = JSON.stringify(known.inBody(json.example), null, 2);
    return [element("h3", {}, "Body"), element("textarea", { name: "body", rows: Math.min(text.split("\n").length + 1, 24), spellcheck: "false" }, text)];
  }
  const { schema: fields, example = {} } = content["multipart/form-data"] ?? {};
  const form = resolve(fields);
  const given = known.inBody(example);
  if (!form.properties) return [];
  const field = ([name, member]) => {
    const needed = form.required?.includes(name);
    const control = member.format === "binary"
      ? element("input", { type: "file", name, "data-in": "form" })
      : input(name, member, given[name] ?? (needed ? member.example ?? "" : ""), "form");
    return element("tr", {}, element("th", {}, element("code", {}, name), needed ? " *" : "", element("small", {}, typeOf(member))),
      element("td", {}, markdown(member.description ?? "")), element("td", {}, control));
  };
  return [element("h3", {}, "Form"), element("table", { class: "parameters" }, element("tbody", {}, Object.entries(form.properties).map(field)))];
}

// ---- sending ----

const valueOf = (control) => (control.multiple && control.selectedOptions ? [...control.selectedOptions].map((one) => one.value).join(",") : control.value);

function request(form, { path, method }) {
  const controls = [...form.querySelectorAll("[data-in]")];
  const given = (place) => controls.filter((control) => control.dataset.in === place && valueOf(control) !== "");
  const filledPath = given("path").reduce((at, control) => at.replace(`{${control.name}}`, encodeURIComponent(valueOf(control))), path);
  const query = new URLSearchParams(given("query").map((control) => [control.name, valueOf(control)])).toString();
  const headers = Object.fromEntries(given("header").map((control) => [control.name, valueOf(control)]));
  if (token()) headers.Authorization = `Bearer ${token()}`;
  const text = form.querySelector("textarea[name=body]");
  let body;
  if (text) {
    headers["Content-Type"] = "application/json";
    body = text.value;
  } else if (given("form").length || form.querySelector("[type=file]")) {
    body = new FormData();
    for (const control of given("form")) body.append(control.name, control.files?.[0] ?? valueOf(control));
  }
  return { url: query ? `${filledPath}?${query}` : filledPath, options: { method: method.toUpperCase(), headers, body } };
}

function curl({ url, options }) {
  const quote = (text) => `'${String(text).replaceAll("'", "'\\''")}'`;
  const parts = [`curl -X ${options.method} ${quote(location.origin + url)}`];
  for (const [name, value] of Object.entries(options.headers)) {
    parts.push(`-H ${name === "Authorization" ? `"Authorization: Bearer $token"` : quote(`${name}: ${value}`)}`);
  }
  if (typeof options.body === "string") parts.push(`-d ${quote(options.body)}`);
  else if (options.body) for (const [name, value] of options.body) parts.push(`-F ${quote(`${name}=${value.name ? `@${value.name}` : value}`)}`);
  return parts.join(" \\\n  ");
}

async function send(form, operation, shown) {
  const asked = request(form, operation);
  const begin = performance.now();
  shown.replaceChildren(element("p", {}, "Sending …"));
  try {
    const answer = await fetch(asked.url, asked.options);
    const text = await answer.text();
    const took = Math.round(performance.now() - begin);
    let body = text;
    try { body = JSON.stringify(JSON.parse(text), null, 2); } catch { /* The response is not JSON. */ }
    keepToken(answer, text, operation.operation);
    if (answer.ok) remember(operation, asked.url, answer.status, text && answer.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : null);
    const headers = [...answer.headers].map((header) => header.join(": ")).join("\n");
    shown.replaceChildren(
      element("p", { class: answer.ok ? "good" : "bad", "data-status": answer.status }, `${answer.status} ${answer.statusText}, ${took} ms`),
      element("pre", {}, body.slice(0, 200_000) || "(no body)"),
      element("details", {}, element("summary", {}, "Headers"), element("pre", {}, headers)),
      element("details", {}, element("summary", {}, "As curl"), element("pre", {}, curl(asked))));
  } catch (cause) {
    shown.replaceChildren(element("p", { class: "bad", "data-status": 0 }, `No response: ${cause.message}`));
  }
}

// After a sign-in, the token is used for all requests in this window.
function keepToken(answer, text, { operationId }) {
  if (!answer.ok || !text.includes('"access_token"')) return;
  if (operationId !== "refresh_token") forget();
  sessionStorage.setItem(TOKEN, JSON.parse(text).access_token);
  document.querySelector("#token").value = token();
}

// ---- display ----

function schemaTree(schema, depth = 0) {
  const inner = schema.type === "array" ? schema.items : schema.oneOf?.find((one) => one.$ref) ?? schema;
  const { properties, enum: words, required = [], description } = resolve(inner);
  if (words) return [element("p", {}, words.map((word) => element("code", {}, word)).flatMap((code) => [code, " "]))];
  if (!properties) return [];
  const member = ([name, of]) => {
    const label = [element("code", {}, name), required.includes(name) ? "" : element("small", {}, " optional"), element("small", {}, ` ${typeOf(of)}`)];
    const text = of.description ? markdown(of.description) : [];
    const deeper = resolve(of.type === "array" ? of.items : of.oneOf?.find((one) => one.$ref) ?? of);
    if (depth > 5 || !(deeper.properties || (deeper.enum && deeper !== of))) return element("li", {}, label, text);
    // The content is created when it is opened.
    const details = element("details", { ontoggle: () => details.open && details.childElementCount === 1 && details.append(...schemaTree(of, depth + 1)) },
      element("summary", {}, label));
    return element("li", {}, details, text);
  };
  return [depth === 0 && description ? element("div", {}, markdown(description)) : null, element("ul", { class: "members" }, Object.entries(properties).map(member))]
    .filter(Boolean);
}

function answers(operation) {
  const one = ([status, answer]) => {
    const [media, { schema } = {}] = Object.entries(answer.content ?? {})[0] ?? [];
    const details = element("details", { ontoggle: () => details.open && details.childElementCount === 1 && details.append(...(schema ? schemaTree(schema) : [])) },
      element("summary", {}, element("b", {}, status), ` ${answer.description} `, element("small", {}, schema ? typeOf(schema) : media ?? "")));
    return details;
  };
  return [element("h3", {}, "Responses"), Object.entries(operation.responses).map(one)];
}

function showOperation(found) {
  const { operation, path, method } = found;
  const shown = element("div", { id: "answer", "aria-live": "polite" });
  const known = filling(found);
  const form = element("form", { onsubmit: (event) => { event.preventDefault(); send(form, found, shown); } },
    parameterTables(operation, known), bodyForm(operation, known), missing(known), element("button", { type: "submit" }, "Send"));
  const body = operation.requestBody?.content["application/json"]?.schema;
  main.replaceChildren(...[
    element("h1", {}, title(operation)),
    element("p", { class: "path" }, element("b", { class: method }, method.toUpperCase()), " ", element("code", {}, path)),
    ...markdown(operation.description),
    element("h3", {}, "Try it"), form, shown,
    ...(body ? [element("h3", {}, "Members of the body"), ...schemaTree(body)] : []),
    ...answers(operation).flat(),
  ]);
  window.scrollTo(0, 0);
}

// Records that the form refers to and whose ids are not known yet.
const missing = (known) => [...known.missing].map(([name, id]) => element("p", { class: "missing", "data-first": id },
  `No ${name} is known yet. `, operations.has(id) ? element("a", { href: `#/operation/${id}` }, `${title(operations.get(id).operation)} first`) : ""));

function showStart() {
  const first = (id) => element("li", {}, element("a", { href: `#/operation/${id}` }, title(operations.get(id).operation)));
  main.replaceChildren(element("h1", {}, api.info.title), ...markdown(api.info.description),
    element("h2", {}, "Getting started"),
    element("ol", {}, ["register_workspace", "login", "create_contact", "create_lead", "convert_lead", "list_deals"].map(first)),
    element("p", {}, "After you register or sign in on this page, all its requests use your token."));
}

function route() {
  const [, kind, name] = location.hash.split("/");
  const guide = kind === "guide" && guides.find((one) => one.name === name);
  if (kind === "operation" && operations.has(name)) showOperation(operations.get(name));
  else if (guide) main.replaceChildren(element("article", {}, markdown(guide.text)));
  else showStart();
  for (const link of side.querySelectorAll("a")) link.toggleAttribute("aria-current", link.hash === location.hash);
  side.querySelector("a[aria-current]")?.closest("details")?.setAttribute("open", "");
}

function search(phrase) {
  const words = phrase.toLowerCase().split(/[\s_]+/).filter(Boolean);
  for (const group of side.querySelectorAll("details.tag")) {
    let hits = 0;
    for (const link of group.querySelectorAll("a")) {
      const hit = words.every((word) => link.dataset.text.includes(word));
      link.hidden = !hit;
      hits += hit;
    }
    group.hidden = hits === 0;
    group.open = words.length > 0 && hits > 0;
  }
}

function showSide() {
  const link = ({ operation, path, method }) => element("a", { href: `#/operation/${operation.operationId}`, title: path,
    "data-text": `${method} ${path} ${operation.operationId.replaceAll("_", " ")} ${operation.summary}`.toLowerCase() },
  element("b", { class: method }, method === "delete" ? "DEL" : method.toUpperCase()), title(operation));
  const group = ({ name, description }) => element("details", { class: "tag" }, element("summary", { title: description }, name),
    [...operations.values()].filter(({ operation }) => operation.tags[0] === name).map(link));
  side.replaceChildren(
    element("a", { href: "#/", class: "home" }, api.info.title, " ", element("small", {}, api.info.version)),
    element("input", { type: "search", placeholder: "Search", "aria-label": "Search", oninput: (event) => search(event.target.value) }),
    element("label", {}, "Token or API key", element("input", { id: "token", type: "password", value: token(), autocomplete: "off",
      onchange: (event) => sessionStorage.setItem(TOKEN, event.target.value.trim()) })),
    element("details", { class: "guides" }, element("summary", {}, "Guides"), guides.map(({ name, title }) => element("a", { href: `#/guide/${name}` }, title))),
    ...api.tags.map(group),
    element("p", {}, element("a", { href: "../openapi.json" }, "OpenAPI 3.1"), " · ", element("a", { href: "../openapi-3.0.json" }, "3.0")));
}

async function start() {
  const read = (path) => fetch(path).then((answer) => answer.json());
  [api, guides] = await Promise.all([read("../openapi.json"), read("guides.json")]);
  const all = Object.entries(api.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, operation })));
  const rank = ({ operation }) => (FIRST.indexOf(operation.operationId) + FIRST.length + 1) % (FIRST.length + 1);
  operations = new Map(all.sort((a, b) => rank(a) - rank(b)).map((one) => [one.operation.operationId, one]));
  begin(api);
  showSide();
  addEventListener("hashchange", route);
  route();
}

start().catch((cause) => main.replaceChildren(element("p", { class: "bad" }, `The document cannot be displayed: ${cause.message}`)));
