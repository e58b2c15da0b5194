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
