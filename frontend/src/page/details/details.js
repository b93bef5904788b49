// Details of models and tasks, and comparisons, in a dialog over the page: what it shows are the main parts of the pages
// at model/, task/ and compare. The page's address names what is open, so that a link opens it.
() => {
  const KINDS = ["model", "task", "compare"];
  const SCORING = ["scores", "weight"];
  const MOST = 5;

  const dialog = document.createElement("dialog");
  dialog.id = "details";
  dialog.setAttribute("aria-label", "Details");
  dialog.innerHTML = `<div class="top"><button type="button" class="back">‹ Back</button>
    <button type="button" class="close" aria-label="Close">✕</button></div><div class="details" tabindex="-1"></div>`;
  document.querySelector(".gradio-container").append(dialog);
  const [back, close] = dialog.querySelectorAll("button");
  const shown = dialog.querySelector(".details");

  // What is open, as the pairs of the page's query; and the address of its page.
  const opened = (query) => [...new URLSearchParams(query)].filter(([key]) => KINDS.includes(key));
  const addressOf = (pairs) => {
    const [kind] = pairs[0];
    const key = kind === "compare" ? "model" : "name";
    const scoring = [...new URLSearchParams(location.search)].filter(([name]) => SCORING.includes(name));
    const named = pairs.filter(([name, value]) => name === kind && value).map(([, value]) => [key, value]);
    return `${kind}?${new URLSearchParams([...named, ...scoring])}`;
  };
  // The pairs for a link or a form of those pages; null for any other address.
  const pairsOf = (address) => {
    const root = new URL(".", location.href).href;
    const [, kind, name] = address.href.split(/[?#]/)[0].replace(root, "/").match(/^\/(model|task|compare)(?:\/(.+))?$/) ?? [];
    if (!kind || !address.href.startsWith(root)) return null;
    if (kind === "compare") return [["compare", ""], ...address.searchParams.getAll("model").map((each) => ["compare", each])];
    return [[kind, name ? decodeURIComponent(name) : address.searchParams.get("name") ?? ""]];
  };

  // The state of the browser's history says how many steps back the page without the dialog is, and whether the step
  // before is in the dialog too. A link that opens the dialog has no such page behind it.
  const steps = () => history.state?.details ?? 0;
  const name = (pairs, { isNew, details = steps(), isWithin = history.state?.isWithin }) => {
    const others = [...new URLSearchParams(location.search)].filter(([key]) => !KINDS.includes(key));
    const query = new URLSearchParams([...others, ...pairs.filter(([, value], place) => value || pairs.length === 1)]);
    const address = location.pathname + (String(query) && `?${query}`) + location.hash;
    const state = { ...history.state, details, isWithin };
    if (isNew) history.pushState(state, "", address);
    else history.replaceState(state, "", address);
    const told = [...query].filter(([key]) => !key.startsWith("__"));
    if (parent !== window)
      parent.postMessage({ queryString: String(new URLSearchParams(told)) }, "https://huggingface.co");
  };

  let asked = "";
  const fill = async (address) => {
    asked = address;
    back.hidden = !history.state?.isWithin;
    shown.setAttribute("aria-busy", "true");
    if (!dialog.open) {
      shown.textContent = "Loading …";
      dialog.showModal();
    }
    try {
      const answer = await fetch(address);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main.details");
      if (asked !== address) return;
      if (!page) throw new Error(answer.status);
      shown.replaceChildren(...page.childNodes);
    } catch {
      if (asked !== address) return;
      const again = document.createElement("button");
      again.type = "button";
      again.textContent = "Try again";
      again.addEventListener("click", () => fill(address));
      shown.replaceChildren("The details could not be loaded. ", again);
    }
    shown.removeAttribute("aria-busy");
    dialog.scrollTop = 0;
    dialog.setAttribute("aria-label", shown.querySelector("h1")?.textContent ?? "Details");
    for (const command of shown.querySelectorAll("pre.command")) addCopy(command);
    // In the Hub's frame, which is as high as the page, the focus brings the dialog into sight.
    const first = shown.querySelector("h1") ?? shown;
    first.tabIndex = -1;
    first.focus();
  };
  const addCopy = (command) => {
    const copy = document.createElement("button");
    copy.type = "button";
    copy.className = "copy";
    copy.textContent = "Copy";
    copy.setAttribute("aria-live", "polite");
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(command.textContent);
        copy.textContent = "✅ Copied";
      } catch {
        copy.textContent = "Select the text and copy it";
      }
    });
    command.before(copy);
  };
  const open = (pairs, address = addressOf(pairs)) => {
    const details = dialog.open && !steps() ? 0 : steps() + 1;
    name(pairs, { isNew: true, details, isWithin: dialog.open });
    return fill(address);
  };

  // Within the dialog, links to such pages open in it, and so do its forms.
  shown.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const pairs = pairsOf(new URL(link.href));
    if (!pairs) return;
    event.preventDefault();
    open(pairs, link.getAttribute("href"));
  });
  shown.addEventListener("submit", async (event) => {
    event.preventDefault();
    const form = event.target;
    const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
    const given = new FormData(form).getAll("model").map((each) => ["compare", each]);
    await open([["compare", ""], ...given], address);
    // The page says which model was meant.
    const named = [...shown.querySelectorAll("[data-reference]")].map((each) => ["compare", each.dataset.reference]);
    if (asked === address) name([["compare", ""], ...named], { isNew: false });
  });
  back.addEventListener("click", () => history.back());
  close.addEventListener("click", () => dialog.close());
  // A press beside the dialog closes it, unless it is the second of two, or the end of a selection.
  let isBeside = false;
  dialog.addEventListener("pointerdown", ({ target }) => (isBeside = target === dialog));
  // The second of two must not take the focus either: what it opened may be there already.
  dialog.addEventListener("mousedown", (event) => {
    if (event.target === dialog && event.detail > 1) event.preventDefault();
  });
  dialog.addEventListener("click", ({ target, detail }) => {
    if (target === dialog && isBeside && detail < 2) dialog.close();
  });
  dialog.addEventListener("close", () => {
    asked = "";
    if (!opened(location.search).length) return;
    if (steps()) history.go(-steps());
    else name([], { isNew: false, isWithin: false });
  });
  const follow = () => {
    const pairs = opened(location.search);
    if (pairs.length) fill(addressOf(pairs));
    else if (dialog.open) dialog.close();
  };
  addEventListener("popstate", follow);

  // Models that are chosen in the table, to be compared.
  const start = document.querySelector("#compare-models");
  const tray = document.createElement("div");
  const text = document.createElement("span");
  text.setAttribute("role", "status");
  tray.append(text);
  tray.id = "compare-tray";
  tray.hidden = true;
  tray.setAttribute("role", "group");
  tray.setAttribute("aria-label", "Models to compare");
  document.querySelector("#leaderboard").before(tray);
  const mark = document.createElement("style");
  document.head.append(mark);
  let chosen = [];
  const button = (text, press, label) => {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    if (label) made.setAttribute("aria-label", label);
    made.addEventListener("click", press);
    return made;
  };
  const draw = () => {
    const place = [...tray.children].indexOf(document.activeElement);
    text.textContent = chosen.length
      ? `${chosen.length} of at most ${MOST}:`
      : `Press up to ${MOST} rows of the table, or press Enter in them.`;
    const each = chosen.map((one) => button(`${one} ✕`, () => choose(one), `Remove ${one}`));
    const compare = button(`Compare ${chosen.length || ""}`.trim(), () => open([["compare", ""], ...chosen.map((one) => ["compare", one])]));
    compare.className = "main";
    compare.disabled = chosen.length < 2;
    for (const old of tray.querySelectorAll("button")) old.remove();
    tray.append(...each, compare, button("Cancel", () => choosing(false)));
    if (place > 0) [...tray.querySelectorAll("button:enabled")].slice(0, place).at(-1).focus();
    const rows = chosen.map((one) => `#leaderboard tr:has(a[href="?model=${CSS.escape(encodeURIComponent(one).replaceAll("%2F", "/"))}"]) td`);
    mark.textContent = rows.length ? `${rows.join(",")}{box-shadow:inset 0 0 0 99px rgb(99 102 241/.18)}` : "";
  };
  const choose = (one) => {
    if (chosen.includes(one)) chosen = chosen.filter((each) => each !== one);
    else if (chosen.length < MOST) chosen = [...chosen, one];
    draw();
  };
  const choosing = (isOn) => {
    chosen = [];
    tray.hidden = !isOn;
    start.setAttribute("aria-pressed", isOn);
    draw();
    if (!isOn) start.focus();
  };
  start.addEventListener("click", () => choosing(tray.hidden));
  start.setAttribute("aria-pressed", "false");

  // Links on the page, rows of the table and points of the charts say what they want to be shown.
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="?"]');
    if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const pairs = opened(link.getAttribute("href"));
    if (!pairs.length) return;
    event.preventDefault();
    open(pairs);
  });
  document.addEventListener("show-model", ({ detail }) => (tray.hidden ? open([["model", detail]]) : choose(detail)));
  document.addEventListener("show-task", ({ detail }) => open([["task", detail]]));
  if (opened(location.search).length) follow();
}
