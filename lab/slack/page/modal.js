// The modal that is open for the person, if one is.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { h, icon } from "./dom.js";
import { words } from "./elements.js";
import { notice } from "./notice.js";
import { store } from "./store.js";

let shown = null; // {view, dialog, entered, chosen, errors, trouble}; entered and chosen by block and action

export function refreshModal() {
  const view = store.modals.at(-1) ?? null;
  if (shown && (!view || view.id !== shown.view.id)) remove();
  if (!view) return;
  if (!shown) {
    shown = { view, entered: new Map(), chosen: new Map(), errors: {}, trouble: "", dialog: h("dialog", { class: "dialog modal", "data-testid": "modal" }) };
    shown.dialog.addEventListener("cancel", (event) => { event.preventDefault(); cancel(); });
    document.body.append(shown.dialog);
    fill();
    shown.dialog.showModal();
  } else if (shown.view.hash !== view.hash) {
    Object.assign(shown, { view, errors: {}, trouble: "" });
    fill();
  }
}

function remove() {
  shown.dialog.close();
  shown.dialog.remove();
  shown = null;
}

function fill() {
  const { view, dialog } = shown;
  const before = inUse(dialog);
  dialog.setAttribute("aria-label", words(view.title));
  const form = h("form", { onsubmit: submit, novalidate: true },
    h("header", {}, h("img", { class: "avatar small", src: "/page/mark.svg", alt: "" }), h("h2", {}, words(view.title)),
      h("button", { type: "button", class: "close", "aria-label": "Close", onclick: closeAll }, icon("cross"))),
    h("div", { class: "dialog-body" }, blocks(view.blocks, context()), shown.trouble ? h("p", { class: "field-error", role: "alert" }, shown.trouble) : null),
    h("footer", {},
      h("button", { type: "button", class: "button", onclick: cancel }, words(view.close) || "Cancel"),
      view.submit ? h("button", { type: "submit", class: "button primary" }, words(view.submit)) : null));
  dialog.replaceChildren(form);
  if (before) goOn(before, form);
}

/** The field that somebody is in right now, and what they search for there, if anything; it is gone with its field. */
function inUse(dialog) {
  const field = dialog.querySelector("[data-action-id]:focus");
  return field && { action: field.dataset.actionId, typed: field.dataset.typed };
}

/** The app may change the modal while somebody types: who was in a field is in it again, and who searches goes on. */
function goOn({ action, typed }, form) {
  const field = form.querySelector(`[data-action-id="${CSS.escape(action)}"]`);
  if (!field) return;
  field.dataset.again = "true";
  field.focus();
  delete field.dataset.again;
  if (!typed) return;
  field.value = typed;
  field.dispatchEvent(new Event("input"));
}

function context() {
  const { view, entered, chosen, errors } = shown;
  return {
    errors,
    entered: (block) => ofBlock(entered, block),
    chosen: (block) => ofBlock(chosen, block),
    act: (block, element, value) => click(view, block, element, value),
    suggest: (_block, element, typed) => act("suggest", { person: store.me, view_id: view.id, action_id: element.action_id, value: typed }),
  };
}

function ofBlock(kept, block) {
  if (!kept.has(block.block_id)) kept.set(block.block_id, new Map());
  return kept.get(block.block_id);
}

async function click(view, block, element, value) {
  const outcome = await act("click", {
    person: store.me, view_id: view.id, block_id: block.block_id, action_id: element.action_id, value, values: values(),
  });
  if (outcome.error) notice(`${store.workspace.app.name} did not answer (${outcome.error}). Try again?`);
}

/** What the inputs hold, by their blocks. */
function values() {
  const all = {};
  for (const [blockId, fields] of shown.entered) for (const value of fields.values()) all[blockId] = value;
  return all;
}

async function submit(event) {
  event.preventDefault();
  event.submitter?.classList.add("busy");
  const { view } = shown;
  const outcome = await act("submit", { person: store.me, view_id: view.id, values: values() });
  if (shown?.view.id !== view.id || (!outcome.error && !Object.keys(outcome.errors).length)) return;
  shown.errors = outcome.errors;
  shown.trouble = Object.keys(outcome.errors).length ? "" : `We had some trouble connecting (${outcome.error}). Try again?`;
  fill();
  shown.dialog.querySelector(".input.wrong :is(input, textarea, select)")?.focus();
}

/** Back to the modal below, if there is one; the cross closes all of them. */
const cancel = () => act("close", { person: store.me, view_id: shown.view.id });
const closeAll = () => act("close", { person: store.me, view_id: shown.view.id, clear: store.modals.length > 1 });
