// Elements are built, never parsed: text stays text, whatever is in it.

export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== ""));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

const PATHS = {
  check: "M4.5 10.5l3.7 3.7 7.3-8.2",
  cross: "M5.5 5.5l9 9M14.5 5.5l-9 9",
  menu: "M3.5 5.5h13M3.5 10h13M3.5 14.5h13",
  send: "M3.5 3.5l13.5 6.5-13.5 6.5 2-6.5zM5.5 10h6",
  eye: "M2.5 10s2.8-4.8 7.5-4.8 7.5 4.8 7.5 4.8-2.8 4.8-7.5 4.8S2.5 10 2.5 10zM10 12a2 2 0 100-4 2 2 0 000 4z",
  thread: "M4 4.5h12v8.5H9.5L6 16v-3H4z",
  file: "M6 2.8h5.5L15 6.3v10.9H6zM11.2 2.8v3.7H15",
  warning: "M10 3.5l7 12.5H3zM10 8.2v3.6M10 13.7v.3",
};

/** Children of `container` become `items` of {key, signature, build}; unchanged ones keep their element. */
export function reconcile(container, items) {
  const known = new Map([...container.children].map((child) => [child.dataset.key, child]));
  let before = container.firstElementChild;
  for (const { key, signature, build } of items) {
    let element = known.get(key);
    if (element && element.signature === signature) {
      known.delete(key);
    } else {
      const fresh = build();
      fresh.dataset.key = key;
      fresh.signature = signature;
      if (element) {
        if (element === before) before = fresh;
        element.replaceWith(fresh);
        known.delete(key);
      }
      element = fresh;
    }
    if (element === before) before = before.nextElementSibling;
    else container.insertBefore(element, before);
  }
  for (const gone of known.values()) gone.remove();
}
