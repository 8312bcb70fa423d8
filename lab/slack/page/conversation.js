// A channel (or the direct message with the app) and the thread beside it.

import { composer } from "./composer.js";
import { h, icon, reconcile } from "./dom.js";
import { avatar, message } from "./message.js";
import { menuButton } from "./sidebar.js";
import { channel, isReply, person, store, visible } from "./store.js";
import { day, dayKey } from "./time.js";

const TOGETHER_SECONDS = 300;
const NEAR_END = 120;

/** The main column for `place`; drawn once, then kept current by `refreshMessages`. */
export function conversation(place) {
  const here = channel(place);
  const title = here ? `#${here.name}` : store.workspace.app.name;
  const faces = here
    ? h("div", { class: "faces", title: `${here.members} members` }, store.workspace.people.filter((one) => here.member_ids.includes(one.id)).slice(0, 4).map((one) => avatar(one, "small")), h("span", {}, String(here.members)))
    : null;
  return [
    h("header", { class: "place" }, menuButton(), h("h1", {}, here ? h("span", { class: "hash" }, "#") : null, here ? here.name : title), h("p", {}, here?.topic ?? "Direct messages with the app"), faces),
    h("div", { class: "messages", id: "messages", role: "log", "aria-label": `Messages in ${title}`, tabIndex: 0 }),
    composer({ place, label: `Message ${title}`, placeholder: here ? `Message ${title}, or type ${store.workspace.commands[0]} help` : `Message ${title}` }),
  ];
}

export function refreshMessages(openThread) {
  const list = document.getElementById("messages");
  if (!list) return;
  const shown = visible(store.place).filter((one) => !isReply(one) || one.subtype === "thread_broadcast");
  keepEnd(list, () => reconcile(list, rows(shown, { openThread })));
}

/** The pane on the right for the thread at `store.threadTs`. */
export function thread(close) {
  const title = channel(store.place)?.name;
  return [
    h("header", { class: "place" }, h("h1", {}, "Thread"), h("p", {}, title ? `#${title}` : ""),
      h("button", { type: "button", class: "close", "aria-label": "Close thread", onclick: close }, icon("cross"))),
    h("div", { class: "messages", id: "replies", role: "log", "aria-label": "Replies" }),
    composer({ place: store.place, threadTs: store.threadTs, label: "Reply", placeholder: "Reply…" }),
  ];
}

export function refreshReplies() {
  const list = document.getElementById("replies");
  if (!list || !store.threadTs) return;
  const all = visible(store.place).filter((one) => one.ts === store.threadTs || one.thread_ts === store.threadTs);
  const [root, ...replies] = all;
  if (!root) return;
  const divider = { key: "count", signature: String(replies.length), build: () => h("div", { class: "reply-count" }, h("span", {}, replies.length === 1 ? "1 reply" : `${replies.length} replies`)) };
  keepEnd(list, () => reconcile(list, [row(root, false, {}), ...(replies.length ? [divider] : []), ...rows(replies, {}, false)]));
}

function rows(messages, options, days = true) {
  const all = [];
  let before = null;
  for (const one of messages) {
    if (days && (!before || dayKey(before.ts) !== dayKey(one.ts))) {
      all.push({ key: `day-${dayKey(one.ts)}`, signature: day(one.ts), build: () => h("div", { class: "day" }, h("span", {}, day(one.ts))) });
      before = null;
    }
    all.push(row(one, continues(before, one), options));
    before = one;
  }
  return all;
}

const row = (one, continued, options) => ({
  key: one.ts,
  signature: `${written(one)} ${continued} ${store.me} ${rootOf(one)}`,
  build: () => message(one, { continued, ...options }),
});

/** What a broadcast says of its thread, so that it is drawn anew when that changes. */
const rootOf = (one) => (one.subtype === "thread_broadcast" ? store.messages.get(one.channel)?.get(one.thread_ts)?.text ?? "" : "");

const texts = new WeakMap(); // a message is a new object when it changes

function written(one) {
  if (!texts.has(one)) texts.set(one, JSON.stringify(one));
  return texts.get(one);
}

const continues = (before, one) =>
  before !== null && before.user === one.user && before.ephemeral_to === one.ephemeral_to && !person(one.user).isApp &&
  Number(one.ts) - Number(before.ts) < TOGETHER_SECONDS;

/** Draw, and stay at the newest message if the reader was there; a picture has its height only once it is loaded. */
function keepEnd(list, draw) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END;
  const toEnd = () => { list.scrollTop = list.scrollHeight; };
  draw();
  if (!atEnd) return;
  toEnd();
  for (const picture of list.querySelectorAll("img")) {
    if (!picture.complete) picture.addEventListener("load", toEnd, { once: true });
  }
}
