// rich_text blocks as elements.

import { h } from "./dom.js";
import { emoji } from "./emoji.js";
import { link, mention } from "./mrkdwn.js";
import { channel, person, store } from "./store.js";

export const richText = (block) => (block?.elements ?? []).map(part);

function part(element) {
  const inside = () => (element.elements ?? []).map(piece);
  switch (element.type) {
    case "rich_text_list":
      return h(element.style === "ordered" ? "ol" : "ul", { style: `margin-left:${(element.indent ?? 0) * 20}px` },
        (element.elements ?? []).map((item) => h("li", {}, (item.elements ?? []).map(piece))));
    case "rich_text_preformatted":
      return h("pre", {}, inside());
    case "rich_text_quote":
      return h("blockquote", {}, inside());
    default:
      return h("div", { class: "line" }, inside());
  }
}

function piece(element) {
  switch (element.type) {
    case "text":
      return styled(element.text ?? "", element.style);
    case "link":
      return link(element.url ?? "", element.text || undefined) ?? element.text ?? "";
    case "emoji":
      return emoji(element.name ?? "");
    case "user":
      return mention(`@${person(element.user_id).name}`, element.user_id === store.me);
    case "channel":
      return mention(`#${channel(element.channel_id)?.name ?? element.channel_id}`);
    case "usergroup":
      return mention(`@${store.workspace.groups.find((group) => group.id === element.usergroup_id)?.handle ?? "group"}`);
    case "broadcast":
      return mention(`@${element.range}`, true);
    default:
      return element.fallback ?? element.text ?? "";
  }
}

const TAGS = { bold: "strong", italic: "em", strike: "s", code: "code" };

const styled = (text, style = {}) =>
  Object.entries(TAGS).reduce((node, [name, tag]) => (style[name] ? h(tag, {}, node) : node), text);
