// How the chosen language says what the published file holds: words, numbers with their unit, months, sentences.
// Rounds for the eye; computes nothing.
"use strict";
const content = JSON.parse(document.getElementById("content").textContent);
const root = document.documentElement;
const ALL = "(all)";
const NOTHING = "–";
const BOUNDS = /_(lower|upper)$/;
const chosen = { department: ALL, segment: ALL, period: "all", initiative_id: null, effect_on: null, language: firstLanguage(), theme: "auto" };

function firstLanguage() {
  const known = Object.keys(content.texts);
  return navigator.languages.map((tag) => tag.split("-")[0]).find((tag) => known.includes(tag)) || known[0];
}
const texts = () => content.texts[chosen.language];
// Names of departments are the company's own, and the same in every language.
const word = (value, column) => content.names[column]?.[value] ?? texts().values[value] ?? value;

const formats = {}; // making one takes longer than using it
function format(kind, options, make = Intl.NumberFormat) {
  const name = `${chosen.language} ${kind}`;
  formats[name] ??= new make(chosen.language, options);
  return formats[name];
}
const DAYS = {
  day: { year: "numeric", month: "short", day: "numeric", timeZone: "UTC" },
  month: { year: "numeric", month: "short", timeZone: "UTC" },
};
function date(value, unit) {
  const moment = new Date(value);
  if (unit !== "quarter") return format(unit, DAYS[unit], Intl.DateTimeFormat).format(moment);
  const quarter = Math.floor(moment.getUTCMonth() / 3) + 1;
  return texts().page.quarter_format.replace("{year}", moment.getUTCFullYear()).replace("{quarter}", quarter);
}
const DIGITS = { count: 0, points: 1, percent: 1, ratio: 1, score: 2 };
function number(value, unit, isShort = false) {
  const bare = unit.replace("+", "");
  const signDisplay = unit.startsWith("+") ? "exceptZero" : "negative"; // negative: no -0
  if (bare !== "money") {
    const options = { minimumFractionDigits: DIGITS[bare], maximumFractionDigits: DIGITS[bare], signDisplay };
    return format(unit, options).format(value);
  }
  const money = { style: "currency", currency: content.currency, currencyDisplay: "narrowSymbol", signDisplay };
  if (isShort && Math.abs(value) >= 1000) {
    return format(`${unit} short`, { ...money, notation: "compact", maximumSignificantDigits: 3 }).format(value);
  }
  const isRound = Math.abs(value) >= 1000 || Number.isInteger(value) || !currencyHasCents();
  const digits = isRound ? 0 : 2;
  return format(`${unit} ${digits}`, { ...money, minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}
// What stands behind a number; differences of percentages are points.
const suffix = (unit) => ({ percent: "%", "+percent": texts().page.points })[unit] ?? "";
const amount = (value, unit) => number(value, unit) + suffix(unit);
const interval = (lower, upper, unit) => number(lower, unit) + texts().page.to + amount(upper, unit);
const currencyHasCents = () =>
  format("cents", { style: "currency", currency: content.currency }).resolvedOptions().maximumFractionDigits > 0;

// The unit of a column in a row: columns of targets and effects hold several, and the row says which.
function unitOf(column, row) {
  const unit = content.units[column.replace(BOUNDS, "")];
  return unit === undefined ? undefined : unit.replace("by_row", row.unit ?? "score");
}
function said(row, column, isShort = false) {
  const value = row[column];
  if (value === null || value === undefined) return NOTHING;
  const unit = unitOf(column, row);
  if (unit === undefined || typeof value === "boolean") return String(value);
  if (unit === "word") return word(value, column);
  if (unit in DAYS || unit === "quarter") return date(value, unit);
  return isShort ? number(value, unit, true) + (unit === "percent" ? "%" : "") : amount(value, unit);
}
const hasSpan = (row, column) => typeof row[`${column}_lower`] === "number" && typeof row[`${column}_upper`] === "number";
function span(row, column) {
  return hasSpan(row, column) ? interval(row[`${column}_lower`], row[`${column}_upper`], unitOf(column, row)) : "";
}
function shortSpan(row, column) {
  if (!hasSpan(row, column)) return "";
  return [`${column}_lower`, `${column}_upper`].map((end) => number(row[end], unitOf(column, row), true)).join(texts().page.to);
}
const bound = (text) => text.replace(/([+-])(?=\D?\d)/g, "$1\u2060"); // no line ends between a sign and its number
// A sentence with {column} and, in brackets where there is one, its interval {column±}.
function sentence(template, row) {
  return template.replace(/\{(\w+)(±?)\}/g, (_, column, isInterval) => {
    if (!isInterval) return typeof row[column] === "number" ? bound(said(row, column)) : said(row, column);
    return hasSpan(row, column) ? texts().page.interval.replace("{interval}", bound(span(row, column))) : "";
  });
}
const isKnown = (template, row) =>
  [...template.matchAll(/\{(\w+)\}/g)].every(([, column]) => row[column] !== null && row[column] !== undefined);

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
const rowsIn = ({ columns, values }) => values.map((row) => Object.fromEntries(columns.map((column, place) => [column, row[place]])));
