// Renders the part of Markdown that guides and descriptions use, as DOM elements. Text is never parsed as HTML.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") made.toggleAttribute(name, value);
    else if (value != null) made.setAttribute(name, value);
  }
  made.append(...children.flat().filter((child) => child != null));
  return made;
}

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\[([^\]]+)\]\(([^)]+)\)/g;

function inline(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(INLINE)) {
    const [all, code, bold, label, target] = found;
    parts.push(text.slice(end, found.index));
    end = found.index + all.length;
    if (code) parts.push(element("code", {}, code));
    else if (bold) parts.push(element("b", {}, inline(bold)));
    else parts.push(link(label, target));
  }
  return [...parts, text.slice(end)].filter((part) => part !== "");
}

// Links to pages of the documentation become links to guides. Other files of the repository are not served.
function link(label, target) {
  const page = target.match(/^(?:\.\.\/)?(?:clients\/|languages\/)?([\w-]+)\.md(?:#.*)?$/)?.[1].replace("api-rules", "rules");
  if (page) return element("a", { href: `#/guide/${page}` }, inline(label));
  return /^https?:/.test(target) ? element("a", { href: target }, inline(label)) : element("span", {}, inline(label));
}

const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());

function table([head, , ...rows]) {
  const row = (tag, line) => element("tr", {}, cells(line).map((cell) => element(tag, {}, inline(cell))));
  return element("table", {}, element("thead", {}, row("th", head)), element("tbody", {}, rows.map((line) => row("td", line))));
}

function list(lines) {
  const items = [];
  for (const line of lines) {
    const item = line.match(/^(?:[-*]|\d+\.) +(.*)$/);
    if (item) items.push(item[1]);
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return element(/^\d/.test(lines[0]) ? "ol" : "ul", {}, items.map((item) => element("li", {}, inline(item))));
}

function block(lines) {
  const heading = lines[0].match(/^(#+) +(.*)$/);
  if (heading) return [element(`h${heading[1].length}`, {}, inline(heading[2])), ...(lines.length > 1 ? block(lines.slice(1)) : [])];
  if (lines[0].startsWith("|")) return [table(lines)];
  if (/^([-*]|\d+\.) /.test(lines[0])) return [list(lines)];
  return [element("p", {}, inline(lines.join(" ")))];
}

export function markdown(text) {
  const blocks = [];
  let open = [];
  let code = null;
  const close = () => {
    if (open.length) blocks.push(...block(open));
    open = [];
  };
  for (const line of text.split("\n")) {
    if (line.startsWith("```")) {
      close();
      if (code) blocks.push(element("pre", {}, code.join("\n")));
      code = code ? null : [];
    } else if (code) code.push(line);
    else if (line.trim() === "") close();
    else open.push(line);
  }
  close();
  return blocks;
}
