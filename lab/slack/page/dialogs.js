// The confirm dialog of an element: resolves to whether the person went on.

import { h } from "./dom.js";
import { withEmoji } from "./emoji.js";
import { mrkdwn } from "./mrkdwn.js";

export function ask(confirm) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { class: "dialog confirm", role: "alertdialog", "data-testid": "confirm", "aria-label": confirm.title.text });
    const close = (answer) => {
      dialog.close();
      dialog.remove();
      resolve(answer);
    };
    const body = confirm.text.type === "mrkdwn" ? mrkdwn(confirm.text.text) : withEmoji(confirm.text.text);
    dialog.append(
      h("h2", {}, withEmoji(confirm.title.text)),
      h("div", { class: "dialog-body" }, body),
      h("footer", {},
        h("button", { type: "button", class: "button", onclick: () => close(false) }, withEmoji(confirm.deny.text)),
        h("button", { type: "button", class: `button ${confirm.style ?? "primary"}`, onclick: () => close(true) }, withEmoji(confirm.confirm.text))),
    );
    dialog.addEventListener("cancel", () => close(false));
    document.body.append(dialog);
    dialog.showModal();
  });
}
