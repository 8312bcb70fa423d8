// Where the person is stands in the address (#as=…&in=…&thread=…), so that two tabs can be two people.

import { act, listen } from "./api.js";
import { conversation, refreshMessages, refreshReplies, thread } from "./conversation.js";
import { home, refreshHome } from "./home.js";
import { refreshModal } from "./modal.js";
import { drawSidebar } from "./sidebar.js";
import { loadEverything, loadViews, myself, store, take } from "./store.js";

function readAddress() {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const { people, channels } = store.workspace;
  const me = people.find((one) => one.id === wanted.get("as")) ?? people[0];
  const places = [...channels.map((one) => one.id), me.direct, "home"];
  store.me = me.id;
  store.place = places.includes(wanted.get("in")) ? wanted.get("in") : channels[0].id;
  store.threadTs = store.messages.get(store.place)?.has(wanted.get("thread")) ? wanted.get("thread") : null;
}

function move(change) {
  const wanted = { as: store.me, in: store.place, thread: store.threadTs, ...change };
  const kept = Object.entries(wanted).filter(([, value]) => value);
  location.hash = new URLSearchParams(kept).toString();
}

const go = (place) => move({ in: place, thread: null });
const openThread = (one) => move({ thread: one.thread_ts ?? one.ts });

function become(id) {
  const inDirect = store.place === myself().direct;
  const other = store.workspace.people.find((one) => one.id === id);
  move({ as: id, in: inDirect ? other.direct : store.place });
}

let drawn = {};

/** Draw what the address says; a column is built anew only when it shows something else. */
async function draw() {
  readAddress();
  const was = drawn;
  drawn = { me: store.me, place: store.place, thread: store.threadTs };
  store.unread.delete(store.place);
  if (was.me !== store.me) await loadViews();
  if (was.place !== store.place || was.me !== store.me) drawPlace();
  if (was.thread !== store.threadTs || was.place !== store.place || was.me !== store.me) drawThread();
  document.title = `${store.workspace.team} · ${myself().name}`;
  refresh();
}

function drawPlace() {
  document.getElementById("main").replaceChildren(...(store.place === "home" ? home() : conversation(store.place)));
  if (store.place === "home") act("home", { person: store.me });
  refreshMessages(openThread);
  const list = document.getElementById("messages");
  if (list) list.scrollTop = list.scrollHeight;
  showLinked(list);
  document.querySelector("#main textarea")?.focus();
}

/** A permalink's message is brought into sight and marked for a moment. */
function showLinked(list) {
  const ts = new URLSearchParams(location.hash.slice(1)).get("ts");
  const linked = ts && list?.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  linked?.scrollIntoView({ block: "center" });
  linked?.classList.add("linked");
}

function drawThread() {
  const pane = document.getElementById("thread");
  pane.hidden = !store.threadTs;
  pane.replaceChildren(...(store.threadTs ? thread(() => move({ thread: null })) : []));
  refreshReplies();
  const list = document.getElementById("replies");
  if (list) list.scrollTop = list.scrollHeight;
  pane.querySelector("textarea")?.focus();
}

function refresh() {
  drawSidebar({ go, become });
  refreshMessages(openThread);
  refreshReplies();
  refreshHome();
  refreshModal();
}

const DRAWN_BY = {
  messages: () => {
    refreshMessages(openThread);
    refreshReplies();
    drawSidebar({ go, become });
  },
  views: () => {
    refreshHome();
    refreshModal();
  },
  sidebar: () => drawSidebar({ go, become }),
  place: () => {
    drawPlace();
    drawSidebar({ go, become });
  },
};

const DRAW_MS = 16;
const waiting = new Set();

/** Many events in a moment are drawn once. */
function drawSoon(what) {
  if (!what) return;
  if (!waiting.size) setTimeout(drawWaiting, DRAW_MS);
  waiting.add(what);
}

function drawWaiting() {
  const all = [...waiting];
  waiting.clear();
  for (const what of all) DRAWN_BY[what]();
}

async function begin() {
  await loadEverything();
  drawn = {};
  await draw();
}

window.addEventListener("hashchange", draw);
listen((event) => store.workspace && drawSoon(take(event)), begin);
