// What the grid lacks: whole headers that sort, by mouse and keyboard; arrow keys inside; bars behind the scores; whole
// names and the reasons of marks under the pointer; and the view in the page's address. The server makes every view: this
// only passes on what was pressed, and dresses what has come.
() => {
  const grid = document.querySelector("#leaderboard");
  const viewport = () => grid.querySelector("svelte-virtual-table-viewport table");
  const view = () => document.querySelector("#view [data-query]")?.dataset;

  // Gradio notices what is put into one of its hidden boxes only by an event.
  const put = (id, text) => {
    const box = document.querySelector(`#${id} :is(textarea, input)`);
    box.value = text;
    box.dispatchEvent(new Event("input", { bubbles: true }));
  };

  // Headers. The first press puts the best first, the second the worst.
  const name = (header) => header.textContent.trim();
  const sort = (header) => {
    // What was pressed last counts, though its table may still be on its way.
    const pressed = document.querySelector("#sort :is(textarea, input)").value;
    const isBestFirst = pressed === name(header) || (view()?.sorted === name(header) && !pressed);
    put("sort", (isBestFirst ? "-" : "") + name(header));
  };
  let titles = {};
  let written = "";
  const dressHeaders = () => {
    if (view() && view().titles !== written) titles = JSON.parse((written = view().titles));
    for (const header of grid.querySelectorAll("svelte-virtual-table-viewport thead th")) {
      const isSorted = name(header) === view()?.sorted;
      header.setAttribute("aria-sort", isSorted ? view().direction : "none");
      header.title = [titles[name(header)], `Sort by ${name(header)}`].filter(Boolean).join("\n");
    }
  };

  // Cells.
  const reason = (mark) => {
    const note = document.querySelector(`#marks [data-mark="${mark}"]`);
    return note ? note.textContent.slice(mark.length).trim() : "";
  };
  // By which links name the model of a row.
  const DETAILS = 'a[href^="?model="]';
  const reference = (row) => new URLSearchParams(row.querySelector(DETAILS)?.search).get("model");
  const dressCell = (cell, hasBar) => {
    const text = cell.textContent.trim();
    const isName = cell.cellIndex === 2;
    const mark = text.match(/[⁰¹²³⁴⁵⁶⁷⁸⁹]+$/);
    const place = text.match(/^#(\d+) /);
    const some = text.match(/^(\d+)\/(\d+)$/);
    const title = [
      isName && reference(cell.parentElement),
      mark && reason(mark[0]),
      place && `Number ${place[1]} of all models in this column`,
      some && `${some[1]} of ${some[2]} tasks have a score`,
    ]
      .filter(Boolean)
      .join("\n");
    // What is there already is not written again: the browser would compute the styles of the table once more.
    if (cell.title !== title) cell.title = title;
    const number = hasBar && text.match(/^(?:#\d+ )?(\d+(\.\d+)?)\s*[⁰¹²³⁴⁵⁶⁷⁸⁹]*$/); // 3/5 tasks are no score
    const score = number ? parseFloat(number[1]) : NaN;
    const bar = score <= 100 ? String(score) : "";
    if (cell.style.getPropertyValue("--score") !== bar) cell.style.setProperty("--score", bar);
  };

  // One stop for the Tab key, wherever the focus was last; the arrows go on from there.
  let at = { row: 0, column: 0 };
  const cells = () => [...(viewport()?.rows ?? [])].map((row) => [...row.cells]);
  const isNarrow = matchMedia("(max-width: 500px)"); // there style.css hides the kinds of models
  const isShown = (cell) => Boolean(cell) && !(isNarrow.matches && cell.cellIndex === 1);
  const dressStops = () => {
    const lines = cells();
    const line = lines[Math.min(at.row, lines.length - 1)] ?? [];
    const stop = isShown(line[at.column]) ? line[at.column] : line.find(isShown);
    for (const cell of lines.flat()) {
      const index = cell === stop ? 0 : -1;
      if (cell.tabIndex !== index || !cell.hasAttribute("tabindex")) cell.tabIndex = index;
    }
    for (const link of viewport()?.querySelectorAll("a") ?? []) if (link.tabIndex !== -1) link.tabIndex = -1;
  };
  grid.addEventListener("focusin", ({ target }) => {
    const row = cells().findIndex((line) => line.includes(target));
    if (row < 0) return;
    at = { row, column: target.cellIndex };
    dressStops();
  });
  const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  const step = (cell, [down, right]) => {
    const lines = cells();
    let row = lines.findIndex((line) => line.includes(cell));
    let column = cell.cellIndex;
    do {
      row += down;
      column += right;
    } while (lines[row]?.[column] && !isShown(lines[row][column]));
    lines[row]?.[column]?.focus();
    lines[row]?.[column]?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const act = (event) => {
    const cell = event.target.closest("svelte-virtual-table-viewport :is(th, td)");
    if (!cell || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const isPress = event.type === "click" || event.key === "Enter" || event.key === " ";
    const isHeader = cell.tagName === "TH" && cell.closest("thead");
    const isOtherLink = event.type === "click" && event.target.closest("a") && !event.target.closest(DETAILS);
    const isSelecting = event.type === "click" && !getSelection().isCollapsed;
    const row = isHeader ? null : reference(cell.parentElement);
    if (isHeader && isPress) sort(cell);
    else if (event.key in STEPS) step(cell, STEPS[event.key]);
    else if (row && isPress && !isOtherLink && !isSelecting)
      document.dispatchEvent(new CustomEvent("show-model", { detail: row }));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  grid.addEventListener("click", act, true);
  grid.addEventListener("keydown", act, true);

  // The address has what the server wrote of the view, and what belongs to others. Typing makes no history. After a step
  // back the address is there before its view.
  const part = (query, isKey, isOf) =>
    new URLSearchParams([...new URLSearchParams(query)].filter(([key]) => isKey(key) === isOf)).toString();
  // A form without scripts writes `weight.GSM8K=2`.
  const own = (key) => view().keys.split(" ").includes(key) || key.startsWith("weight.");
  const OPENED = ["tab", "request", "chart", "of", "model", "task", "compare"];
  let seen = null;
  const follow = () => {
    if (!view()) return;
    const query = part(view().query, own, true);
    if (query === seen) return;
    const last = seen;
    seen = query;
    const isSame = (...but) => part(last, (key) => but.includes(key), false) === part(query, (key) => but.includes(key), false);
    if (last !== null && !isSame("rows")) viewport()?.scrollTo({ top: 0 });
    // The Hub's page, if that shows this one, has its own parameters.
    const told = [part(location.search, (key) => OPENED.includes(key), true), query].filter(Boolean).join("&");
    if (parent !== window && last !== null) parent.postMessage({ queryString: told }, "https://huggingface.co");
    if (query === part(location.search, own, true)) return;
    const whole = [part(location.search, own, false), query].filter(Boolean).join("&");
    const address = location.pathname + (whole && `?${whole}`) + location.hash;
    if (last === null || isSame("q", "rows")) history.replaceState(history.state, "", address);
    else history.pushState(history.state, "", address);
  };
  const go = (query) => put("address", `${query}&again=${Date.now()}`); // Gradio skips what a box has already
  addEventListener("popstate", () => {
    const tab = new URLSearchParams(location.search).get("tab") ?? "leaderboard";
    document.querySelector(`#tab-${CSS.escape(tab)}-button[aria-selected="false"]`)?.click();
    if (view() && seen !== part(location.search, own, true)) go(location.search);
  });
  const active = document.querySelector("#active");
  let isPressed = false;
  active.addEventListener("click", ({ target }) => {
    const chip = target.closest("[data-query]");
    if (chip) go(chip.dataset.query);
    isPressed ||= Boolean(chip);
  });
  new MutationObserver(() => {
    if (!isPressed || document.activeElement !== document.body) return;
    isPressed = false;
    (active.querySelector("button") ?? document.querySelector("#search :is(textarea, input)")).focus();
  }).observe(active, { childList: true, subtree: true });

  // Weights of one's own: an empty field is the leaderboard's own weight.
  const fields = [...document.querySelectorAll("#own-weights input")];
  for (const field of fields)
    field.addEventListener("change", () => {
      const given = fields.filter((each) => each.value !== "" && each.validity.valid);
      put("weights", String(new URLSearchParams(given.map((each) => ["weight", `${each.dataset.column}:${each.value}`]))));
    });
  const showWeights = () => {
    const pairs = new URLSearchParams(document.querySelector("#weights :is(textarea, input)").value).getAll("weight");
    const given = new Map(pairs.map((pair) => [pair.slice(0, pair.lastIndexOf(":")), pair.slice(pair.lastIndexOf(":") + 1)]));
    for (const field of fields)
      if (field !== document.activeElement) field.value = given.get(field.dataset.column) ?? "";
  };

  const copy = document.querySelector("#copy-link");
  const label = copy.textContent;
  let reset = 0;
  copy.setAttribute("aria-live", "polite");
  copy.addEventListener("click", async () => {
    const base = view()?.space || location.origin + location.pathname;
    try {
      await navigator.clipboard.writeText(base + (view()?.query ? `?${view().query}` : ""));
      copy.textContent = "✅ Copied";
    } catch {
      copy.textContent = "Copy the address of this page";
    }
    clearTimeout(reset);
    reset = setTimeout(() => (copy.textContent = label), 2000);
  });

  let isDue = false;
  const dress = () => {
    isDue = false;
    // The grid measures with a second table, which nobody is to read or reach.
    for (const table of grid.querySelectorAll(".table-wrap > table")) {
      table.setAttribute("aria-hidden", "true");
      table.inert = true;
    }
    // It calls a box around the table a grid, the next a button, and so each cell's text: then nobody is told of the table.
    const outer = grid.querySelector(".table-wrap[role=grid]");
    const inner = grid.querySelector(".table-wrap > button:not([role])");
    outer?.removeAttribute("role");
    inner?.setAttribute("role", "group");
    inner?.setAttribute("aria-label", "Leaderboard");
    for (const box of [outer, inner]) if (box) box.tabIndex = -1;
    for (const text of grid.querySelectorAll(".cell-wrap > [role=button]")) text.removeAttribute("role");
    viewport()?.setAttribute("role", "grid");
    viewport()?.setAttribute("aria-label", "Leaderboard");
    grid.classList.toggle("with-ranges", new URLSearchParams(view()?.query).has("ranks"));
    const bars = new Set((view()?.bars ?? "").split(" ").map((place) => place - 1));
    dressHeaders();
    for (const cell of grid.querySelectorAll("svelte-virtual-table-viewport tbody td"))
      dressCell(cell, bars.has(cell.cellIndex));
    dressStops();
    showWeights();
    follow();
  };
  const due = () => {
    if (!isDue) requestAnimationFrame(dress);
    isDue = true;
  };
  for (const part of [grid, document.querySelector("#notes"), document.querySelector("#view")])
    new MutationObserver(due).observe(part, { childList: true, subtree: true, characterData: true });
  due();
}
