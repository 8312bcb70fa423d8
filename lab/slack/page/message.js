// One message: who, when, what, and what hangs on it.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { h, icon } from "./dom.js";
import { emoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";
import { notice } from "./notice.js";
import { person, store } from "./store.js";
import { clock } from "./time.js";

const PREVIEW_LINES = 8;

export function avatar(who, size = "") {
  if (who.isApp) return h("img", { class: `avatar ${size}`, src: "/page/mark.svg", alt: "" });
  return h("span", { class: `avatar ${size}`, style: `--colour:${who.colour}`, "aria-hidden": "true" }, who.name.slice(0, 1).toUpperCase());
}

/** `continued` leaves out the author, who just wrote the message above; `openThread` is left out inside a thread. */
export function message(one, { continued = false, openThread = null } = {}) {
  const who = person(one.user);
  const hidden = Boolean(one.ephemeral_to);
  return h("article", {
    class: ["message", continued && "continued", hidden && "ephemeral"].filter(Boolean).join(" "),
    "data-testid": "message",
    "data-ts": one.ts,
    "aria-label": `${who.name}, ${clock(one.ts)}`,
  },
    h("div", { class: "gutter" }, continued ? h("time", {}, clock(one.ts)) : avatar(who)),
    h("div", { class: "content" },
      hidden ? h("div", { class: "only-you" }, icon("eye"), "Only visible to you") : null,
      continued ? null : author(who, one),
      openThread && one.subtype === "thread_broadcast" ? broadcast(one, openThread) : null,
      body(one),
      (one.files ?? []).map(file),
      reactions(one),
      openThread ? threadLine(one, openThread) : null),
    openThread && !hidden
      ? h("div", { class: "tools" }, h("button", { type: "button", title: "Reply in thread", "aria-label": "Reply in thread", onclick: () => openThread(one) }, icon("thread")))
      : null);
}

/** In the channel a broadcast says which thread it is from. */
function broadcast(one, openThread) {
  const root = store.messages.get(one.channel)?.get(one.thread_ts);
  return h("div", { class: "broadcast" }, icon("thread"), h("span", {}, "replied to a thread: "),
    h("button", { type: "button", "data-testid": "broadcast", onclick: () => openThread(one) }, root ? inOneLine(root) : "the thread"));
}

const ROOT_CHARACTERS = 80;

function inOneLine(one) {
  const text = h("span", {}, mrkdwn(one.text || "a message")).textContent.replace(/\s+/g, " ");
  return text.length > ROOT_CHARACTERS ? `${text.slice(0, ROOT_CHARACTERS - 1)}…` : text;
}

const author = (who, one) =>
  h("div", { class: "author" },
    h("strong", {}, who.real_name),
    who.isApp ? h("span", { class: "badge" }, "APP") : null,
    h("time", { datetime: new Date(Number(one.ts) * 1000).toISOString() }, clock(one.ts)));

function body(one) {
  const context = {
    act: (block, element, value) => click(one, block, element, value),
    suggest: (_block, element, typed) => act("suggest", { person: store.me, channel: one.channel, ts: one.ts, action_id: element.action_id, value: typed }),
  };
  if (one.subtype === "tombstone") return [h("div", { class: "tombstone" }, one.text)];
  // Slack shows the flag on messages of text only.
  const edited = one.edited && !one.blocks?.length ? h("span", { class: "edited" }, "(edited)") : null;
  const drawn = one.blocks?.length
    ? blocks(one.blocks, context)
    : one.text ? [h("div", { class: "text" }, mrkdwn(one.text), edited)] : [];
  const attached = (one.attachments ?? []).map((attachment) =>
    h("div", { class: "attachment", style: `--bar:${safeColour(attachment.color)}` },
      attachment.title ? h("strong", {}, attachment.title) : null,
      attachment.blocks ? blocks(attachment.blocks, context) : mrkdwn(attachment.text ?? attachment.fallback ?? "")));
  return [...drawn, ...attached];
}

const NAMED = { good: "#2eb67d", warning: "#ecb22e", danger: "#e01e5a" };

const safeColour = (colour) => NAMED[colour] ?? (/^#?[0-9a-f]{3,8}$/i.test(colour ?? "") ? `#${colour.replace("#", "")}` : "#d5d9e2");

async function click(one, block, element, value) {
  try {
    const outcome = await act("click", {
      person: store.me, channel: one.channel, ts: one.ts, block_id: block.block_id, action_id: element.action_id, value,
    });
    if (outcome.error) notice(`${store.workspace.app.name} did not answer (${outcome.error}). Try again?`);
  } catch (error) {
    notice(error.message === "action_not_found" ? "That button is gone: the message has changed." : error.message);
  }
}

function file(one) {
  const path = new URL(one.url_private).pathname;
  if (one.mimetype.startsWith("image/")) {
    return h("figure", { class: "file" }, h("figcaption", {}, one.title), h("img", { class: "picture", src: path, alt: one.alt_txt || one.title }));
  }
  const card = h("div", { class: "file" }, h("a", { href: path, target: "_blank" }, icon("file"), one.title, h("small", {}, ` ${size(one.size)}`)));
  if (one.mimetype.startsWith("text/")) preview(card, path);
  return card;
}

const size = (bytes) => (bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} kB`);

async function preview(card, path) {
  const lines = (await (await fetch(path)).text()).split("\n");
  const more = lines.length > PREVIEW_LINES ? `\n… ${lines.length - PREVIEW_LINES} more lines` : "";
  card.append(h("pre", {}, lines.slice(0, PREVIEW_LINES).join("\n") + more));
}

const reactions = (one) =>
  one.reactions?.length
    ? h("div", { class: "reactions" }, one.reactions.map((reaction) => h("span", { class: "reaction" }, emoji(reaction.name), ` ${reaction.count}`)))
    : null;

function threadLine(one, openThread) {
  if (!one.reply_count) return null;
  const faces = one.reply_users.slice(0, 4).map((id) => avatar(person(id), "small"));
  const count = one.reply_count === 1 ? "1 reply" : `${one.reply_count} replies`;
  return h("button", { type: "button", class: "thread-line", "data-testid": "thread-line", onclick: () => openThread(one) },
    faces, h("span", { class: "count" }, count), h("span", { class: "last" }, `Last reply ${clock(one.latest_reply)}`));
}
