// Starts the page. Chromium drops running requests whenever a network interface appears or goes, as it does when the
// lab boots a host; a page that lost a part of itself that way loads again.

const AGAIN_MS = 400;
const again = () => setTimeout(() => location.reload(), AGAIN_MS);

import("/page/main.js").catch(again);
window.addEventListener("load", () => {
  const sheets = [...document.querySelectorAll("link[rel=stylesheet]")];
  if (sheets.some((link) => !link.sheet)) again();
});
