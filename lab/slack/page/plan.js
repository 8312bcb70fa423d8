// plan and task_card blocks: each step with its state, the whole with how far it is.

import { h, icon } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { link } from "./mrkdwn.js";
import { richText } from "./richtext.js";

const SPIN_MS = 1000;
const folded = new Map(); // task_id → what the person chose, kept over updates

const SAID = { pending: "waiting", in_progress: "in progress", complete: "done", error: "failed" };

export function plan(block) {
  const tasks = block.tasks ?? [];
  const count = (status) => tasks.filter((task) => task.status === status).length;
  const done = count("complete");
  const state = count("error") ? "error" : done === tasks.length && done ? "complete" : count("in_progress") || done ? "in_progress" : "pending";
  return h("section", { class: `plan ${state}`, "data-testid": "plan", "aria-label": block.title },
    h("header", {},
      mark(state),
      h("span", { class: "plan-title" }, withEmoji(block.title)),
      tasks.length && !/\d of \d/.test(block.title) ? h("span", { class: "plan-count" }, `${done} of ${tasks.length}`) : null),
    tasks.length
      ? h("div", { class: "plan-bar", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": String(tasks.length), "aria-valuenow": String(done) },
          h("span", { style: `width:${(100 * done) / tasks.length}%` }))
      : null,
    h("ol", { class: "tasks" }, tasks.map((task) => h("li", {}, taskCard(task)))));
}

export function taskCard(task) {
  const extra = [
    ...(task.details ? [h("div", { class: "task-details" }, richText(task.details))] : []),
    ...(task.output ? [h("div", { class: "task-output" }, richText(task.output))] : []),
    ...(task.sources?.length ? [h("div", { class: "task-sources" }, task.sources.map((source) => link(source.url, source.text)))] : []),
  ];
  const title = [mark(task.status), h("span", { class: "task-title" }, withEmoji(task.title))];
  const common = { class: `task ${task.status}`, "data-testid": "task", "data-status": task.status };
  if (!extra.length) return h("div", common, h("div", { class: "task-line" }, title));
  const details = h("details", { ...common, open: folded.get(task.task_id) ?? ["in_progress", "error"].includes(task.status) },
    h("summary", { class: "task-line", onclick: () => folded.set(task.task_id, !details.open) }, title),
    extra);
  return details;
}

function mark(status) {
  const shape = { complete: "check", error: "cross" }[status];
  // All spinners turn together, and go on where they were when a card is drawn again.
  const style = status === "in_progress" ? `animation-delay:-${Date.now() % SPIN_MS}ms` : undefined;
  return h("span", { class: `mark ${status}`, role: "img", "aria-label": SAID[status] ?? status, style }, shape ? icon(shape) : null);
}
