// Slack's own markup (mrkdwn) as elements.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { channel, person, store } from "./store.js";
import { clock, day } from "./time.js";

/** `text` as a list of nodes: fences, quotes, lists and lines, with the inline markup in them. */
export function mrkdwn(text) {
  const parts = text.split(/```\n?([\s\S]*?)\n?```/);
  return parts.flatMap((part, index) => (index % 2 ? [h("pre", {}, plain(part))] : lines(trimmed(part, parts, index))));
}

function trimmed(part, parts, index) {
  const after = index > 0 ? part.replace(/^\n/, "") : part;
  return index < parts.length - 1 ? after.replace(/\n$/, "") : after;
}

/** A fence's text: links are shown by their address, entities as characters. */
const plain = (text) => unescaped(text.replace(/<((?:https?:|mailto:)[^|>]+)(?:\|([^>]*))?>/g, (_, url, label) => label || url));

export const unescaped = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

const KINDS = [
  ["quote", /^(?:&gt;|>) ?(.*)$/],
  ["bullet", /^\s*[•◦*-] (.*)$/],
  ["number", /^\s*(\d+\. .*)$/],
];

function lines(text) {
  if (!text) return [];
  const nodes = [];
  let open = null;
  for (const line of text.split("\n")) {
    const [kind, content] = classify(line);
    if (open?.kind !== kind) {
      open = { kind, element: container(kind) };
      nodes.push(open.element);
    } else if (kind === "text" || kind === "quote") {
      open.element.append(h("br"));
    }
    if (kind === "bullet" || kind === "number") open.element.append(h("li", {}, inline(content)));
    else open.element.append(...inline(content));
  }
  return nodes;
}

function classify(line) {
  for (const [kind, pattern] of KINDS) {
    const match = line.match(pattern);
    if (match) return [kind, match[1]];
  }
  return ["text", line];
}

const container = (kind) =>
  ({
    quote: () => h("blockquote"),
    bullet: () => h("ul"),
    number: () => h("ul", { class: "numbered" }),
    text: () => h("span", { class: "line" }),
  })[kind]();

const INLINE = new RegExp(
  [
    /`([^`\n]+)`/, // 1 code
    /<([^<>\n]+)>/, // 2 link, mention, date
    /:([a-z0-9_+-]+(?:::skin-tone-\d)?):/, // 3 emoji
    /(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])/, // 4 bold
    /(?<![\w_])_(?=\S)([^_\n]*[^_\s]|\S(?:[^\n]*?\S)?)_(?![\w_])/, // 5 italic
    /(?<![\w~])~(?=\S)([^~\n]*[^~\s])~(?![\w~])/, // 6 strike
  ]
    .map((pattern) => pattern.source)
    .join("|"),
  "g",
);

export function inline(text) {
  const nodes = [];
  let end = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(unescaped(text.slice(end, match.index)), marked(match));
    end = match.index + match[0].length;
  }
  nodes.push(unescaped(text.slice(end)));
  return nodes.filter((node) => node !== "");
}

function marked([whole, code, entity, emojiName, bold, italic, strike]) {
  if (code !== undefined) return h("code", {}, unescaped(code));
  if (entity !== undefined) return reference(entity, whole);
  if (emojiName !== undefined) return emoji(emojiName);
  if (bold !== undefined) return h("strong", {}, inline(bold));
  if (italic !== undefined) return h("em", {}, inline(italic));
  return h("s", {}, inline(strike));
}

function reference(entity, whole) {
  const [target, label] = entity.split("|");
  if (target.startsWith("@")) return mention(`@${label || person(target.slice(1)).name}`, target.slice(1) === store.me);
  if (target.startsWith("#")) return mention(`#${label || channel(target.slice(1))?.name || target.slice(1)}`);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!subteam^")) return groupMention(target.slice(9), label);
  if (target.startsWith("!")) return mention(`@${target.slice(1).split("^")[0]}`, true);
  return link(target, label ? unescaped(label) : undefined) ?? unescaped(whole);
}

function groupMention(id, label) {
  const group = store.workspace.groups.find((one) => one.id === id);
  return mention(label || `@${group?.handle ?? id}`, group?.members.includes(store.me));
}

export const mention = (text, loud = false) => h("span", { class: loud ? "mention loud" : "mention" }, text);

/** A link, where the address is one that is safe to follow. */
export function link(url, label) {
  const address = unescaped(url);
  if (!/^(https?:\/\/|mailto:)/i.test(address)) return null;
  return h("a", { href: address, target: "_blank", rel: "noopener noreferrer" }, label ?? address);
}

/** Slack's `_pretty` dates say today and yesterday. */
function writtenDay(when, pretty) {
  const near = day(when.getTime() / 1000).toLowerCase();
  return pretty && ["today", "yesterday"].includes(near) ? near : when.toLocaleDateString("en", { month: "short", day: "numeric", year: "numeric" });
}

function date(target, fallback) {
  const [, seconds, format, address] = target.split("^");
  const when = new Date(Number(seconds) * 1000);
  if (Number.isNaN(when.getTime())) return fallback ?? "";
  const written = format
    .replace(/\{date[a-z_]*\}/g, (token) => writtenDay(when, token.includes("pretty")))
    .replace(/\{time[a-z_]*\}/g, (token) => clock(seconds, token.includes("secs")))
    .replace(/\{ago\}/g, `${Math.max(0, Math.round((Date.now() - when) / 60000))} min ago`);
  return address ? (link(address, written) ?? written) : h("time", { datetime: when.toISOString() }, written);
}
