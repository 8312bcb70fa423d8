// The box to write in: Enter sends, Shift+Enter breaks the line, ↑ in an empty box brings back the last line.

import { act } from "./api.js";
import { offers, usage, withReferences } from "./completion.js";
import { h, icon } from "./dom.js";
import { notice } from "./notice.js";
import { store } from "./store.js";

const lastLine = new Map(); // place → what was sent last
const drafts = new Map(); // place and thread → what is typed and not sent, which a box that is drawn anew goes on with

export function composer({ place, threadTs = null, label, placeholder }) {
  const box = h("textarea", { rows: "1", "aria-label": label, placeholder, "data-testid": threadTs ? "thread-composer" : "composer", spellcheck: "false" });
  const list = h("div", { class: "completions", role: "listbox", "aria-label": "Suggestions", hidden: true });
  const hint = h("div", { class: "usage", "data-testid": "usage", hidden: true });
  const sendButton = h("button", { type: "submit", "aria-label": "Send", disabled: true }, icon("send"));

  const draft = `${place} ${threadTs}`;
  const changed = () => {
    drafts.set(draft, box.value);
    box.style.height = "auto";
    box.style.height = `${Math.min(box.scrollHeight, 180)}px`;
    sendButton.disabled = !box.value.trim();
    const offered = box.value ? offers(box.value.slice(0, box.selectionStart), { inThread: threadTs !== null }) : [];
    list.replaceChildren(...offered.map(row));
    list.hidden = !offered.length;
    list.firstElementChild?.setAttribute("aria-selected", "true");
    const said = usage(box.value);
    hint.hidden = !said || threadTs !== null;
    hint.replaceChildren(...(said ? [h("strong", {}, said[0]), " ", said[1]] : []));
  };
  const row = (offer) => {
    const take = () => {
      box.setRangeText(offer.insert, offer.from, box.selectionStart, "end");
      box.focus();
      changed();
    };
    return h("button", { type: "button", role: "option", "aria-selected": "false", onclick: take }, offer.mark, h("strong", {}, offer.label), h("span", {}, offer.about));
  };
  const selected = () => list.querySelector("[aria-selected=true]");
  const move = (by) => {
    const rows = [...list.children];
    const next = rows[(rows.indexOf(selected()) + by + rows.length) % rows.length];
    selected().setAttribute("aria-selected", "false");
    next.setAttribute("aria-selected", "true");
  };

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
      notice(REFUSALS[error.message] ?? error.message);
    }
  };
  /** A whole command is sent by Enter; half a word is completed by it. */
  const completes = () => !list.hidden && !(box.value.startsWith("/") && store.workspace.commands.includes(box.value));
  const OFFERED = {
    Tab: () => selected().click(),
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    Escape: () => { list.hidden = true; },
  };
  box.addEventListener("input", changed);
  box.value = drafts.get(draft) ?? "";
  if (box.value) queueMicrotask(changed); // its height is known once it is on the page
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      if (completes()) selected().click();
      else send();
    } else if (!list.hidden && OFFERED[event.key]) {
      event.preventDefault();
      OFFERED[event.key]();
    } else if (event.key === "ArrowUp" && !box.value && lastLine.has(place)) {
      event.preventDefault();
      box.value = lastLine.get(place);
      changed();
    }
  });
  return h("form", { class: "composer", onsubmit: (event) => { event.preventDefault(); send(); } }, list, hint, h("div", { class: "composer-box" }, box, sendButton));
}

const REFUSALS = {
  msg_too_long: "That line is too long to send.",
  channel_not_found: "You are not a member of this channel.",
};
