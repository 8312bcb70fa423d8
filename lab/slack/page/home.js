// The app's home tab.

import { act } from "./api.js";
import { blocks } from "./blocks.js";
import { h } from "./dom.js";
import { notice } from "./notice.js";
import { menuButton } from "./sidebar.js";
import { store } from "./store.js";

export function home() {
  return [
    h("header", { class: "place" }, menuButton(), h("img", { class: "avatar small", src: "/page/mark.svg", alt: "" }), h("h1", {}, store.workspace.app.name), h("p", {}, "Home")),
    h("div", { class: "home", id: "home", "data-testid": "home" }),
  ];
}

export function refreshHome() {
  const place = document.getElementById("home");
  if (!place) return;
  const view = store.home;
  place.replaceChildren(
    ...(view
      ? blocks(view.blocks, { act: (block, element, value) => click(view, block, element, value), suggest: (_block, element, typed) => act("suggest", { person: store.me, view_id: view.id, action_id: element.action_id, value: typed }) })
      : [h("p", { class: "empty" }, `${store.workspace.app.name} has not drawn its home yet.`)]));
}

async function click(view, block, element, value) {
  const outcome = await act("click", { person: store.me, view_id: view.id, block_id: block.block_id, action_id: element.action_id, value });
  if (outcome.error) notice(`${store.workspace.app.name} did not answer (${outcome.error}). Try again?`);
}
