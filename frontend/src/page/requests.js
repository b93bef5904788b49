// What the requests' plain HTML does in the browser. It is drawn anew whenever one of them changes: what a reader has
// opened and typed, how far they have scrolled, what has the focus, and which button has asked or was pressed stay.
() => {
  const KEPT = "[data-keep], .queue a[href], .request a[href]";
  const opened = new Set();
  const asked = new Set();
  const pressed = new Map();  // what was sent and is not answered yet, with its button's place
  let unanswered = 0;
  const scrolled = new Map();
  const typed = new Map();
  let focused = null;
  let next = [];  // where the focus goes once the last press is answered: the button, else one of a neighbour's
  let last = "";

  // Where an element is: in which part of the page, of which request, and which of its elements.
  const place = (element) => {
    const above = element.parentElement;
    return JSON.stringify([
      above.closest("[id]")?.id,
      above.closest("[data-request]")?.dataset.request,
      above.closest("details") !== null,
      element.dataset.keep ?? element.getAttribute("href"),
    ]);
  };
  const isKept = (target) => target instanceof Element && target.matches(KEPT);
  const listen = (name, react) =>
    document.addEventListener(name, ({ target }) => react(target), { capture: true, passive: true });

  listen("toggle", (target) => {
    if (!isKept(target)) return;
    if (target.open) opened.add(place(target));
    else opened.delete(place(target));
  });
  listen("scroll", (target) => {
    if (isKept(target)) scrolled.set(place(target), [target.scrollLeft, target.scrollTop]);
  });
  listen("input", (target) => {
    if (isKept(target)) typed.set(place(target), target.value);
  });
  listen("focusin", (target) => {
    const element = target.closest(KEPT);
    focused = element && place(element);
  });
  listen("pointerdown", (target) => {
    const active = document.activeElement;
    if (active === document.body || !active.contains(target)) focused = null;
  });

  // A click is handed over to a hidden component; where there is something to lose, the first one asks.
  const ask = (button) => {
    button.textContent = button.dataset.confirm;
    delete button.dataset.confirm;
  };
  document.addEventListener("click", ({ target }) => {
    const button = target.closest("button[data-action]");
    if (!button) return;
    if (button.dataset.confirm) {
      asked.add(place(button));
      ask(button);
      return;
    }
    asked.delete(place(button));
    button.disabled = true;
    const about = button.closest("[data-request]");
    next = [button, buttonOf(about.nextElementSibling, button), buttonOf(about.previousElementSibling, button)]
      .filter(Boolean).map(place);
    const reason = about.querySelector("[data-reason]")?.value ?? "";
    const box = document.querySelector(`#${button.dataset.box} textarea`);
    last = box.value = JSON.stringify([button.dataset.action, about.dataset.request, Date.now(), reason]);
    pressed.set(last, place(button));
    unanswered += 1;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  });
  const buttonOf = (about, { dataset: { action } }) =>
    about?.querySelector(`button[data-action="${action}"]`) ?? about?.querySelector("button[data-action]");
  // Of answers that arrive together, each brings the last one's press: once all have arrived, no button waits.
  document.addEventListener("answered", ({ detail }) => {
    pressed.delete(detail);
    unanswered -= 1;
    if (!unanswered) pressed.clear();
    document.querySelectorAll("button[data-action]").forEach((button) => { button.disabled = waits(place(button)); });
    requestAnimationFrame(focusOnNext);
  });
  const waits = (where) => [...pressed.values()].includes(where);
  // A button that was disabled or is gone has lost the focus, and the keyboard would begin at the top of the page.
  const focusOnNext = () => {
    if (!next.length || pressed.has(last) || !document.hasFocus() || document.activeElement !== document.body) return;
    const there = new Map([...document.querySelectorAll("button[data-action]")].map((each) => [place(each), each]));
    const part = document.getElementById(JSON.parse(next[0])[0]);
    const element = next.map((where) => there.get(where)).find(Boolean) ?? part;
    if (element === part) part.tabIndex = -1;  // nothing is left to press
    focusOn(element);
    next = [];
  };

  // What is in a tab that is not shown has nothing to scroll until it is.
  const shown = new ResizeObserver((entries) => {
    for (const { target } of entries) {
      if (!target.clientHeight) continue;
      target.scrollTo(...scrolled.get(place(target)));
      shown.unobserve(target);
    }
  });
  const focusOn = (element) => {
    element.focus({ preventScroll: true });
    element.setSelectionRange?.(element.value.length, element.value.length);
  };
  const restore = (element) => {
    const where = place(element);
    if (opened.has(where)) element.open = true;
    if (scrolled.has(where)) shown.observe(element);
    if (asked.has(where) && element.dataset.confirm) ask(element);
    if (waits(where)) element.disabled = true;
    if (typed.has(where)) element.value = typed.get(where);
    // Without the focus of the window it would be taken from the page that this one is a part of.
    if (where === focused && document.hasFocus() && document.activeElement === document.body)
      focusOn(element.querySelector(":scope > summary") ?? element);
  };
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const added of addedNodes)
        if (added instanceof Element) {
          if (isKept(added)) restore(added);
          added.querySelectorAll(KEPT).forEach(restore);
        }
  }).observe(document.body, { childList: true, subtree: true });
}
