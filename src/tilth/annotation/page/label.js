// The page of `tilth label`. What comes from the rows is only ever set as text, never as markup.
"use strict";

const $ = (id) => document.getElementById(id);
const AHEAD = 5; // rows that are fetched before they are needed, so that a key is answered at once
const TURNED = /[\u202a-\u202e\u2066-\u2069]/; // bidirectional embeddings, overrides and isolates
const state = {
  tasks: [], leaves: [], rows: [], item: null, since: 0, chosen: {}, leaf: 0, outbox: [], sending: false,
  filling: false, drained: false, evidence: new Map(), lines: [], view: "one", options: [], option: 0, who: "",
  leaving: null, definitions: {},
};

// ---- talking to the server ----

async function ask(path, body) {
  const headers = { "Tilth-Annotator": encodeURIComponent(state.who) };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(path, body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) });
  const plain = await answer.text();
  let result;
  try { result = JSON.parse(plain); } catch { result = { error: plain }; }
  if (!answer.ok) throw Object.assign(new Error(result.error || `the server says ${answer.status}`), { status: answer.status });
  return result;
}

function trouble(words) {
  $("trouble").hidden = !words;
  $("trouble").textContent = words || "";
}

function failed(error) {
  if (error.status === 403 && state.outbox.length) {
    const kept = state.outbox.length === 1 ? "One answer waits here and is saved then." : `${state.outbox.length} answers wait here and are saved then.`;
    trouble(`tilth label was started again: open the address that it printed in another tab of this browser. ${kept}`);
    return;
  }
  trouble(error.status ? error.message : "tilth label does not answer. Is it still running? What you answered is kept here and sent again.");
}

function say(words) { $("status").textContent = words; }

// Every answer has a name of its own (step), so that one that is sent twice is stored once.
async function send() {
  if (state.sending) return;
  state.sending = true;
  while (state.outbox.length) {
    saving();
    const { sent, item } = state.outbox[0];
    try {
      progress(await ask("api/answer", sent));
      state.outbox.shift();
      trouble("");
    } catch (error) {
      failed(error);
      if (error.status === 422) { // it cannot be taken: the row comes back
        state.outbox.shift();
        state.drained = false;
        show(item, true);
        continue;
      }
      await new Promise((again) => setTimeout(again, 1500));
    }
  }
  state.sending = false;
  saving();
}

function saving() { $("saving").textContent = state.outbox.length ? `saving ${state.outbox.length} …` : ""; }

async function fill() {
  if (state.filling || state.rows.length >= AHEAD) return;
  state.filling = true;
  try {
    const held = [state.item, ...state.rows, ...state.outbox.map((one) => one.item), state.leaving].filter(Boolean).map((one) => one.id);
    const next = await ask("api/next", { count: AHEAD - state.rows.length + 1, held });
    progress(next);
    const known = new Set(held);
    state.rows.push(...next.rows.filter((one) => !known.has(one.id)));
    state.drained = next.rows.length === 0;
    if (!state.outbox.length) trouble("");
  } catch (error) { failed(error); }
  state.filling = false;
  if (!state.item) advance();
  if (state.rows[0]) evidence(state.rows[0].id);
}

// ---- one row ----

function advance() {
  const next = state.rows.shift();
  if (next) show(next);
  else { state.item = null; if (state.drained) finished(); }
  fill();
}

function show(item, back) {
  if (back && state.item && state.item.id !== item.id) state.rows.unshift(state.item);
  state.item = item;
  state.since = performance.now();
  state.chosen = {};
  state.leaf = 0;
  $("note").value = "";
  note(false);
  closeOptions();
  $("type").value = "";
  $("with-copies").checked = true;
  view("one");
  $("done").hidden = true;
  $("one").hidden = false;
  $("badge").textContent = item.detector ? item.detector.replaceAll("_", " ") : item.split === "gold" ? "gold row" : "";
  const held = item.held ? " Somebody else has this row on the screen." : "";
  const gold = item.split === "gold" ? "A row of the gold set: an answer corrects it." : "You looked this row up.";
  const turned = TURNED.test(item.text) ? " (The text holds marks that turn its direction: it may not be stored in the order in which it reads.)" : "";
  $("reason").textContent = (item.reason || gold) + turned + held;
  $("text").textContent = item.text || (item.picture ? "(a picture alone)" : "");
  $("text").scrollTop = 0;
  $("picture").hidden = !item.picture;
  if (item.picture) $("picture").src = `api/picture?id=${encodeURIComponent(item.id)}`; else $("picture").removeAttribute("src");
  $("parent").hidden = !item.parent;
  $("parent-text").textContent = item.parent ? item.parent.text : "";
  $("wrong").hidden = !item.paraphrase;
  copies(item);
  labels();
  speaks(null);
  evidence(item.id).then((story) => { if (state.item === item) speaks(story); });
  $("text").focus({ preventScroll: true });
  scrollTo(0, 0);
}

function copies(item) {
  const count = item.copies.length;
  $("copies").hidden = !count;
  $("copies-count").textContent = count === 1 ? "Answer for 1 near copy too" : `Answer for ${count} near copies too`;
  $("copies-list").replaceChildren(...item.copies.map((one) => make("li", one.text, { dir: "auto" })));
}

function make(name, text, attributes = {}) {
  const node = document.createElement(name);
  if (text !== undefined && text !== null) node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function words(label) { return label.replaceAll("_", " "); }

function labels() {
  document.querySelectorAll(".leaf").forEach((box, place) => {
    const name = state.leaves[place];
    box.classList.toggle("waiting", place !== state.leaf);
    box.querySelector("ol").replaceChildren(...state.item.likeliest[name].map((one, number) => {
      const button = make("button", null, { type: "button" });
      const key = make("kbd", place === state.leaf ? String(number + 1) : "·");
      const sure = make("span", one.probability === null ? "" : `${Math.round(100 * one.probability)}%`, { class: "sure" });
      button.append(key, make("span", words(one.label), { class: "name", dir: "auto" }), sure);
      if (one.under) button.append(make("span", words(one.under), { class: "under" }));
      if (state.definitions[one.label]) button.append(make("span", state.definitions[one.label], { class: "under", dir: "auto" }));
      const speaks = make("span", "", { class: "speaks" });
      speaks.dataset.label = one.label;
      button.append(speaks);
      button.classList.toggle("chosen", state.chosen[name]?.[0].label === one.label);
      button.addEventListener("click", () => { state.leaf = place; choose({ task: name, verdict: "label", label: one.label }); });
      const line = make("li");
      line.append(button);
      return line;
    }));
  });
}

function choose(verdict, more = []) { // more: the verdicts on the tasks above, where it does not follow
  if (!state.item) return;
  state.chosen[verdict.task] = [verdict, ...more];
  const next = state.leaves.findIndex((name) => !state.chosen[name]);
  if (next < 0) submit(Object.values(state.chosen).flat());
  else {
    state.leaf = next;
    labels();
    speaks(state.story);
    say(`${words(verdict.label || verdict.verdict)}. Now ${words(state.leaves[next])}.`);
  }
}

function submit(verdicts) {
  const item = state.item;
  const seconds = Math.min(86400, Math.round((performance.now() - state.since) / 100) / 10);
  const sent = {
    step: crypto.randomUUID(), row_id: item.id, verdicts, copies: item.copies.length > 0 && $("with-copies").checked,
    note: $("note").value.trim() || null, seconds,
  };
  state.outbox.push({ sent, item });
  const label = verdicts.map((one) => words(one.label || one.verdict)).join(", ");
  send();
  advance();
  say(`${label}. ${state.item ? "Next: " + state.item.text.slice(0, 300) : ""}`);
}

function whole(verdict) { if (state.item) submit([{ verdict }]); }

function leafVerdict(verdict) { if (state.item) choose({ task: state.leaves[state.leaf], verdict }); }

async function skip() {
  const item = state.item;
  if (!item) return;
  state.leaving = item; // until the server knows, it would give it again
  advance();
  say(`Skipped. ${state.item ? "Next: " + state.item.text.slice(0, 300) : ""}`);
  try { progress(await ask("api/skip", { row_id: item.id })); state.drained = false; } catch (error) { failed(error); }
  if (state.leaving === item) state.leaving = null;
  fill();
}

async function undo() {
  while (state.sending) await new Promise((again) => setTimeout(again, 20));
  try {
    const undone = await ask("api/undo", {});
    progress(undone);
    if (undone.item) { state.rows = state.rows.filter((one) => one.id !== undone.item.id); state.evidence.delete(undone.item.id); show(undone.item, true); }
    say(`Undone: ${undone.withdrawn.map(words).join(", ")}. ${undone.item ? undone.item.text.slice(0, 300) : ""}`);
    trouble("");
  } catch (error) { failed(error); }
}

function finished() {
  $("one").hidden = true;
  view("one");
  $("done").hidden = false;
  $("done-why").textContent = state.left
    ? `${state.left} rows are with others just now, or were answered by you; look again in a while.`
    : "The next night takes the answers: tilth run. Any row can still be found and answered anew (f); u takes back the last answer.";
  $("done").focus();
  say("Nothing is left to answer.");
}

// ---- what speaks for each label ----

function evidence(id) {
  if (!state.evidence.has(id)) {
    if (state.evidence.size > 200) state.evidence.clear();
    state.evidence.set(id, ask("api/evidence?id=" + encodeURIComponent(id)).catch((error) => {
      state.evidence.delete(id);
      return { tasks: {}, answers: [], why_not: error.status ? error.message : "tilth label does not answer" };
    }));
  }
  return state.evidence.get(id);
}

function speaks(story) {
  state.story = story;
  const box = $("evidence");
  box.replaceChildren(make("h2", "What speaks for each label"));
  if (!story) { box.append(make("p", "…", { class: "hint" })); return; }
  for (const name of state.leaves) {
    const task = story.tasks[name];
    if (!task) continue;
    document.querySelectorAll(".speaks").forEach((line) => { const why = task.speaks[line.dataset.label]; if (why) line.textContent = why.join(" · "); });
    const list = make("dl");
    for (const [label, why] of Object.entries(task.speaks)) list.append(make("dt", words(label), { dir: "auto" }), make("dd", why.join(" · ")));
    if (list.children.length) box.append(list);
    if (task.nearest.length) {
      box.append(make("h2", "Nearest labeled rows"));
      const near = make("ul");
      for (const one of task.nearest) {
        const line = make("li", null);
        line.append(make("strong", words(one.label)), ": ", make("bdi", one.text), make("span", ` (${one.cosine.toFixed(2)})`, { class: "meta" }));
        near.append(line);
      }
      box.append(near);
    }
  }
  if (story.passage) box.append(make("h2", "What the model went by"), make("blockquote", story.passage, { dir: "auto" }));
  const rest = Object.entries(story.input || {}).map(([name, value]) => `${name}: ${value.slice(0, 200)}`);
  if (story.came_from?.file) rest.push(`${story.came_from.file}, row ${story.came_from.row}`);
  if (story.failed?.length) rest.push(`cleaning found: ${story.failed.join(", ")}`);
  if (rest.length) box.append(make("p", rest.join(" · "), { class: "meta" }));
  if (story.answers?.length) {
    box.append(make("h2", "Answers so far"));
    const list = make("ul");
    for (const one of story.answers) list.append(make("li", `${one.who}: ${one.task ? words(one.task) + " " : ""}${words(one.label || one.verdict)} (${one.at.slice(0, 16).replace("T", " ")} UTC)${one.note ? " – " + one.note : ""}`));
    box.append(list);
  }
  if (story.why_not) box.append(make("p", `No nearest rows: ${story.why_not}`, { class: "hint" }));
}

// ---- any label by a few letters ----

function everyLabel() {
  const leaf = state.tasks.find((task) => task.name === state.leaves[state.leaf]);
  const choices = leaf.labels.map((one) => ({ verdict: { task: leaf.name, verdict: "label", label: one.label }, more: [], name: words(one.label), under: one.under.map(words).join(" / ") }));
  const above = state.tasks.find((task) => task.name === leaf.parent);
  for (const one of above ? above.labels : []) { // the parent's class is sure, and none of the classes below it fits
    choices.push({ verdict: { task: leaf.name, verdict: "none_of_these" }, more: [{ task: above.name, verdict: "label", label: one.label }], name: words(one.label), under: `only ${words(above.name)}, no ${words(leaf.name)}` });
  }
  return choices;
}

function suggest() {
  const typed = words($("type").value).toLowerCase().split(/\s+/).filter(Boolean);
  const rank = (one) => { const name = one.name.toLowerCase(); return name.startsWith(typed[0] || "") ? 0 : 1; };
  const hits = everyLabel().filter((one) => typed.every((part) => `${one.name} ${one.under}`.toLowerCase().includes(part)));
  state.options = hits.sort((a, b) => rank(a) - rank(b)).slice(0, 50);
  state.option = 0;
  $("options").replaceChildren(...state.options.map((one, place) => {
    const line = make("li", null, { role: "option", id: `option-${place}`, "aria-selected": String(place === 0) });
    line.append(make("span", one.name, { dir: "auto" }), " ", make("span", [one.under, one.verdict.label && state.definitions[one.verdict.label]].filter(Boolean).join(" · "), { class: "under" }));
    line.addEventListener("pointerdown", (event) => { event.preventDefault(); take(place); });
    return line;
  }));
  const there = state.options.length > 0;
  $("options").hidden = !there;
  $("type").setAttribute("aria-expanded", String(there));
  if (there) $("type").setAttribute("aria-activedescendant", "option-0"); else $("type").removeAttribute("aria-activedescendant");
  if (!there && typed.length) say("No label holds that.");
}

function move(by) {
  if (!state.options.length) return;
  state.option = (state.option + by + state.options.length) % state.options.length;
  [...$("options").children].forEach((line, place) => line.setAttribute("aria-selected", String(place === state.option)));
  $("type").setAttribute("aria-activedescendant", `option-${state.option}`);
  $(`option-${state.option}`).scrollIntoView({ block: "nearest" });
}

function take(place) {
  const one = state.options[place];
  if (!one) return;
  closeOptions();
  $("type").value = "";
  $("text").focus({ preventScroll: true });
  choose(one.verdict, one.more);
}

function closeOptions() {
  $("options").hidden = true;
  state.options = [];
  $("type").setAttribute("aria-expanded", "false");
  $("type").removeAttribute("aria-activedescendant");
}

// ---- the list, and any row ----

function view(name) {
  state.view = name;
  $("one").hidden = name !== "one" || !state.item;
  $("done").hidden = name !== "one" || Boolean(state.item) || !state.drained;
  for (const other of ["list", "search"]) $(other).hidden = name !== other;
  for (const other of ["one", "list", "search"]) $(`view-${other}`).setAttribute("aria-pressed", String(name === other));
}

function line(row, more) {
  const button = make("button", null, { type: "button" });
  button.append(make("span", row.text, { class: "text", dir: "auto" }), make("span", more, { class: "meta" }));
  button.dataset.id = row.id;
  button.addEventListener("click", () => open(row.id));
  const item = make("li");
  item.append(button);
  return item;
}

async function list(more) {
  view("list");
  if (!more) { state.lines = []; $("lines").replaceChildren(); }
  try {
    const page = await ask(`api/queue?start=${state.lines.length}&count=50`);
    const first = state.lines.length;
    state.lines.push(...page.rows);
    $("lines").append(...page.rows.map((row) => {
      const item = line(row, `${row.open ? "" : "answered · "}${row.detector.replaceAll("_", " ")}: ${row.reason}${row.suggested ? " · suggested: " + words(row.suggested) : ""}`);
      item.firstChild.classList.toggle("answered", !row.open);
      return item;
    }));
    $("more").hidden = state.lines.length >= page.total;
    const open = $("lines").querySelectorAll("button")[more ? first : Math.max(0, state.lines.findIndex((row) => row.open))];
    if (open) open.focus();
  } catch (error) { failed(error); }
}

let looking = 0;
async function find() {
  const mine = ++looking;
  const typed = $("words").value.trim();
  if (typed.length < 2) { $("hits").replaceChildren(); $("found").textContent = ""; return; }
  try {
    const hits = await ask("api/search?q=" + encodeURIComponent(typed));
    if (mine !== looking) return;
    $("found").textContent = hits.total === 1 ? "1 row" : `${hits.total.toLocaleString("en")} rows${hits.total > hits.rows.length ? `, the first ${hits.rows.length} below` : ""}`;
    $("hits").replaceChildren(...hits.rows.map((row) => line(row, `${row.id} · ${row.label ? words(row.label) + " (" + row.origin + ")" : "no label"}${row.split === "gold" ? " · gold" : ""}`)));
  } catch (error) { failed(error); }
}

async function open(id) {
  try {
    const item = await ask("api/take", { row_id: id });
    state.rows = state.rows.filter((one) => one.id !== id);
    state.evidence.delete(id);
    show(item, true);
    say(item.text.slice(0, 300));
  } catch (error) { failed(error); }
}

async function accept(button) { // in the list: what is suggested, without opening the row
  const row = state.lines.find((one) => one.id === button.dataset.id);
  if (!row || !row.suggested || !row.open) { say("Nothing is suggested for it, or it is answered."); return; }
  const verdicts = [{ task: state.leaves[state.leaves.length - 1], verdict: "label", label: row.suggested }];
  if (state.leaves.length > 1) { open(row.id); return; }
  try {
    progress(await ask("api/answer", { step: crypto.randomUUID(), row_id: row.id, verdicts, copies: true }));
    row.open = false;
    button.classList.add("answered");
    button.lastChild.textContent = `answered: ${words(row.suggested)}`;
    state.rows = state.rows.filter((one) => one.id !== row.id);
    if (state.item && state.item.id === row.id) state.item = state.rows.shift() || null;
    if (state.item) { const item = state.item; const now = state.view; show(item); view(now); button.focus(); }
    say(`${words(row.suggested)}.`);
    neighbor(1);
  } catch (error) { failed(error); }
}

function neighbor(by) {
  const all = [...document.querySelectorAll(state.view === "list" ? "#lines button" : "#hits button")];
  const place = all.indexOf(document.activeElement);
  const next = all[Math.min(all.length - 1, Math.max(0, place + by))];
  if (next) next.focus();
}

// ---- how far ----

function progress(counts) {
  state.left = counts.left;
  const done = counts.total - counts.left;
  $("bar").max = Math.max(1, counts.total);
  $("bar").value = done;
  $("count").textContent = `${done.toLocaleString("en")} of ${counts.total.toLocaleString("en")}`;
  $("pace").textContent = counts.pace ? `${counts.pace.toFixed(counts.pace < 10 ? 1 : 0)} a minute` : "";
  const names = { new: "new", changed: "changed", confirmed: "confirmed", junk: "junk", none_of_these: "none of these", unclear: "unclear", wrong_paraphrase: "wrong paraphrase" };
  $("gain").textContent = Object.entries(names).filter(([key]) => counts.gain[key]).map(([key, name]) => `${counts.gain[key]} ${name}`).join(" · ");
}

// ---- keys ----

function note(there) {
  $("note-box").hidden = !there;
  $("note-open").setAttribute("aria-expanded", String(there));
  if (there) $("note").focus();
}

const KEYS = {
  s: skip, c: () => leafVerdict("unclear"), n: () => leafVerdict("none_of_these"), j: () => whole("junk"),
  w: () => { if (state.item?.paraphrase) whole("wrong_paraphrase"); }, u: undo, m: () => note(true),
  g: () => { $("with-copies").checked = !$("with-copies").checked; say($("with-copies").checked ? "With near copies." : "Without near copies."); },
  l: () => list(), f: () => { view("search"); $("words").focus(); }, "/": () => { $("type").focus(); suggest(); }, "?": () => $("help").showModal(),
};

function typing(event) {
  if (event.key === "ArrowDown") { event.preventDefault(); if ($("options").hidden) suggest(); else move(1); }
  else if (event.key === "ArrowUp") { event.preventDefault(); move(-1); }
  else if (event.key === "Enter") { event.preventDefault(); take(state.option); }
  else if (event.key === "Escape") { closeOptions(); $("type").value = ""; $("text").focus(); }
  event.stopPropagation();
}

function key(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]")) return;
  const at = document.activeElement;
  if (event.key === "Escape" && state.view !== "one") { view("one"); $("text").focus(); return; }
  if (at === $("words") && event.key === "ArrowDown") { event.preventDefault(); neighbor(1); return; }
  if (at.matches("input[type=text], input[type=search]") || !$("keys").checked) return;
  const inList = state.view !== "one";
  if (inList && (event.key === "ArrowDown" || event.key === "ArrowUp")) { event.preventDefault(); neighbor(event.key === "ArrowDown" ? 1 : -1); return; }
  if (state.view === "list" && event.key === "a" && at.dataset.id) { accept(at); return; }
  if (inList && !["l", "f", "?", "u"].includes(event.key)) return;
  if (!inList && /^[1-9]$/.test(event.key) && state.item) {
    const name = state.leaves[state.leaf], one = state.item.likeliest[name][Number(event.key) - 1];
    if (one) { event.preventDefault(); choose({ task: name, verdict: "label", label: one.label }); }
  } else if (event.key === "Enter" && !event.repeat) {
    if (at.matches("button, a, summary, input")) return;
    const name = state.leaves[state.leaf], one = state.item?.likeliest[name][0];
    if (one) { event.preventDefault(); choose({ task: name, verdict: "label", label: one.label }); }
  } else if (KEYS[event.key] && !event.repeat) { event.preventDefault(); KEYS[event.key](); }
}

function name(who) {
  state.who = who;
  $("who").textContent = who;
  $("who").setAttribute("aria-label", `You answer as ${who}; change`);
}

async function begin() {
  history.replaceState(null, "", location.pathname); // the token stays out of the address, and of the history
  let kept = null;
  try { kept = sessionStorage.getItem("annotator"); } catch { /* a browser that keeps nothing */ }
  name(kept || document.body.dataset.annotator);
  for (const [id, act] of Object.entries({ skip, undo, junk: () => whole("junk"), wrong: () => whole("wrong_paraphrase"), unclear: () => leafVerdict("unclear"), none: () => leafVerdict("none_of_these"), more: () => list(true) })) $(id).addEventListener("click", () => act());
  $("note-open").addEventListener("click", () => note($("note-box").hidden));
  $("note").addEventListener("keydown", (event) => {
    event.stopPropagation(); // what ends the note is no answer
    if (event.key === "Enter" || event.key === "Escape") { event.preventDefault(); $("text").focus(); }
  });
  $("type").addEventListener("input", suggest);
  $("type").addEventListener("keydown", typing);
  $("type").addEventListener("blur", closeOptions);
  $("words").addEventListener("input", find);
  $("view-one").addEventListener("click", () => view("one"));
  $("view-list").addEventListener("click", () => list());
  $("view-search").addEventListener("click", KEYS.f);
  $("open-help").addEventListener("click", KEYS["?"]);
  $("who").addEventListener("click", () => { $("name-field").value = state.who; $("name").showModal(); });
  $("name").addEventListener("close", () => {
    const typed = $("name-field").value.trim();
    if (!typed || typed === state.who) return;
    name(typed);
    try { sessionStorage.setItem("annotator", typed); } catch { /* a browser that keeps nothing */ }
    state.rows = []; // they are held by the other name
    state.item = null;
    fill();
  });
  document.addEventListener("keydown", key);
  addEventListener("beforeunload", (event) => { if (state.outbox.length) event.preventDefault(); });
  try {
    const start = await ask("api/start");
    state.tasks = start.tasks;
    state.leaves = start.leaves;
    state.definitions = start.definitions;
    progress(start);
    await fill();
    if (!state.item) finished();
  } catch (error) { failed(error); }
}

begin();
