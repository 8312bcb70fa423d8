// The markdown block (standard Markdown) as elements: headings, lists, quotes, fences, tables, inline marks.

import { h } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { link } from "./mrkdwn.js";

export function markdown(text) {
  const nodes = [];
  const lines = text.split("\n");
  while (lines.length) {
    const shape = SHAPES.find(([pattern]) => pattern.test(lines[0]));
    nodes.push(shape[1](lines));
  }
  return nodes.filter(Boolean);
}

/** Takes the leading lines that match off `lines`. */
function run(lines, pattern) {
  const taken = [];
  while (lines.length && pattern.test(lines[0])) taken.push(lines.shift());
  return taken;
}

const BULLET = /^\s*[-*+] /;
const NUMBER = /^\s*\d+[.)] /;
const SHAPES = [
  [/^\s*$/, (lines) => void lines.shift()],
  [/^```/, fence],
  [/^#{1,6} /, heading],
  [/^(---+|\*\*\*+)\s*$/, (lines) => (lines.shift(), h("hr"))],
  [/^> ?/, (lines) => h("blockquote", {}, markdown(run(lines, /^> ?/).map((line) => line.replace(/^> ?/, "")).join("\n")))],
  [/^\|.*\|\s*$/, table],
  [BULLET, (lines) => h("ul", {}, run(lines, BULLET).map((line) => item(line.replace(BULLET, ""))))],
  [NUMBER, (lines) => h("ol", {}, run(lines, NUMBER).map((line) => item(line.replace(NUMBER, ""))))],
  [/^/, paragraph],
];

function fence(lines) {
  lines.shift();
  const code = run(lines, /^(?!```)/);
  lines.shift();
  return h("pre", {}, code.join("\n"));
}

function heading(lines) {
  const [, marks, text] = lines.shift().match(/^(#+) (.*)$/);
  return h(`h${Math.min(marks.length + 2, 6)}`, {}, inline(text));
}

function item(text) {
  const [, box, rest] = text.match(/^(\[[ x]\] )?(.*)$/i);
  return h("li", {}, box ? (/x/i.test(box) ? "☑ " : "☐ ") : null, inline(rest));
}

function table(lines) {
  const rows = run(lines, /^\|.*\|\s*$/).map((line) => line.trim().slice(1, -1).split("|").map((cell) => cell.trim()));
  const body = rows.filter((row) => !row.every((cell) => /^:?-+:?$/.test(cell)));
  const headed = body.length < rows.length;
  return h("table", {}, body.map((row, index) =>
    h("tr", {}, row.map((cell) => h(headed && index === 0 ? "th" : "td", {}, inline(cell))))));
}

function paragraph(lines) {
  const text = [lines.shift()];
  while (lines.length && SHAPES.find(([pattern]) => pattern.test(lines[0]))[1] === paragraph) text.push(lines.shift());
  return h("p", {}, text.flatMap((line, index) => (index ? [h("br"), ...inline(line)] : inline(line))));
}

const INLINE = /`([^`]+)`|\[([^\]]+)\]\(([^)\s]+)\)|\*\*(.+?)\*\*|__(.+?)__|~~(.+?)~~|\*([^*\s][^*]*)\*|(?<!\w)_([^_\s][^_]*)_(?!\w)/g;

function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(withEmoji(text.slice(end, match.index)), marked(match));
    end = match.index + match[0].length;
  }
  nodes.push(withEmoji(text.slice(end)));
  return nodes.filter((node) => node !== "");
}

function marked([whole, code, label, url, bold, bold2, strike, italic, italic2]) {
  if (code !== undefined) return h("code", {}, code);
  if (label !== undefined) return link(url, label) ?? whole;
  if (bold ?? bold2) return h("strong", {}, inline(bold ?? bold2));
  if (strike !== undefined) return h("s", {}, inline(strike));
  return h("em", {}, inline(italic ?? italic2));
}
