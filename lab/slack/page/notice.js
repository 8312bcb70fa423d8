// A short line at the bottom of the page that goes by itself.

const SHOWN_MS = 6000;
let timer = null;

export function notice(text) {
  const place = document.getElementById("notice");
  place.textContent = text;
  place.classList.add("shown");
  clearTimeout(timer);
  timer = setTimeout(() => place.classList.remove("shown"), SHOWN_MS);
}
