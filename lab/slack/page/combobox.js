// The external select: what is typed is searched by the app, what is chosen is one of its options.

import { h } from "./dom.js";
import { words } from "./elements.js";

const TYPING_MS = 120;
let lists = 0;

/** `suggest(typed)` gives {options, option_groups}; `choose(option)` is told the choice, null when it is taken back. */
export function combobox({ element, label, initial, suggest, choose }) {
  const listId = `suggestions-${(lists += 1)}`;
  const list = h("div", { class: "suggestions", role: "listbox", id: listId, "aria-label": `Options for ${label}`, hidden: true });
  const field = h("input", {
    type: "text", role: "combobox", autocomplete: "off", spellcheck: "false", "aria-label": label, "aria-expanded": "false",
    "aria-controls": listId, "aria-autocomplete": "list", "data-action-id": element.action_id,
    value: initial ? words(initial.text) : "", placeholder: words(element.placeholder) || "Type to search…",
  });
  const least = element.min_query_length ?? 3;
  let chosen = initial ?? null;
  let asked = 0;
  let timer = null;

  const rows = () => [...list.querySelectorAll("[role=option]")];
  const active = () => list.querySelector("[aria-selected=true]");
  const close = () => {
    list.hidden = true;
    field.setAttribute("aria-expanded", "false");
    field.removeAttribute("aria-activedescendant");
  };
  const show = (...children) => {
    list.replaceChildren(...children.flat());
    list.hidden = false;
    field.setAttribute("aria-expanded", "true");
  };
  const mark = (row) => {
    active()?.setAttribute("aria-selected", "false");
    row?.setAttribute("aria-selected", "true");
    row?.scrollIntoView({ block: "nearest" });
    if (row) field.setAttribute("aria-activedescendant", row.id);
  };
  const take = (option) => {
    // What was searched for meanwhile is wanted no more.
    clearTimeout(timer);
    asked += 1;
    delete field.dataset.typed;
    chosen = option;
    field.value = option ? words(option.text) : "";
    close();
    choose(option);
  };
  const row = (option) => h("div", {
    role: "option", id: `${listId}-${option.value}`, "aria-selected": "false",
    onmousedown: (event) => { event.preventDefault(); take(option); }, // before the field loses the focus
  }, words(option.text), option.description ? h("small", {}, words(option.description)) : null);

  const search = async () => {
    const typed = field.value;
    if (typed.length < least) {
      if (typed) show(h("p", {}, `Type ${least} or more characters.`));
      else close();
      return;
    }
    const turn = (asked += 1);
    show(h("p", {}, "Searching…"));
    const { options, option_groups: groups, error } = await suggest(typed);
    if (turn !== asked || document.activeElement !== field) return; // an answer to what is typed no more
    const grouped = groups.map((group) => [h("h4", {}, words(group.label)), ...group.options.map(row)]);
    show(error ? h("p", {}, "The options could not be loaded.") : !options.length ? h("p", {}, "No results") : groups.length ? grouped.flat() : options.map(row));
    mark(rows()[0]);
  };
  const move = (by) => {
    const all = rows();
    if (all.length) mark(all[(all.indexOf(active()) + by + all.length) % all.length]);
  };
  const KEYS = {
    ArrowDown: () => (list.hidden ? search() : move(1)),
    ArrowUp: () => move(-1),
    Enter: () => active()?.dispatchEvent(new MouseEvent("mousedown", { cancelable: true })),
    Escape: close,
  };
  field.addEventListener("keydown", (event) => {
    const open = !list.hidden;
    if (!KEYS[event.key] || (!open && event.key !== "ArrowDown")) return;
    event.preventDefault();
    event.stopPropagation();
    KEYS[event.key]();
  });
  field.addEventListener("input", () => {
    field.dataset.typed = field.value;
    clearTimeout(timer);
    timer = setTimeout(search, TYPING_MS);
  });
  field.addEventListener("focus", () => { if (least === 0 && !field.dataset.again) search(); });
  field.addEventListener("blur", () => {
    clearTimeout(timer);
    close();
    delete field.dataset.typed;
    if (!field.value && chosen) take(null);
    field.value = chosen ? words(chosen.text) : ""; // half a word is no choice
  });
  return h("span", { class: "external" }, field, list);
}
