// The box to write in: Enter sends, Shift+Enter breaks the line, ↑ in an empty box brings back the last line.

import { act } from "./api.js";
import { h, icon } from "./dom.js";
import { notice } from "./notice.js";
import { store } from "./store.js";

const lastLine = new Map(); // place → what was sent last
const drafts = new Map(); // place and thread → what is typed and not sent, which a box that is drawn anew goes on with

export function composer({ place, threadTs = null, label, placeholder }) {
  const box = h("textarea", { rows: "1", "aria-label": label, placeholder, "data-testid": threadTs ? "thread-composer" : "composer", spellcheck: "false" });
  const hint = h("div", { class: "command-hint", hidden: true });
  const sendButton = h("button", { type: "submit", "aria-label": "Send", disabled: true }, icon("send"));

  const draft = `${place} ${threadTs}`;
  const changed = () => {
    drafts.set(draft, box.value);
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 180)}px`;
    sendButton.disabled = !box.value.trim();
    const offered = store.workspace.commands.filter((command) => box.value && command.startsWith(box.value));
    hint.hidden = !offered.length || threadTs !== null;
    hint.replaceChildren(...offered.map((command) => offer(command)));
  };
  const offer = (command) =>
    h("button", { type: "button", onclick: () => { box.value = `${command} `; box.focus(); changed(); } },
      h("strong", {}, command), h("span", {}, `${store.workspace.app.name} · try `), h("code", {}, `${command} help`));

  const send = async () => {
    const text = box.value.trim();
    if (!text) return;
    lastLine.set(place, text);
    box.value = "";
    changed();
    try {
      await act("command", { person: store.me, channel: place, text: withReferences(text), thread_ts: threadTs });
    } catch (error) {
      box.value = text;
      changed();
      notice(error.message === "msg_too_long" ? "That line is too long to send." : error.message);
    }
  };
  box.addEventListener("input", changed);
  box.value = drafts.get(draft) ?? "";
  if (box.value) queueMicrotask(changed); // its height is known once it is on the page
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && !box.value && lastLine.has(place)) {
      event.preventDefault();
      box.value = lastLine.get(place);
      changed();
    } else if (event.key === "Tab" && !hint.hidden) {
      event.preventDefault();
      hint.firstElementChild.click();
    }
  });
  return h("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); send(); } }, hint, h("div", { class: "composer-box" }, box, sendButton));
}

/** `@name` and `#channel` as Slack sends them; a command's text is sent as it was typed. */
function withReferences(text) {
  if (text.startsWith("/")) return text;
  const { people, app, channels } = store.workspace;
  const escaped = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return [...people, app]
    .reduce((line, one) => line.replace(new RegExp(`(?<!\\w)@${one.name}\\b`, "g"), `<@${one.id}>`), escaped)
    .replace(/(?<!\w)#([a-z0-9_-]+)/g, (whole, name) => {
      const found = channels.find((one) => one.name === name);
      return found ? `<#${found.id}>` : whole;
    });
}
