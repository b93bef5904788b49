// Requests are drawn anew whenever one of them changes. What a reader has opened, how far they have scrolled and what
// the keyboard is at stay as they were. Each such element has data-keep, which is unique within the part of the page
// with an id that it is in; links have their address.
() => {
  const KEPT = "[data-keep], .queue a[href], .request a[href]";
  const opened = new Set();
  const scrolled = new Map();
  let focused = null;

  const place = (element) => {
    const part = element.parentElement.closest("[id]");
    return `${part?.id} ${element.dataset.keep ?? element.getAttribute("href")}`;
  };
  const kept = (target) => (target instanceof Element ? target.closest(KEPT) : null);
  const listen = (event, react) =>
    document.addEventListener(event, ({ target }) => react(target, kept(target)), { capture: true, passive: true });

  listen("toggle", (target, element) => {
    if (target !== element) return;
    if (element.open) opened.add(place(element));
    else opened.delete(place(element));
  });
  listen("scroll", (target, element) => {
    if (target === element) scrolled.set(place(element), [element.scrollLeft, element.scrollTop]);
  });
  const remember = (_, element) => { focused = element && place(element); };
  listen("focusin", remember);
  listen("pointerdown", remember);

  const restore = (element) => {
    const where = place(element);
    if (opened.has(where)) element.open = true;
    if (scrolled.has(where)) [element.scrollLeft, element.scrollTop] = scrolled.get(where);
    if (where === focused && document.activeElement === document.body)
      (element.querySelector(":scope > summary") ?? element).focus({ preventScroll: true });
    element.dispatchEvent(new Event("restored", { bubbles: true }));
  };
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes)
      for (const added of addedNodes)
        if (added instanceof Element) {
          if (added.matches(KEPT)) restore(added);
          added.querySelectorAll(KEPT).forEach(restore);
        }
  }).observe(document.body, { childList: true, subtree: true });
}
