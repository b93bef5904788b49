// The buttons of the requests are plain HTML: a click on one is handed over to a hidden component. Where there is
// something to lose, the first click asks; keep_place.js tells when a button was drawn anew meanwhile.
() => {
  const asked = new Set();

  const ask = (button) => {
    button.textContent = button.dataset.confirm;
    delete button.dataset.confirm;
  };
  document.addEventListener("restored", ({ target }) => {
    if (target.dataset.confirm && asked.has(target.dataset.keep)) ask(target);
  });
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-action]");
    if (!button) return;
    if (button.dataset.confirm) {
      asked.add(button.dataset.keep);
      ask(button);
      return;
    }
    asked.delete(button.dataset.keep);
    button.disabled = true;
    const box = document.querySelector("#action textarea");
    box.value = JSON.stringify([button.dataset.action, button.dataset.request, Date.now()]);
    box.dispatchEvent(new Event("input", { bubbles: true }));
  });
}
