// Blocks as elements. A block that the page does not know says its type instead of vanishing.

import { h } from "./dom.js";
import { interactive, text, words } from "./elements.js";
import { markdown } from "./markdown.js";
import { plan, taskCard } from "./plan.js";
import { richText } from "./richtext.js";

/** `context`: act(block, element, value), suggest(block, element, typed), and in a modal `entered` and `errors`. */
export function blocks(list, context) {
  return (list ?? []).map((block) => {
    const element = (DRAWN[block.type] ?? unknown)(block, context);
    element.classList.add("block");
    element.dataset.blockId = block.block_id ?? "";
    return element;
  });
}

const within = (block, context) => ({
  act: (element, value) => context.act(block, element, value),
  suggest: (element, typed) => context.suggest(block, element, typed),
});

function section(block, context) {
  const fields = block.fields?.length ? h("div", { class: "fields" }, block.fields.map((field) => h("div", {}, text(field)))) : null;
  const body = h("div", { class: "section-text" }, text(block.text), fields);
  const beside = block.accessory ? accessory(block, context) : null;
  return h("div", { class: "section" }, body, beside ? h("div", { class: "accessory" }, beside) : null);
}

const accessory = (block, context) =>
  block.accessory.type === "image" ? picture(block.accessory, "thumb") : interactive(block.accessory, within(block, context));

const picture = (image, className) => h("img", { class: className, src: image.image_url ?? image.slack_file?.url, alt: image.alt_text });

function input(block, context) {
  const error = context.errors?.[block.block_id];
  const label = words(block.label);
  const field = interactive(block.element, {
    ...within(block, context), entered: context.entered?.(block), chosen: context.chosen?.(block), dispatches: block.dispatch_action ?? false, label,
  });
  return h("div", { class: error ? "input wrong" : "input", "data-testid": `input-${block.block_id}` },
    h("div", { class: "label" }, label, block.optional ? h("small", {}, " (optional)") : null),
    field,
    error ? h("p", { class: "field-error", role: "alert" }, error) : null,
    block.hint ? h("p", { class: "hint" }, words(block.hint)) : null);
}

const cell = (value) => h("td", {}, value.type === "rich_text" ? richText(value) : String(value.text ?? value.value ?? ""));

const DRAWN = {
  section,
  input,
  header: (block) => h("h3", { class: "header" }, words(block.text)),
  divider: () => h("hr"),
  context: (block) => h("div", { class: "context" }, block.elements.map((one) =>
    one.type === "image" ? picture(one, "context-image") : h("span", {}, text(one)))),
  actions: (block, context) => h("div", { class: "actions", role: "group" }, block.elements.map((one) => interactive(one, within(block, context)))),
  image: (block) => h("figure", {}, block.title ? h("figcaption", {}, words(block.title)) : null, picture(block, "picture")),
  markdown: (block) => h("div", { class: "markdown" }, markdown(block.text)),
  rich_text: (block) => h("div", { class: "rich-text" }, richText(block)),
  table: (block) => h("table", {}, block.rows.map((row) => h("tr", {}, row.map(cell)))),
  plan,
  task_card: taskCard,
};

const unknown = (block) => h("div", { class: "unsupported" }, `[${block.type}]`);
