// The page at work: chooses rows by the filters, hands them to the charts and the tables, says everything in the
// chosen language. Computes no number.
(() => {
  "use strict";
  const content = JSON.parse(document.getElementById("content").textContent);
  const form = document.getElementById("filters");
  const root = document.documentElement;
  const ALL = "(all)";
  const PERIODS = ["all", "12", "6"];
  const THEMES = ["auto", "light", "dark"];
  const chosen = { department: ALL, segment: ALL, period: "all", language: firstLanguage(), theme: "auto" };
  const views = {};

  function firstLanguage() {
    const known = Object.keys(content.texts);
    return navigator.languages.map((tag) => tag.split("-")[0]).find((tag) => known.includes(tag)) || known[0];
  }
  const texts = () => content.texts[chosen.language];
  const word = (value) => texts().values[value] ?? value;

  // Rows of another department or segment are left out; a panel that is of all of them stays as it is.
  function rowsOf(name) {
    const { rows, words } = content.panels[name];
    const months = [...new Set(rows.map((row) => row.month).filter(Boolean))].sort();
    const first = chosen.period === "all" || months.length < 2 ? "" : months[Math.max(0, months.length - Number(chosen.period))];
    const kept = rows.filter((row) =>
      (row.month === undefined || row.month >= first) && matches(name, rows, row, "department") && matches(name, rows, row, "segment"));
    return kept.map((row) => {
      const labels = Object.fromEntries(words.map((column) => [`${column}_label`, row[column] === null ? "" : word(row[column])]));
      return { ...row, ...labels };
    });
  }
  function matches(name, rows, row, filter) {
    if (!(filter in row)) return true;
    const hasTotal = rows.some((other) => other[filter] === ALL);
    if (chosen[filter] === ALL) return !hasTotal || isOverview(name, filter) || row[filter] === ALL;
    return row[filter] === chosen[filter];
  }
  // Panels that set departments or segments beside one another show all of them until one is chosen.
  const isOverview = (name, filter) => (content.panels[name].clicks || [])[0] === filter;

  function number(value, unit) {
    const digits = unit === "money" || Number.isInteger(value) ? 0 : 1;
    return new Intl.NumberFormat(chosen.language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value)
      + (unit === "percent" ? " %" : "");
  }
  function cell(value, column, words) {
    if (value === null || value === undefined) return "";
    if (words.includes(column)) return word(value);
    if (typeof value === "number") return new Intl.NumberFormat(chosen.language, { maximumFractionDigits: 4 }).format(value);
    return String(value);
  }
  function element(tag, text, attributes = {}) {
    const made = document.createElement(tag);
    if (text !== undefined) made.textContent = text;
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  }

  function sayTiles() {
    const place = document.getElementById("tiles");
    place.querySelectorAll(".tile").forEach((tile) => tile.remove());
    for (const tile of content.tiles) {
      const box = element("div", undefined, { class: "tile", "data-tile": tile.name });
      box.append(element("small", texts().page[`tile_${tile.name}`]), element("b", number(tile.value, tile.unit)));
      const parts = [];
      if (tile.lower !== null) parts.push(`${number(tile.lower, tile.unit)} – ${number(tile.upper, tile.unit)}`);
      parts.push(`n = ${number(tile.n, "count")}`);
      if (tile.month) parts.push(tile.month.slice(0, 7));
      box.append(element("small", parts.join(" · ")));
      place.append(box);
    }
  }

  function tableOf(name, rows) {
    const { words } = content.panels[name];
    const columns = Object.keys(content.panels[name].rows[0]).filter((column) => column in texts().columns);
    const table = element("table");
    const head = table.createTHead().insertRow();
    for (const column of columns) head.append(element("th", texts().columns[column], { scope: "col" }));
    const body = table.createTBody();
    for (const row of rows) {
      const line = body.insertRow();
      for (const column of columns) {
        line.append(element("td", cell(row[column], column, words), typeof row[column] === "number" ? { class: "number" } : {}));
      }
    }
    return table;
  }

  async function draw(name) {
    const panel = document.getElementById(name);
    const rows = rowsOf(name);
    panel.querySelector(".empty").hidden = rows.length > 0;
    panel.querySelector(".chart").hidden = rows.length === 0;
    panel.querySelector(".scroll").replaceChildren(tableOf(name, rows));
    if (rows.length === 0) return;
    if (!views[name]) {
      const spec = { ...content.specs[chosen.language][name], datasets: { rows } };
      const made = await vegaEmbed(panel.querySelector(".chart"), spec, { actions: false, renderer: "svg", ast: true, logLevel: 1 }); // errors only
      views[name] = made.view;
      made.view.description(texts().panels[name].title);
      made.view.addEventListener("click", (_, item) => click(name, item));
      return;
    }
    await views[name].data("rows", rows).resize().runAsync();
  }
  // From any panel to all others: the chosen department or segment is followed everywhere.
  function click(name, item) {
    const clicks = content.panels[name].clicks;
    if (!clicks || !item || !item.datum || item.datum[clicks[1]] === undefined) return;
    const [filter, column] = clicks;
    const value = item.datum[column];
    if (value !== ALL && !content.filters[filter].includes(value)) return;
    chosen[filter] = chosen[filter] === value ? ALL : value;
    form.elements[filter].value = chosen[filter];
    drawAll();
  }
  const drawAll = () => Promise.all(Object.keys(content.panels).map(draw));

  function options(name, values, label) {
    const select = form.elements[name];
    select.replaceChildren(...values.map((value) => element("option", label(value), { value })));
    select.value = chosen[name];
  }
  function say() {
    root.lang = chosen.language;
    const { page, panels } = texts();
    document.querySelectorAll("[data-text]").forEach((place) => { place.textContent = page[place.dataset.text]; });
    for (const name of Object.keys(content.panels)) {
      const panel = document.getElementById(name);
      panel.querySelector("h2").textContent = panels[name].title;
      panel.querySelector(".question").textContent = panels[name].question;
    }
    options("department", [ALL, ...content.filters.department], (value) => (value === ALL ? page.all : word(value)));
    options("segment", [ALL, ...content.filters.segment], (value) => (value === ALL ? page.all : word(value)));
    options("period", PERIODS, (value) => page[`period_${value}`]);
    options("language", Object.keys(content.texts), (value) => content.texts[value].page.name);
    options("theme", THEMES, (value) => page[`theme_${value}`]);
    sayTiles();
    for (const name of Object.keys(views)) { views[name].finalize(); delete views[name]; }
    return drawAll();
  }

  form.addEventListener("change", (event) => {
    const { name, value } = event.target;
    chosen[name] = value;
    if (name === "theme") root.dataset.theme = value;
    else if (name === "language") say();
    else drawAll();
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    Object.assign(chosen, { department: ALL, segment: ALL, period: "all" });
    say();
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  say().then(() => { root.dataset.ready = String(Math.round(performance.now())); }, (error) => { root.dataset.failed = String(error); throw error; });
})();
