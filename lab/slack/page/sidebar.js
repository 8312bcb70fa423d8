// The bar on the left: channels, the app, and the switch for who one is.

import { h, icon } from "./dom.js";
import { avatar } from "./message.js";
import { myself, store } from "./store.js";

export function drawSidebar({ go, become }) {
  const { team, channels, people, app, connections } = store.workspace;
  const online = connections > 0;
  const entry = (place, name, mark) =>
    h("button", {
      type: "button",
      class: ["entry", store.place === place && "here", store.unread.has(place) && "unread"].filter(Boolean).join(" "),
      "aria-current": store.place === place ? "page" : undefined,
      "data-testid": `place-${name}`,
      onclick: () => go(place),
    }, mark, h("span", {}, name), store.unread.has(place) ? h("span", { class: "dot", "aria-label": "unread" }) : null);

  document.getElementById("sidebar").replaceChildren(
    h("header", { class: "team" }, h("img", { src: "/page/mark.svg", alt: "" }), h("strong", {}, team)),
    h("div", { class: "places" },
      h("h2", {}, "Channels"),
      channels.map((one) => entry(one.id, one.name, h("span", { class: "hash" }, "#"))),
      h("h2", {}, "Apps"),
      entry("home", `${app.name} home`, h("img", { class: "avatar tiny", src: "/page/mark.svg", alt: "" })),
      entry(myself().direct, `${app.name} messages`, h("img", { class: "avatar tiny", src: "/page/mark.svg", alt: "" })),
      h("p", { class: online ? "presence online" : "presence", "data-testid": "presence" }, h("span", { class: "lamp" }), online ? `${app.name} is connected` : `${app.name} is not connected`)),
    h("div", { class: "who" },
      h("h2", {}, "You are"),
      h("div", { role: "radiogroup", "aria-label": "You are" }, people.map((one) =>
        h("button", {
          type: "button", role: "radio", class: "entry", "aria-checked": String(one.id === store.me), "data-testid": `be-${one.name}`, onclick: () => become(one.id),
        }, avatar(one, "small"), h("span", {}, one.name))))));
}

const open = (shown) => document.body.classList.toggle("menu-open", shown);

/** Shows the bar in a narrow window, where it is out of sight; a choice or a click beside it puts it away. */
export const menuButton = () =>
  h("button", { type: "button", class: "menu", "aria-label": "Show channels", onclick: (event) => { event.stopPropagation(); open(true); } }, icon("menu"));

document.addEventListener("click", (event) => {
  if (event.target.closest(".entry") || !event.target.closest("#sidebar")) open(false);
});
