// Interactive elements. `act(element, value)` tells the app; `entered` remembers what an input holds.

import { combobox } from "./combobox.js";
import { h } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { ask } from "./dialogs.js";
import { mrkdwn } from "./mrkdwn.js";
import { store } from "./store.js";

export const text = (object) =>
  object?.type === "mrkdwn" ? mrkdwn(object.text) : object ? [withEmoji(object.text)] : [];

export const words = (object) => (object ? withEmoji(object.text) : "");

/** One element of a block; null where this person does not see it. */
export function interactive(element, context) {
  if (element.visible_to_user_ids && !element.visible_to_user_ids.includes(store.me)) return null;
  const draw = DRAWN[element.type];
  return draw ? draw(element, context) : h("span", { class: "unsupported" }, `[${element.type}]`);
}

function button(element, { act }) {
  const told = async (event) => {
    if (element.confirm && !(await ask(element.confirm))) return;
    if (element.url) window.open(element.url, "_blank", "noopener");
    await busy(event.currentTarget ?? pressed, () => act(element, element.value ?? null));
  };
  const pressed = h("button", {
    type: "button",
    class: `button ${element.style ?? ""}`,
    "data-action-id": element.action_id,
    "aria-label": element.accessibility_label,
    onclick: told,
  }, words(element.text));
  return pressed;
}

async function busy(control, work) {
  control.disabled = true;
  control.classList.add("busy");
  try {
    await work();
  } finally {
    control.disabled = false;
    control.classList.remove("busy");
  }
}

/** In an input block a choice is kept for the submission, and told where the block asks for it; elsewhere it is told at once. */
function chosen(element, context, value) {
  context.entered?.set(element.action_id, value);
  if (!context.entered || context.dispatches) context.act(element, value);
}

const held = (element, context, initial) => {
  if (context.entered && !context.entered.has(element.action_id)) context.entered.set(element.action_id, initial ?? null);
  return context.entered?.get(element.action_id) ?? initial;
};

function staticSelect(element, context) {
  const selected = held(element, context, element.initial_option?.value);
  const option = (one) => h("option", { value: one.value, selected: one.value === selected }, words(one.text));
  const groups = (element.option_groups ?? []).map((group) =>
    h("optgroup", { label: words(group.label) }, group.options.map(option)));
  return h("select", {
    "aria-label": context.label ?? (words(element.placeholder) || element.action_id),
    "data-action-id": element.action_id,
    onchange: (event) => chosen(element, context, event.target.value),
  }, h("option", { value: "", selected: !selected, disabled: !context.entered }, words(element.placeholder) || "Choose…"),
    (element.options ?? []).map(option), groups);
}

function overflow(element, context) {
  const select = staticSelect({ ...element, placeholder: { text: "⋯" } }, { ...context, entered: null, label: "More" });
  select.classList.add("overflow");
  return select;
}

function externalSelect(element, context) {
  // What was chosen is kept with its words: a modal that is drawn again shows them.
  const kept = context.chosen?.get(element.action_id) ?? element.initial_option ?? null;
  held(element, context, kept?.value);
  return combobox({
    element,
    label: context.label ?? element.action_id,
    initial: kept,
    suggest: (typed) => context.suggest(element, typed),
    choose: (option) => {
      context.chosen?.set(element.action_id, option);
      chosen(element, context, option?.value ?? null);
    },
  });
}

function choices(kind) {
  return (element, context) => {
    const initial = kind === "radio" ? element.initial_option?.value : (element.initial_options ?? []).map((one) => one.value);
    const selected = [held(element, context, initial) ?? []].flat();
    const group = h("div", { class: "choices", role: kind === "radio" ? "radiogroup" : "group", "aria-label": context.label });
    const read = () => {
      const values = [...group.querySelectorAll("input:checked")].map((box) => box.value);
      chosen(element, context, kind === "radio" ? (values[0] ?? null) : values);
    };
    group.append(...element.options.map((option) =>
      h("label", {},
        h("input", { type: kind, name: element.action_id, value: option.value, checked: selected.includes(option.value), onchange: read }),
        h("span", {}, text(option.text), option.description ? h("small", {}, text(option.description)) : null))));
    return group;
  };
}

/** Whether a text input of a block with dispatch_action tells of itself `when`; Enter is what Slack takes for granted. */
const tells = (element, context, when) =>
  Boolean(context.dispatches) && (element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"]).includes(when);

function textInput(element, context) {
  const common = {
    "aria-label": context.label ?? element.action_id,
    "data-action-id": element.action_id,
    placeholder: words(element.placeholder) || undefined,
    maxlength: element.max_length ? String(element.max_length) : undefined,
    value: held(element, context, element.initial_value ?? element.initial_date ?? element.initial_time) ?? "",
    autofocus: element.focus_on_load ?? false,
    oninput: (event) => {
      context.entered?.set(element.action_id, event.target.value);
      if (tells(element, context, "on_character_entered")) context.act(element, event.target.value);
    },
    onkeydown: (event) => {
      if (event.key !== "Enter" || element.multiline || !tells(element, context, "on_enter_pressed")) return;
      event.preventDefault();
      context.act(element, event.target.value);
    },
  };
  if (element.multiline) {
    const area = h("textarea", { ...common, rows: "4", value: undefined });
    area.value = common.value;
    return area;
  }
  return h("input", { ...common, type: TEXT_TYPES[element.type] ?? "text", autocomplete: "off" });
}

const TEXT_TYPES = { number_input: "number", email_text_input: "email", url_text_input: "url", datepicker: "date", timepicker: "time" };

function people(element, context) {
  const options = store.workspace.people.map((one) => ({ value: one.id, text: { text: one.name } }));
  return staticSelect({ ...element, options, initial_option: initial(element.initial_user) }, context);
}

const initial = (value) => (value ? { value } : undefined);

function channels(element, context) {
  const options = store.workspace.channels.map((one) => ({ value: one.id, text: { text: `#${one.name}` } }));
  return staticSelect({ ...element, options, initial_option: initial(element.initial_channel ?? element.initial_conversation) }, context);
}

const DRAWN = {
  button,
  overflow,
  static_select: staticSelect,
  multi_static_select: (element, context) => choices("checkbox")({ ...element, options: element.options ?? [] }, context),
  external_select: externalSelect,
  users_select: people,
  channels_select: channels,
  conversations_select: channels,
  radio_buttons: choices("radio"),
  checkboxes: choices("checkbox"),
  plain_text_input: textInput,
  number_input: textInput,
  email_text_input: textInput,
  url_text_input: textInput,
  datepicker: textInput,
  timepicker: textInput,
};
