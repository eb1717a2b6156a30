"use strict";
// The page's own script: the table of rows, the story of a row, the map. Texts of rows only ever become text nodes.
(() => {
const $ = (id) => document.getElementById(id);
const read = (id) => JSON.parse($(id).textContent);
const words = read("tilth-words"), points = read("tilth-map");
const rows = read("tilth-rows");
const verdicts = words.verdicts.map(([key, label, stage, meaning], place) => ({ key, label, stage, meaning, bit: 1 << place }));
document.documentElement.classList.add("js");

function make(tag, text, attributes) {
  const element = document.createElement(tag);
  if (text !== undefined && text !== null) element.textContent = text;
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  return element;
}
const plain = (name) => String(name).replaceAll("_", " ");
const percent = (value) => `${Math.round(100 * value)}%`;
const count = (value) => value.toLocaleString("en-US");
const labelOf = (task, code) => code === undefined ? null : typeof code === "number" ? words.tasks[task].labels[code] : code;
const reasonOf = (reason) => words.reasons[reason] || plain(reason);
const verdictsOf = (row) => verdicts.filter((one) => row.v & one.bit);
const reasonsOf = (row) => [...new Set([row.r, ...row.k.map((facts) => facts.r)].filter(Boolean))];
function labelsOf(row) {
  const changed = [], same = [];
  row.k.forEach((facts, task) => {
    const given = labelOf(task, facts.g), now = labelOf(task, facts.n);
    if (given !== null && given !== now) changed.push(`${given} → ${now ?? (facts.s !== undefined && facts.s !== facts.g ? labelOf(task, facts.s) + "?" : "none")}`);
    else if (now !== null) same.push(now);
  });
  return changed.length ? changed : same.slice(-1);
}

// The table: only the rows in sight are in the document.
const windowOf = $("rows-window"), body = windowOf && windowOf.querySelector("tbody");
const fields = ["text", "verdict", "class", "reason", "stage", "sort"];
let shown = rows, height = 56, haystack = [], drawn = [-1, -1];
function fill(select, entries) { for (const [value, text] of entries) select.append(make("option", text, { value })); }
function options() {
  const used = rows.reduce((bits, row) => bits | row.v, 0);
  fill($("f-verdict"), verdicts.filter((one) => used & one.bit).map((one) => [one.key, one.label]));
  const stages = [...new Set(verdicts.filter((one) => used & one.bit).map((one) => one.stage))];
  fill($("f-stage"), stages.map((stage) => [stage, plain(stage)]));
  fill($("f-reason"), [...new Set(rows.flatMap(reasonsOf))].sort().map((reason) => [reason, reasonOf(reason)]));
  words.tasks.forEach((task, place) => {
    const group = make("optgroup", null, { label: task.name });
    fill(group, task.labels.map((label, code) => [`${place}:${code}`, label]));
    $("f-class").append(group);
  });
}
function choose() {
  const value = Object.fromEntries(fields.map((name) => [name, $(`f-${name}`).value]));
  const wanted = value.text.trim().toLowerCase();
  const keys = value.verdict ? value.verdict.split(",") : null;
  let bits = verdicts.filter((one) => !keys || keys.includes(one.key)).reduce((all, one) => all | one.bit, 0);
  let stage = verdicts.filter((one) => !value.stage || one.stage === value.stage).reduce((all, one) => all | one.bit, 0);
  const [task, code] = value.class ? value.class.split(":").map(Number) : [null, null];
  if (wanted) for (let k = haystack.length; k < rows.length; k++) haystack.push(`${rows[k].i}\n${rows[k].t}`.toLowerCase());
  shown = rows.filter((row, k) => (row.v & bits) && (row.v & stage) && (!wanted || haystack[k].includes(wanted))
    && (!value.reason || row.r === value.reason || row.k.some((facts) => facts.r === value.reason))
    && (task === null || ["g", "n", "s", "w", "p"].some((key) => row.k[task] && row.k[task][key] === code)));
  sort(value.sort);
  const most = words.files.reduce((sum, file) => sum + file.rows, 0), left = most - (rows.length - inside);
  $("rows-count").textContent = `${count(shown.length)} of ${count(rows.length)} rows` + (left > 0 ? ` (${count(left)} more are not loaded)` : "");
  windowOf.scrollTop = 0; drawn = [-1, -1]; paint();
}
function sort(by) {
  if (!by) return;
  const sure = (row) => Math.min(...row.k.map((facts) => facts.gc ?? facts.nc ?? 2));
  const key = { sure, label: (row) => labelsOf(row).join(), text: (row) => row.t, id: (row) => row.i }[by];
  const order = by === "sure" ? (a, b) => a[0] - b[0] : ((collator) => (a, b) => collator.compare(a[0], b[0]))(new Intl.Collator("en", { numeric: true }));
  shown = shown.map((row) => [key(row), row]).sort(order).map((pair) => pair[1]);
}
function picture(row) {
  return row.pic && row.pic.startsWith("data:image/jpeg;base64,") ? [make("img", null, { src: row.pic, alt: "", class: "thumb" })] : [];
}
function line(row, place) {
  const tr = make("tr", null, { class: "row", "aria-rowindex": place + 2 });
  const chips = make("div", null, { class: "clip" }), names = verdictsOf(row).map((one) => one.label);
  chips.append(make("span", names[0], { class: "chip" }));
  if (names.length > 1) chips.append(make("span", `+${names.length - 1}`, { class: "soft", title: names.slice(1).join(", ") }));
  const open = make("button", null, { type: "button", class: "open" });
  open.append(...picture(row), Object.assign(make("bdi", row.t.slice(0, 240) || (row.pp ? `(a picture alone: ${row.pp})` : "")), { className: "clip" }));
  const text = make("td"), label = labelsOf(row), why = reasonsOf(row).map(reasonOf).join(", ");
  text.append(make("span", names.join(" · "), { class: "phone" }), open, make("span", label.join("; "), { class: "phone" }));
  const cells = [make("td"), text, make("td"), make("td")];
  cells[0].append(chips);
  const labels = make("div", null, { class: "clip" });
  label.forEach((one, k) => { if (k) labels.append(make("br")); labels.append(make("bdi", one)); });
  cells[2].append(labels); cells[3].append(Object.assign(make("div", why), { className: "clip" }));
  tr.append(...cells);
  tr.addEventListener("click", () => story(place));
  return tr;
}
function pad(size) { const tr = make("tr", null, { class: "pad", "aria-hidden": "true" }), td = make("td", null, { colspan: 4 }); td.style.height = `${size}px`; tr.append(td); return tr; }
function paint() {
  const first = Math.max(0, Math.floor(windowOf.scrollTop / height) - 6), last = Math.min(shown.length, first + Math.ceil(windowOf.clientHeight / height) + 14);
  if (first === drawn[0] && last === drawn[1]) return;
  drawn = [first, last];
  const parts = [pad(first * height)];
  for (let k = first; k < last; k++) parts.push(line(shown[k], k));
  parts.push(pad((shown.length - last) * height));
  body.replaceChildren(...parts);
  $("rows-table").setAttribute("aria-rowcount", shown.length + 1);
}
function measure() {
  const root = getComputedStyle(document.documentElement);
  height = parseFloat(root.getPropertyValue("--row")) * parseFloat(root.fontSize); drawn = [-1, -1]; paint();
}
function filterBy(query) {
  const asked = new URLSearchParams(query);
  for (const name of fields) {
    const field = $(`f-${name}`), value = asked.get(name) || "";
    if (field.tagName === "SELECT" && value && ![...field.options].some((option) => option.value === value)) {
      const names = value.split(",").map((key) => (verdicts.find((one) => one.key === key) || { label: key }).label);
      field.append(make("option", names.join(" or "), { value }));
    }
    field.value = value;
  }
  choose();
}
const inside = rows.length, further = [...words.files]; // each file is loaded once, also where a second try is needed
window.tilthRows = (part) => { for (const row of part) rows.push(row); };
function loadFurther() {
  $("rows-load").disabled = true;
  if (!further.length) {
    $("rows-more").hidden = true;
    for (const name of ["verdict", "stage", "reason", "class"]) $(`f-${name}`).replaceChildren(make("option", "all", { value: "" }));
    options(); choose(); return;
  }
  const name = further[0].name, said = $("rows-said"), script = make("script", null, { src: name });
  said.textContent = `loading ${name} …`;
  script.onload = () => { further.shift(); loadFurther(); };
  script.onerror = () => { said.textContent = `${name} is not beside this page: ask whoever sent it for the folder report/, or open the page where the night ran.`; $("rows-load").disabled = false; };
  document.body.append(script);
}
if (windowOf) {
  options();
  for (const id of ["filters", "rows-count", "rows-window"]) $(id).hidden = false;
  for (const name of fields) $(`f-${name}`).addEventListener(name === "text" ? "input" : "change", choose);
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  windowOf.addEventListener("scroll", () => requestAnimationFrame(paint), { passive: true });
  addEventListener("resize", measure);
  if (words.files.length) {
    $("rows-more").hidden = false; $("rows-load").textContent = `Load the other ${count(words.files.reduce((sum, file) => sum + file.rows, 0))} rows`;
    $("rows-load").addEventListener("click", loadFurther);
  }
  choose(); measure();
  const fromAddress = () => { const [place, query] = location.hash.split("?"); if (place === "#rows" && query) { filterBy(query); $("rows").scrollIntoView(); } };
  addEventListener("hashchange", fromAddress); fromAddress();
}
for (const link of document.querySelectorAll("a[data-filter]")) link.addEventListener("click", () => windowOf && filterBy(link.dataset.filter));
for (const button of document.querySelectorAll(".copy")) button.addEventListener("click", async () => {
  try { await navigator.clipboard.writeText(button.dataset.copy); button.textContent = "Copied"; }
  catch { const range = document.createRange(); range.selectNodeContents(button.previousElementSibling); getSelection().removeAllRanges(); getSelection().addRange(range); button.textContent = "Selected"; }
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
});

// The story of a row: what happened to it, stage by stage.
let open = 0;
const isSure = (value) => value === undefined ? "" : ` (sure to ${percent(value)})`;
function ofTask(row, facts, task) {
  const lines = [], given = labelOf(task, facts.g), now = labelOf(task, facts.n), better = labelOf(task, facts.s);
  const paraphrase = row.u !== undefined;
  if (given !== null) lines.push(`It came with the label ${given}.`); else if (!paraphrase) lines.push("It came without a label.");
  if (facts.a !== undefined) lines.push(`A person answered ${labelOf(task, facts.a)}; nothing overrules that.`);
  if (facts.gc !== undefined) lines.push(`Cleaning: the label is right with a chance of ${percent(facts.gc)}, by models that did not learn from it` + (better !== null && better !== given ? `; they would say ${better}${facts.sc === undefined ? "" : ` (${percent(facts.sc)})`}.` : "."));
  const did = { correct: "Cleaning put that label in its place.", set_aside: "Cleaning took the label out: nothing learns from it.", suggest: "Cleaning took the label out. Until a person answers, the likeliest other one is learned from, at its chance of being right.", review: "Cleaning asks a person; until then it counts at its chance of being right.", conflict: "The same text stands there with another label; a person should say which is right." }[facts.d];
  if (did) lines.push(did);
  const votes = (row.f || []).filter(([place]) => words.functions[place][0] === task);
  if (votes.length) lines.push(`Rules: ${votes.map(([place, code]) => `${words.functions[place][1]} says ${labelOf(task, code)}`).join("; ")}.`);
  if (facts.w !== undefined) lines.push(`Rules and text together say ${labelOf(task, facts.w)}${isSure(facts.wc)}.`);
  lines.push(now === null ? "It has no label that anything learns from." : `Its current label is ${now}, from ${words.origins[facts.o] || plain(facts.o || "unknown")}${isSure(facts.nc)}.`);
  if (facts.r) lines.push(`Why: ${reasonOf(facts.r)}.`);
  if (facts.p !== undefined) lines.push(`The trained model says ${labelOf(task, facts.p)}${isSure(facts.pc)}.`);
  return lines;
}
function list(lines) { const ul = make("ul"); for (const text of lines) { const li = make("li"); li.append(make("bdi", text)); ul.append(li); } return ul; }
function link(id, before) {
  const p = make("p", before), place = shown.findIndex((row) => row.i === id), other = rows.find((row) => row.i === id);
  if (place >= 0) { const button = make("button", id, { type: "button" }); button.addEventListener("click", () => story(place)); p.append(button); } else p.append(make("code", id));
  if (other) p.append(": ", make("bdi", other.t.slice(0, 160)));
  return p;
}
function story(place) {
  const row = shown[place], parts = []; open = place;
  const chips = make("p"); for (const one of verdictsOf(row)) chips.append(make("span", one.label, { class: "chip" }), make("span", ` ${one.meaning} `, { class: "soft" }), make("br"));
  parts.push(...picture(row));
  parts.push(make("blockquote", row.t + (row.x ? ` … (${count(row.x)} more characters; the table of the night has all of it)` : ""), { dir: "auto", tabindex: 0 }), chips);
  const more = row.e || {};
  const origin = [`Row ${row.i}${row.u !== undefined ? ", reworded by tilth" : more.from ? `, from ${more.from}` : ", from the input"}.`];
  if (row.pp) origin.push(`Its picture: ${row.pp}${row.pic ? "" : " (not shown here)"}.`);
  if (row.st && row.st !== "active") origin.push(`The text is ${row.st === "review" ? "held back until a person has looked" : "set aside"}${row.r ? `: ${reasonOf(row.r)}` : ""}.`);
  for (const [check, score] of Object.entries(row.z || {})) origin.push(`The check “${plain(check)}” found something (score ${score}; 0 is bad, 1 is good).`);
  if (row.rank !== undefined) origin.push(`Place ${row.rank} in the queue of rows to label${row.ask ? `: ${row.ask}` : "."}`);
  if (row.sim !== undefined) origin.push(`Likeness to its original ${row.sim}; new against all other rows ${row.nov ?? "–"}; the label still fits with ${row.agr === undefined ? "–" : percent(row.agr)}.`);
  if (row.wt !== undefined) origin.push(`It weighs ${row.wt} in training.`);
  for (const [name, value] of Object.entries(row.m || {})) origin.push(`${name}: ${value}`);
  parts.push(make("h3", "The text"), list(origin));
  if (row.u !== undefined) parts.push(link(row.u, "Reworded from "));
  if (row.c !== undefined) parts.push(link(row.c, "It repeats "));
  const children = rows.filter((other) => other.u === row.i).slice(0, 5);
  for (const child of children) parts.push(link(child.i, "Reworded as "));
  if (more.change) parts.push(make("p", "What would change that:"), list(more.change));
  row.k.forEach((facts, task) => {
    const own = (more.k || [])[task] || {};
    parts.push(make("h3", words.tasks[task].name), list([...ofTask(row, facts, task), ...(own.weight ? [`It weighs ${Math.round(100 * own.weight) / 100} in training, of 1 at most.`] : [])]));
    if (own.near) parts.push(make("p", "The nearest rows with a label:"), list(own.near.map(([id, label, cosine, text]) => `${label}: ${text} (${id}, likeness ${cosine})`)));
    if (own.change) parts.push(make("p", "What would change that:"), list(own.change));
  });
  if (more.passage) parts.push(make("h3", "What the model went by"), make("blockquote", more.passage, { dir: "auto" }));
  if (more.nights && more.nights.length > 1) parts.push(make("h3", "Night after night"), list(more.nights));
  const last = make("p", "On the terminal: "); last.append(make("code", `tilth explain ${/^[\w.:@~-]+$/.test(row.i) ? row.i : `'${row.i.replaceAll("'", "'\\''")}'`} --run ${words.run}`)); parts.push(last);
  $("story-body").replaceChildren(...parts);
  $("story-title").textContent = `Row ${count(place + 1)} of ${count(shown.length)}`;
  $("story-before").disabled = place === 0; $("story-after").disabled = place + 1 === shown.length;
  if (!$("story").open) $("story").showModal();
  $("story").scrollTop = 0;
}
$("story-close").addEventListener("click", () => $("story").close());
$("story-before").addEventListener("click", () => story(open - 1));
$("story-after").addEventListener("click", () => story(open + 1));
$("story").addEventListener("click", (event) => { if (event.target === $("story")) $("story").close(); });

// The map: shapes as well as colors, so that it reads in black and white.
const canvas = $("map-canvas");
if (canvas && points.x) {
  const SHAPES = 7, pen = canvas.getContext("2d"), tip = $("map-tip");
  const ways = words.tasks.map((task, place) => ({ name: task.name, of: (k) => points.l[place][k], say: (code) => code < 0 ? "no label" : task.labels[code] })).reverse();
  const start = words.tasks.length - 1 - Math.max(0, words.tasks.findLastIndex((task) => task.labels.length <= 30 || task === words.tasks[0]));
  ways.push({ name: "issue", of: (k) => points.v[k], say: (code) => code < 0 ? "nothing found" : verdicts[code].label });
  ways.push({ name: "source", of: (k) => points.s[k], say: plain }, { name: "status", of: (k) => points.q[k], say: plain });
  fill($("map-color"), ways.map((way, place) => [place, way.name]));
  fill($("map-class"), ways[0] ? [...new Set(points.x.map((_, k) => ways[0].of(k)))].sort((a, b) => ways[0].say(a).localeCompare(ways[0].say(b))).map((code) => [code, ways[0].say(code)]) : []);
  $("map-color").value = start;
  $("map-tools").hidden = false;
  let places = [], order = [];
  function shape(ink, kind, x, y, r) {
    ink.beginPath();
    if (kind === 1) ink.rect(x - r, y - r, 2 * r, 2 * r);
    else if (kind === 2) { ink.moveTo(x, y - r * 1.2); ink.lineTo(x + r * 1.1, y + r); ink.lineTo(x - r * 1.1, y + r); ink.closePath(); }
    else if (kind === 3) { ink.moveTo(x, y - r * 1.3); ink.lineTo(x + r * 1.3, y); ink.lineTo(x, y + r * 1.3); ink.lineTo(x - r * 1.3, y); ink.closePath(); }
    else if (kind === 4) { ink.rect(x - r * 1.2, y - r * .4, r * 2.4, r * .8); ink.rect(x - r * .4, y - r * 1.2, r * .8, r * 2.4); }
    else if (kind === 5) { ink.moveTo(x, y + r * 1.2); ink.lineTo(x + r * 1.1, y - r); ink.lineTo(x - r * 1.1, y - r); ink.closePath(); }
    else if (kind === 6) { ink.rect(x - r * 1.3, y - r * .45, r * 2.6, r * .9); }
    else ink.arc(x, y, r, 0, 7);
    ink.fill();
  }
  function paintMap() {
    const style = getComputedStyle(document.documentElement), color = (name) => style.getPropertyValue(name).trim();
    const way = ways[Number($("map-color").value)], only = $("map-class").value, scale = devicePixelRatio || 1;
    const width = canvas.clientWidth, tall = canvas.clientHeight;
    canvas.width = width * scale; canvas.height = tall * scale; pen.setTransform(scale, 0, 0, scale, 0, 0);
    const counts = new Map(); for (let k = 0; k < points.x.length; k++) counts.set(way.of(k), (counts.get(way.of(k)) || 0) + 1);
    order = [...counts].filter(([value]) => value !== -1).sort((a, b) => b[1] - a[1]).slice(0, SHAPES).map((pair) => pair[0]);
    const size = points.x.length > 2500 ? 2.4 : 3.2;
    places = points.x.map((x, k) => [12 + x / 1000 * (width - 24), 12 + (1000 - points.y[k]) / 1000 * (tall - 24)]);
    const rank = (k) => order.indexOf(way.of(k)), loud = (k) => only === "" || String(ways[0].of(k)) === only;
    for (const pass of [false, true]) for (let k = 0; k < places.length; k++) {
      const kind = rank(k); if ((kind >= 0 && loud(k)) !== pass) continue;
      pen.fillStyle = pass ? color(`--c${kind}`) : color("--faint"); pen.globalAlpha = pass ? .85 : .5;
      shape(pen, pass ? kind : 0, ...places[k], pass ? size : size * .7);
    }
    pen.globalAlpha = 1; pen.strokeStyle = color("--ink"); pen.lineWidth = 1.2;
    for (let k = 0; k < places.length; k++) if (points.ring[k] && loud(k)) { pen.beginPath(); pen.arc(...places[k], size + 3, 0, 7); pen.stroke(); }
    const legend = order.map((value, kind) => {
      const li = make("li"), key = make("canvas", null, { width: 28, height: 28, "aria-hidden": "true" }), ink = key.getContext("2d");
      ink.fillStyle = color(`--c${kind}`); shape(ink, kind, 14, 14, 8); li.append(key, make("bdi", way.say(value)), ` ${count(counts.get(value))}`); return li;
    });
    const none = counts.get(-1) || 0, rest = points.x.length - none - order.reduce((sum, value) => sum + counts.get(value), 0);
    const grey = [none && `${way.say(-1)} ${count(none)}`, rest && `${count(counts.size - order.length - (none ? 1 : 0))} others ${count(rest)}`].filter(Boolean);
    if (grey.length) legend.push(make("li", `small and grey: ${grey.join(", ")}`));
    $("map-legend").replaceChildren(...legend);
  }
  function nearest(event) {
    const box = canvas.getBoundingClientRect(), x = event.clientX - box.left, y = event.clientY - box.top;
    let best = -1, far = 144;
    places.forEach(([a, b], k) => { const d = (a - x) ** 2 + (b - y) ** 2; if (d < far) { far = d; best = k; } });
    return [best, x, y, box.width];
  }
  canvas.addEventListener("pointermove", (event) => {
    const [k, x, y, width] = nearest(event); tip.hidden = k < 0; if (k < 0) return;
    const facts = words.tasks.map((task, place) => points.l[place][k] < 0 ? null : task.labels[points.l[place][k]]).filter(Boolean);
    if (points.v[k] >= 0) facts.push(verdicts[points.v[k]].label);
    const text = make("p"); text.append(make("bdi", points.t[k]));
    tip.replaceChildren(text, make("p", `${facts.join(" · ")} · ${points.i[k]}`, { class: "soft" }));
    tip.style.top = `${y + 14}px`; tip.style.left = x > width / 2 ? "" : `${x + 14}px`; tip.style.right = x > width / 2 ? `${width - x + 14}px` : "";
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  canvas.addEventListener("click", (event) => {
    const [k] = nearest(event); if (k < 0) return;
    let place = shown.findIndex((row) => row.i === points.i[k]);
    if (place < 0 && rows.some((row) => row.i === points.i[k])) { filterBy(""); place = shown.findIndex((row) => row.i === points.i[k]); }
    if (place >= 0) story(place);
  });
  for (const id of ["map-color", "map-class"]) $(id).addEventListener("change", paintMap);
  addEventListener("resize", paintMap); addEventListener("beforeprint", paintMap); addEventListener("afterprint", paintMap);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paintMap);
  paintMap();
}
})();
