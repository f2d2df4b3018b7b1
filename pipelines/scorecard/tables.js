// The table under each panel: the rows that are drawn, to sort, to copy and to take along.
const sorting = {}; // by panel: the column, and whether the highest comes first
const columnsOf = (name) => content.panels[name].columns.filter((column) => column in texts().columns);
const isNumber = (column, row) => !["word", "month", "quarter", "day"].includes(unitOf(column, row));

function sorted(name, rows) {
  const order = sorting[name];
  if (!order) return rows;
  const { column, descending } = order;
  const compare = (one, other) => {
    const [a, b] = [one[column], other[column]];
    if (a === null || b === null) return (a === null) - (b === null); // what is missing comes last, either way
    const first = typeof a === "number" ? a - b : said(one, column).localeCompare(said(other, column), chosen.language);
    const byDate = ["month", "quarter", "day"].includes(unitOf(column, one)) ? (a < b ? -1 : a > b ? 1 : 0) : first;
    return descending ? -byDate : byDate;
  };
  return [...rows].sort(compare);
}

function tableOf(name, rows, { follow, isChosen, redraw }) {
  const columns = columnsOf(name);
  const clicks = Object.entries(content.panels[name].clicks);
  const table = element("table");
  table.append(element("caption", texts().panels[name].title, { class: "hidden" }));
  const head = table.createTHead().insertRow();
  for (const column of columns) {
    const order = sorting[name]?.column === column ? (sorting[name].descending ? "descending" : "ascending") : "none";
    const cell = element("th", undefined, { scope: "col", "aria-sort": order });
    const button = element("button", texts().columns[column], { type: "button" });
    button.addEventListener("click", () => {
      sorting[name] = { column, descending: order === "ascending" };
      redraw();
    });
    cell.append(button);
    head.append(cell);
  }
  const body = table.createTBody();
  for (const row of sorted(name, rows)) {
    const line = body.insertRow();
    if (isChosen(row)) line.className = "chosen";
    for (const column of columns) {
      const cell = element("td", undefined, isNumber(column, row) ? { class: "number" } : {});
      const clicked = clicks.find(([, from]) => from === column || (from === "initiative_id" && column === "initiative_name"));
      if (clicked && row[clicked[1]]) {
        const button = element("button", said(row, column), { type: "button", class: "follow" });
        button.addEventListener("click", () => follow(row));
        cell.append(button);
      } else cell.textContent = said(row, column);
      line.append(cell);
    }
  }
  return table;
}

// What is taken along are the numbers of the file, not what is rounded for the eye, under the names of its columns.
function separated(name, rows, separator) {
  const columns = columnsOf(name);
  const field = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return String(value);
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value); // no name becomes a formula in a spreadsheet
    return /["\n\r,\t]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [columns, ...sorted(name, rows).map((row) => columns.map((column) => row[column]))]
    .map((line) => line.map(field).join(separator)).join("\r\n");
}
function save(name, rows) {
  const file = new Blob(["\uFEFF", separated(name, rows, ","), "\r\n"], { type: "text/csv" }); // the mark tells Excel UTF-8
  const link = element("a", undefined, { href: URL.createObjectURL(file), download: `kizuna-${content.as_of}-${name}.csv` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
async function copy(name, rows) {
  const text = separated(name, rows, "\t");
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = element("textarea", text);
  document.body.append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
