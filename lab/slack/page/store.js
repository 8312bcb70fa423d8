// What the page knows: the workspace, the messages, the open views, and where the person is.

import { read } from "./api.js";

export const store = {
  workspace: null,
  me: null,
  place: null, // a channel's id, or "home" for the app's home tab
  threadTs: null,
  messages: new Map(), // channel id → Map of ts → message
  modals: [],
  home: null,
  unread: new Set(),
};

export function person(id) {
  const { people, app, slackbot } = store.workspace;
  if (id === app.id) return { id, name: app.name, real_name: app.name, isApp: true };
  if (id === slackbot) return { id, name: "Slackbot", real_name: "Slackbot", colour: "#64748b" };
  return people.find((one) => one.id === id) ?? { id, name: id, real_name: id, colour: "#64748b" };
}

export const myself = () => person(store.me);

export const channel = (id) => store.workspace.channels.find((one) => one.id === id);

/** The messages of a place that the person may see, oldest first. */
export function visible(place) {
  const all = [...(store.messages.get(place)?.values() ?? [])];
  return all
    .filter((message) => !message.ephemeral_to || message.ephemeral_to === store.me)
    .sort((a, b) => Number(a.ts) - Number(b.ts));
}

export const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

export async function loadEverything() {
  store.workspace = await read("workspace");
  const places = [...store.workspace.channels.map((one) => one.id), ...store.workspace.people.map((one) => one.direct)];
  await Promise.all(places.map(loadPlace));
}

async function loadPlace(place) {
  const { messages } = await read("messages", { channel: place });
  store.messages.set(place, new Map(messages.map((message) => [message.ts, message])));
}

export async function loadViews() {
  const { modals, home } = await read("views", { person: store.me });
  Object.assign(store, { modals, home });
}

/** Take in one event of the feed; says what has to be drawn again. */
export function take(event) {
  switch (event.type) {
    case "message": {
      const { message } = event;
      if (!store.messages.has(message.channel)) store.messages.set(message.channel, new Map());
      const known = store.messages.get(message.channel);
      if (!known.has(message.ts)) noteUnread(message);
      known.set(message.ts, message);
      return "messages";
    }
    case "deleted":
      store.messages.get(event.channel)?.delete(event.ts);
      return "messages";
    case "views":
      if (event.person !== store.me) return null;
      Object.assign(store, { modals: event.modals, home: event.home });
      return "views";
    case "workspace":
      store.workspace = event.workspace;
      return "place";
    case "connections":
      store.workspace.connections = event.connections;
      return "sidebar";
    default:
      return null;
  }
}

function noteUnread(message) {
  const mine = !message.ephemeral_to || message.ephemeral_to === store.me;
  if (mine && message.user !== store.me && message.channel !== store.place) store.unread.add(message.channel);
}
