"use strict";

// Every page works without this file.

document.querySelector(".error-summary")?.focus();

// Browsers offer the clipboard only over https and on localhost.
if (navigator.clipboard) {
  for (const button of document.querySelectorAll("[data-copies]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.querySelector(button.dataset.copies);
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      button.nextElementSibling.textContent = button.dataset.copied;
    });
  }
}

// Progress is kept up to date while it runs: every so many seconds the region is taken from the page anew.
function keepLive(region) {
  setTimeout(async () => {
    const answer = document.hidden ? null : await fetch(location.href).catch(() => null);
    if (!answer?.ok) return keepLive(region);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById(region.id);
    if (!fresh || !("live" in fresh.dataset)) return location.reload();
    region.replaceWith(fresh);
    keepLive(fresh);
  }, region.dataset.live * 1000);
}
for (const region of document.querySelectorAll("[data-live]")) keepLive(region);
