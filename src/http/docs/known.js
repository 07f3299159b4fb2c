// Stores the ids from responses in this window, so that forms can refer to existing records. The example ids in the
// document identify the kind of a record: all references to contacts have the same example id.
const KNOWN = "voronka-ids";
const EXAMPLE = /^0192f0c1-2d3e-7[0-9a-f]{3}-8c5d-6e7f8091[0-9a-f]{4}$/;
// Members that refer to records of any kind.
const LOOSE = ["record_id", "actor_id", "existing_id"];
// The number of ids that are kept for each kind.
const KEPT = 9;

let schemas;
// By example id: the name of the kind, and the operations that create, list and delete such a record.
const kinds = new Map();

export function begin(api) {
  schemas = api.components.schemas;
  for (const [path, item] of Object.entries(api.paths)) {
    const [, root, name] = path.match(/^(.*)\/\{([a-z_]+)_id\}$/) ?? [];
    const example = Object.values(item)[0].parameters?.find((one) => one.in === "path" && one.name === `${name}_id`)?.example;
    if (!EXAMPLE.test(example)) continue;
    const { post, get } = api.paths[root] ?? {};
    kinds.set(example, { example, name: name.replaceAll("_", " "), root, make: (post ?? get)?.operationId, remove: item.delete?.operationId });
  }
}

const read = () => JSON.parse(sessionStorage.getItem(KNOWN) ?? "{}");
const write = (known) => sessionStorage.setItem(KNOWN, JSON.stringify(known));

function add(known, key, id) {
  known[key] = [id, ...(known[key] ?? []).filter((one) => one !== id)].slice(0, KEPT);
}

// Ids from responses of operations with the same tag come first: the stages of deals differ from those of leads.
function known(tag, example) {
  const all = read();
  return [...(all[`${tag} ${example}`] ?? []), ...(all[` ${example}`] ?? [])];
}

const resolve = (schema) => {
  const named = schema?.$ref ? schema : schema?.oneOf?.find((one) => one.$ref);
  return (named ? schemas[named.$ref.split("/").pop()] : schema) ?? {};
};

function walk(schema, value, visit) {
  const { items, properties = {} } = resolve(schema);
  if (Array.isArray(value)) {
    // The most recent id comes first, so visit the first record of a list last.
    if (items) for (const one of [...value].reverse()) walk(items, one, visit);
    return;
  }
  if (value === null || typeof value !== "object") return;
  for (const [name, member] of Object.entries(properties)) {
    const inner = value[name];
    if (typeof inner === "string" && EXAMPLE.test(member.example) && !LOOSE.includes(name)) visit(member.example, inner, name === "id" ? value : {});
    else walk(member, inner, visit);
    const part = Array.isArray(inner) && resolve(resolve(member).items).properties?.id;
    if (part && value.id) visit(`${part.example} of`, inner.map((one) => one.id), value);
  }
}

// Stores the ids of the records in a successful response, and removes the ids of deleted records.
export function remember({ operation, path, method }, url, status, body) {
  const [tag] = operation.tags;
  const all = read();
  const kind = kindOf(path);
  const gone = (body?.results ?? []).filter((one) => one.status === 204).map((one) => one.id);
  if (method === "delete") gone.push(url.split(/[?#]/)[0].split("/").pop());
  for (const id of gone) {
    for (const list of Object.values(all).filter(Array.isArray)) if (list.includes(id)) list.splice(list.indexOf(id), 1);
    if (kind) add(all, `deleted ${kind.example}`, id);
  }
  const content = operation.responses[status]?.content?.["application/json"];
  if (content) {
    walk(content.schema, body, (example, id, { version, ...value }) => {
      if (Array.isArray(id)) {
        all[`${example} ${value.id}`] = id;
        return;
      }
      add(all, `${tag} ${example}`, id);
      add(all, ` ${example}`, id);
      if (version) all[`version ${id}`] = version;
    });
  }
  write(all);
}

// After a sign-in the user or the workspace may be another one.
export const forget = () => sessionStorage.removeItem(KNOWN);

// Returns the kind of record for a path: `deal` for `/api/v1/deals/{deal_id}/move` and `/api/v1/deals/batch-update`.
const kindOf = (path) => [...kinds.values()].find(({ root }) => path.startsWith(`${root}/`));

// Fills the references of a form. Unknown ids stay empty, and `missing` receives the operation that creates such a
// record.
export function filling({ operation, path }) {
  const [tag] = operation.tags;
  const missing = new Map();
  const need = (example) => {
    const kind = kinds.get(example);
    if (kind) missing.set(kind.name, kind.make);
    return "";
  };
  const own = kindOf(path);
  const first = (example) => known(tag, example)[0] ?? need(example);
  const restored = () => {
    const [id] = read()[`deleted ${own.example}`] ?? [];
    if (!id) missing.set(`deleted ${own.name}`, own.remove);
    return id ?? "";
  };
  const inPath = ({ example }) => {
    if (!EXAMPLE.test(example)) return example ?? "";
    return path.endsWith("/restore") ? restored() : first(example);
  };
  const version = () => read()[`version ${own && known(tag, own.example)[0]}`];
  const inBody = (value, name = "") => {
    if (Array.isArray(value)) {
      // All ids that belong to the record, such as the stages of a pipeline.
      const several = value.length > 1 && EXAMPLE.test(value[0]) && own;
      const all = several ? read()[`${value[0]} of ${known(tag, own.example)[0]}`] : null;
      return all ?? value.map((one) => inBody(one, name));
    }
    if (value !== null && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, inBody(one, name)]));
    if (!EXAMPLE.test(value)) return value;
    // The receiver must differ from the giver, so take another record.
    if (name.startsWith("to_")) return known("", value)[1] ?? need(value);
    return first(name === "id" && own ? own.example : value);
  };
  return { inPath, inBody, version, missing };
}
