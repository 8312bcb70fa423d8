// What the composer offers while one types: commands with their usage, people, groups and channels.

import { h } from "./dom.js";
import { avatar } from "./message.js";
import { store } from "./store.js";

const MOST = 6;

/** Offers for the text before the caret: {from, insert, label, about, mark}; `from` is where `insert` begins. */
export function offers(before, { inThread }) {
  if (before.startsWith("/")) return inThread ? [] : commands(before);
  const [, sign, word] = before.match(/(?:^|[\s(])([@#])([\w-]*)$/) ?? [];
  if (!sign) return [];
  const from = before.length - word.length - 1;
  const found = (sign === "@" ? addressees() : places()).filter((one) => one.label.slice(1).startsWith(word.toLowerCase()));
  if (found.some((one) => one.label.slice(1) === word)) return []; // it is there already
  return found.slice(0, MOST).map((one) => ({ ...one, from, insert: `${one.label} ` }));
}

const commands = (before) =>
  store.workspace.commands
    .filter((name) => name.startsWith(before))
    .map((name) => ({ from: 0, insert: `${name} `, label: name, about: store.workspace.hints[name] ?? "", mark: avatar({ isApp: true }, "small") }));

function addressees() {
  const { app, people, groups } = store.workspace;
  return [
    { label: `@${app.name}`, about: "App", mark: avatar({ isApp: true }, "small") },
    ...people.map((one) => ({ label: `@${one.name}`, about: "", mark: avatar(one, "small") })),
    ...groups.map((one) => ({ label: `@${one.handle}`, about: `${one.members.length} members`, mark: sign("@") })),
    { label: "@channel", about: "Notify everyone in this channel", mark: sign("@") },
    { label: "@here", about: "Notify everyone who is here", mark: sign("@") },
  ];
}

const places = () => store.workspace.channels.map((one) => ({ label: `#${one.name}`, about: one.topic, mark: sign("#") }));

const sign = (text) => h("span", { class: "sign" }, text);

/** The usage of the command whose arguments are being typed, or null. */
export function usage(text) {
  const name = text.split(" ")[0];
  return text.startsWith("/") && text.includes(" ") && store.workspace.hints[name] ? [name, store.workspace.hints[name]] : null;
}

/** `@name` and `#channel` as Slack sends them; a command's text is sent as it was typed. */
export function withReferences(text) {
  if (text.startsWith("/")) return text;
  const { people, app, channels, groups } = store.workspace;
  const named = [
    ...[...people, app].map((one) => [one.name, `<@${one.id}>`]),
    ...groups.map((one) => [one.handle, `<!subteam^${one.id}>`]),
    ...["channel", "here", "everyone"].map((word) => [word, `<!${word}>`]),
  ];
  const references = new Map(named);
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return escaped
    .replace(/(?<!\w)@([\w-]+)/g, (whole, name) => references.get(name) ?? whole)
    .replace(/(?<!\w)#([a-z0-9_-]+)/g, (whole, name) => {
      const found = channels.find((one) => one.name === name);
      return found ? `<#${found.id}>` : whole;
    });
}
