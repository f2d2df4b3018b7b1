// The page at work: chooses rows by the filters, hands them to the charts and the tables, says everything in the
// chosen language. Computes no number.
const form = document.getElementById("filters");
const FILTERS = ["department", "segment"];
const PERIODS = ["all", "12", "6"];
const THEMES = ["auto", "light", "dark"];
const CONFIG = {
  font: "system-ui, 'Hiragino Sans', 'Noto Sans CJK JP', sans-serif",
  axis: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelLimit: 180 },
  legend: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal" },
  view: { stroke: null },
  background: null,
};
const views = {};
const rows = Object.fromEntries(Object.entries(content.panels).map(([name, panel]) => [name, rowsIn(panel)]));
const panelOf = (name) => document.getElementById(name);
const has = (name, column) => content.panels[name].columns.includes(column);
// Panels that set departments or segments beside one another go on showing all, and mark the chosen one.
const marks = (name, filter) => content.panels[name].clicks[filter];
const isSet = (filter) => chosen[filter] !== (filter === "period" ? "all" : ALL);
const hasMonths = (name) => has(name, "month") && new Set(rows[name].map((row) => row.month)).size > 1;

// What of a panel's own columns is shown: the values that a click on another panel chose, or the first.
function pickOf(name, column, among) {
  return among.some((row) => row[column] === chosen[column]) ? chosen[column] : among[0][column];
}
function picked(name) {
  return content.panels[name].picks.reduce((left, column) => {
    const value = pickOf(name, column, left);
    return left.filter((row) => row[column] === value);
  }, rows[name]);
}
function matches(name, row, filter) {
  if (!has(name, filter) || marks(name, filter)) return true;
  if (isSet(filter)) return row[filter] === chosen[filter];
  return row[filter] === ALL || !rows[name].some((other) => other[filter] === ALL);
}
function chosenRows(name) {
  const months = hasMonths(name) ? [...new Set(rows[name].map((row) => row.month))].sort() : [];
  const first = isSet("period") && months.length ? months.at(-Number(chosen.period)) ?? months[0] : "";
  return picked(name).filter((row) =>
    (!first || row.month >= first) && FILTERS.every((filter) => matches(name, row, filter)));
}
function isMarked(name, row) {
  const set = Object.entries(content.panels[name].clicks).filter(([filter]) => chosen[filter] !== null && chosen[filter] !== ALL);
  return set.length > 0 && set.every(([filter, column]) => row[column] === chosen[filter]);
}
// Beside each value what people read, for the chart.
function drawn(name, shown) {
  const anyMarked = shown.some((row) => isMarked(name, row));
  return shown.map((row) => {
    const made = { ...row, faded: anyMarked && !isMarked(name, row) };
    for (const column of content.panels[name].columns) {
      made[`${column}_text`] = said(row, column);
      made[`${column}_short`] = said(row, column, true);
      made[`${column}_span`] = shortSpan(row, column);
    }
    return made;
  });
}

// A chart in the chosen language: each of its places, such as {{columns.nps}}, becomes the text.
function inWords(spec) {
  if (typeof spec === "string") {
    return spec.replace(/\{\{(\w+)\.(.+?)\}\}/g, (_, part, name) => texts()[part][name] ?? name).replace("{currency}", content.currency);
  }
  if (Array.isArray(spec)) return spec.map(inWords);
  if (spec === null || typeof spec !== "object") return spec;
  return Object.fromEntries(Object.entries(spec).map(([key, value]) => [key, inWords(value)]));
}
// A chart without the layers of which nothing is known here, such as scores with too few answers.
function ofKnown(spec, read) {
  if (spec.layer) {
    const layer = spec.layer.map((part) => ofKnown(part, read)).filter(Boolean);
    return layer.length ? { ...spec, layer } : null;
  }
  const isUnknown = ({ field, type }) => type === "quantitative" && field in read[0] && read.every((row) => row[field] === null);
  return Object.values(spec.encoding).some(isUnknown) ? null : spec;
}
// Charts with one line for each value are as high as they have lines.
const firstOf = (spec) => (spec.layer ? firstOf(spec.layer[0]) : spec);
function heightOf(spec, read) {
  if (!spec.height.step) return spec.height;
  return spec.height.step * new Set(read.map((row) => row[firstOf(spec).encoding.y.field])).size;
}
async function draw(name) {
  const panel = panelOf(name);
  const shown = chosenRows(name);
  const read = drawn(name, shown);
  const isTold = !content.specs[name];
  const spec = isTold || shown.length === 0 ? null : ofKnown(content.specs[name], read);
  const isEmpty = shown.length === 0 || (!isTold && !spec);
  panel.querySelector(".empty").hidden = !isEmpty;
  panel.querySelector(".drawing").hidden = isEmpty;
  sayScope(name);
  sayPicks(name);
  drawTable(name, shown);
  if (isEmpty) return;
  if (isTold) return tell(name, shown);
  const parts = chosen.language + JSON.stringify(spec);
  if (views[name]?.parts !== parts) return embed(name, spec, read, parts);
  await views[name].view.height(heightOf(spec, read)).data("rows", read).resize().runAsync();
}
async function embed(name, spec, read, parts) {
  views[name]?.view.finalize();
  const description = texts().panels[name].title;
  const filled = { ...inWords(spec), description, height: heightOf(spec, read), datasets: { rows: read } };
  const place = panelOf(name).querySelector(".chart");
  const { view } = await vegaEmbed(place, filled, { actions: false, renderer: "svg", ast: true, config: CONFIG });
  views[name] = { view, parts };
  view.addEventListener("click", (_, item) => item?.datum && follow(name, item.datum));
}
function drawTable(name, shown) {
  const place = panelOf(name).querySelector(".scroll");
  if (!panelOf(name).querySelector("details").open) return place.replaceChildren();
  const redraw = () => drawTable(name, shown);
  place.replaceChildren(tableOf(name, shown, { follow: (row) => follow(name, row), isChosen: (row) => isMarked(name, row), redraw }));
}
// Panels in words: one paragraph a row, of those parts of which everything is known.
function tell(name, shown) {
  const { heading, badge, parts } = texts().panels[name];
  const list = element("ul", undefined, { class: "stories" });
  for (const row of shown) {
    const story = element("li", undefined, { "data-verdict": row.verdict });
    const title = element("p", undefined, { class: "heading" });
    title.append(element("b", sentence(heading, row)), " ", element("span", sentence(badge, row), { class: "badge" }));
    const words = parts.filter((part) => isKnown(part, row)).map((part) => sentence(part, row));
    story.append(title, element("p", words.join(" ")));
    list.append(story);
  }
  panelOf(name).querySelector(".chart").replaceChildren(list);
}
// One panel after the other, so that the first are seen while the last are drawn; a newer choice takes over.
const main = document.querySelector("main");
let turn = 0;
let queue = Promise.resolve();
function drawAll() {
  const mine = ++turn;
  main.setAttribute("aria-busy", "true");
  queue = queue.catch(() => {}).then(async () => {
    for (const name of Object.keys(content.panels)) {
      if (mine !== turn) return;
      await draw(name);
      await pause();
    }
    main.removeAttribute("aria-busy");
  });
  return queue;
}
function pause() {
  return new Promise((done) => {
    const { port1, port2 } = new MessageChannel(); // a timer would wait for seconds in a tab that nobody looks at
    port1.onmessage = done;
    port2.postMessage(null);
  });
}

// ---- what is chosen, and where it shows ----

// From any panel to all others. A second click on the same takes it back, and so do the chips and the browser's way back.
function follow(name, row) {
  const { clicks, leads_to: leadsTo } = content.panels[name];
  const entries = Object.entries(clicks).filter(([, column]) => row[column] !== undefined && row[column] !== null);
  const changes = {};
  for (const [filter, column] of entries) {
    if (!FILTERS.includes(filter)) changes[filter] = row[column];
    else if (row[column] === ALL || content.filters[filter].includes(row[column]))
      changes[filter] = chosen[filter] === row[column] ? ALL : row[column];
  }
  if (Object.keys(changes).length === 0) return;
  choose(changes);
  if (leadsTo && panelOf(leadsTo)) show(leadsTo);
}
function choose(changes) {
  Object.assign(chosen, changes);
  history.pushState({ ...chosen }, "");
  return refresh();
}
function refresh() {
  for (const name of [...FILTERS, "period"]) form.elements[name].value = chosen[name];
  sayChips();
  sayTiles();
  return drawAll();
}
function show(name) {
  const panel = panelOf(name);
  panel.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  panel.focus({ preventScroll: true }); // from here a keyboard goes on
  panel.classList.add("pointed");
  setTimeout(() => panel.classList.remove("pointed"), 1600);
}
const filterWord = (filter) => (filter === "period" ? texts().page[`period_${chosen.period}`] : word(chosen[filter], filter));

function sayChips() {
  const { page } = texts();
  const set = [...FILTERS, "period"].filter(isSet);
  const bar = document.getElementById("active");
  const chips = set.map((filter) => {
    const chip = element("button", `${page[filter]}: ${filterWord(filter)}`, { type: "button", "data-chip": filter });
    chip.setAttribute("aria-label", page.remove.replace("{filter}", chip.textContent));
    chip.append(element("span", " ✕", { "aria-hidden": "true" }));
    chip.addEventListener("click", () => choose({ [filter]: filter === "period" ? "all" : ALL }));
    return chip;
  });
  bar.hidden = set.length === 0;
  bar.querySelector(".chips").replaceChildren(...chips);
  document.getElementById("said").textContent =
    set.length ? `${page.shown} ${set.map((filter) => `${page[filter]}: ${filterWord(filter)}`).join(", ")}` : page.shown_all;
}
// Under the question of each panel: which of the chosen filters it follows, and which it cannot.
function sayScope(name) {
  const { page } = texts();
  const place = panelOf(name).querySelector(".scope");
  const notes = [...FILTERS, "period"].filter(isSet).map((filter) => {
    const follows = filter === "period" ? hasMonths(name) : has(name, filter) || marks(name, filter);
    if (!follows) return element("span", page[`not_by_${filter}`], { class: "not" });
    const text = marks(name, filter) ? page.marked.replace("{value}", filterWord(filter)) : filterWord(filter);
    return element("span", text, { class: "follows" });
  });
  place.replaceChildren(...notes);
}
function sayPicks(name) {
  for (const select of panelOf(name).querySelectorAll("select")) {
    const column = select.name;
    const before = content.panels[name].picks.slice(0, content.panels[name].picks.indexOf(column));
    const among = before.reduce((left, other) => left.filter((row) => row[other] === pickOf(name, other, left)), rows[name]);
    const labels = new Map(among.map((row) => [row[column], row[column.replace(/_id$/, "_name")] ?? row[column]]));
    select.replaceChildren(...[...labels].map(([value, label]) => element("option", word(label, column), { value })));
    select.value = pickOf(name, column, among);
  }
}

// ---- headlines and findings ----

function sayTiles() {
  const { page } = texts();
  const place = document.getElementById("tiles");
  place.querySelectorAll(".tile").forEach((tile) => tile.remove());
  for (const tile of content.tiles) {
    const all = rowsIn(tile);
    const wanted = chosen[tile.part];
    const ofPart = all.filter((row) => row.part === wanted && row.value !== null);
    const series = ofPart.length ? ofPart : all.filter((row) => row.part === ALL && row.value !== null);
    const now = series.at(-1);
    if (!now) continue;
    place.append(tileOf(tile, now, series, page));
  }
}
function tileOf(tile, now, series, page) {
  const box = element("button", undefined, { type: "button", class: "tile", "data-tile": tile.name });
  box.addEventListener("click", () => show(tile.panel));
  const value = amount(now.value, tile.unit);
  box.append(element("span", page[`tile_${tile.name}`], { class: "name" }), element("b", value, value.length > 8 ? { class: "long" } : {}));
  if (now.lower !== null && now.upper !== null) box.append(element("small", interval(now.lower, now.upper, tile.unit)));
  const before = series.length > 1 ? series.at(-2) : null;
  if (before) box.append(changeOf(tile, now, before, page));
  const made = [`n = ${amount(now.n, "count")}`];
  if (now.month) made.push(date(now.month, "month"));
  if (isSet("department") || isSet("segment")) made.push(now.part === ALL ? page.whole : word(now.part, tile.part));
  box.append(element("small", made.join(" · ")));
  if (series.length > 2) box.append(sparkline(series.map((row) => row.value)));
  return box;
}
// Which way it went, with the number it came from. It counts as a change where both intervals lie apart; anything less
// may be chance.
function changeOf(tile, now, before, page) {
  const from = amount(before.value, tile.unit);
  const isSure = now.lower !== null && before.lower !== null && (now.lower > before.upper || now.upper < before.lower);
  const arrow = now.value > before.value ? "▲" : now.value < before.value ? "▼" : "＝";
  const text = page.change.replace("{from}", from).replace("{month}", date(before.month, "month"));
  const note = now.lower === null ? "" : isSure ? page.change_sure : page.change_unsure;
  const made = element("small", `${arrow} ${text}${note}`, { class: "change" });
  if (isSure) made.classList.add("sure");
  return made;
}
function sparkline(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const place = (value, index) =>
    `${((100 * index) / (values.length - 1)).toFixed(1)},${(22 - (20 * (value - low)) / (high - low || 1)).toFixed(1)}`;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 24");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(svg.namespaceURI, "polyline");
  line.setAttribute("points", values.map(place).join(" "));
  svg.append(line);
  return svg;
}
const FINDINGS_SHOWN = 4; // a list that fits one look; the rest is one click away
function sayFindings() {
  for (const list of document.querySelectorAll("[data-findings]")) {
    const isGood = list.dataset.findings === "good";
    const items = content.findings.filter((finding) => finding.good === isGood)
      .flatMap((finding) => rowsIn(finding).map((row) => findingOf(finding, row)));
    const none = element("li", texts().page[isGood ? "nothing_good" : "nothing_bad"], { class: "none" });
    list.replaceChildren(...(items.length ? items.slice(0, FINDINGS_SHOWN) : [none]));
    const more = list.parentElement.querySelector("details");
    more.hidden = items.length <= FINDINGS_SHOWN;
    more.querySelector("ul").replaceChildren(...items.slice(FINDINGS_SHOWN));
  }
}
function findingOf(finding, row) {
  const item = element("li");
  const button = element("button", sentence(texts().findings[finding.name], row), { type: "button", "data-finding": finding.name });
  button.addEventListener("click", () => {
    const changes = Object.fromEntries(finding.follows.map((column) => [column, row[column]]));
    if (Object.keys(changes).length) choose(changes);
    show(finding.panel);
  });
  item.append(button);
  return item;
}

// ---- the whole page in one language ----

function options(name, values, label) {
  const select = form.elements[name];
  select.replaceChildren(...values.map((value) => element("option", label(value), { value })));
  select.value = chosen[name];
}
function say() {
  root.lang = chosen.language;
  const { page, panels, groups } = texts();
  document.title = `${document.querySelector("h1").dataset.company} – ${page.title}`;
  document.querySelectorAll("[data-text]").forEach((place) => { place.textContent = page[place.dataset.text]; });
  document.querySelectorAll("[data-label]").forEach((place) => { place.setAttribute("aria-label", page[place.dataset.label]); });
  document.querySelectorAll("[data-group]").forEach((place) => { place.textContent = groups[place.dataset.group]; });
  document.querySelectorAll("time").forEach((place) => { place.textContent = date(place.dateTime, "day"); });
  for (const name of Object.keys(content.panels)) {
    panelOf(name).querySelector("h3").textContent = panels[name].title;
    panelOf(name).querySelector(".question").textContent = panels[name].question;
  }
  const all = (name) => (value) => (value === ALL ? page[`all_${name}`] : word(value, name));
  for (const name of FILTERS) {
    options(name, [ALL, ...content.filters[name]], all(name));
    form.elements[name].closest("label").hidden = content.filters[name].length === 0;
  }
  options("period", PERIODS, (value) => page[`period_${value}`]);
  options("language", Object.keys(content.texts), (value) => content.texts[value].page.name);
  options("theme", THEMES, (value) => page[`theme_${value}`]);
  sayFindings();
  return refresh();
}

form.addEventListener("change", ({ target: { name, value } }) => {
  if (name === "theme") { chosen.theme = value; root.dataset.theme = value; }
  else if (name === "language") { chosen.language = value; say(); }
  else choose({ [name]: value });
});
form.addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll("[data-reset]")) {
  button.addEventListener("click", () => choose({ department: ALL, segment: ALL, period: "all" }));
}
addEventListener("popstate", (event) => {
  if (!event.state) return;
  const { language, theme } = chosen;
  Object.assign(chosen, event.state, { language, theme });
  refresh();
});
for (const name of Object.keys(content.panels)) {
  const panel = panelOf(name);
  panel.querySelector("details").addEventListener("toggle", () => drawTable(name, chosenRows(name)));
  panel.querySelector("[data-take=csv]").addEventListener("click", () => save(name, chosenRows(name)));
  panel.querySelector("[data-take=copy]").addEventListener("click", async (event) => {
    await copy(name, chosenRows(name));
    event.target.textContent = texts().page.copied;
    setTimeout(() => { event.target.textContent = texts().page.copy; }, 1600);
  });
  for (const select of panel.querySelectorAll("select")) {
    select.addEventListener("change", () => choose({ [select.name]: select.value }));
  }
}
for (const link of document.querySelectorAll("nav [data-goes]")) {
  link.addEventListener("click", () => document.getElementById(link.dataset.goes).scrollIntoView());
}
// On paper every chart is as wide as the sheet, however wide the window is; those that need more are made smaller.
const PAPER_WIDTH = 670; // pixels between the margins of A4 and of Letter, within a panel
const needed = (name) => parseInt(panelOf(name).querySelector(".chart").style.minWidth, 10) || 0;
addEventListener("beforeprint", () => {
  for (const [name, { view }] of Object.entries(views)) view.width(Math.max(PAPER_WIDTH, needed(name))).run();
});
addEventListener("afterprint", () => dispatchEvent(new Event("resize")));
history.replaceState({ ...chosen }, "");
say().then(
  () => { root.dataset.ready = String(Math.round(performance.now())); },
  (error) => { root.dataset.failed = String(error); throw error; },
);
