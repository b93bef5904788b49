// Sorts and searches the table of an exported board. It needs no server, and asks none.
"use strict";
(() => {
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const rows = [...body.rows];
  // For each column: the rows from the best to the worst, those without a value last; how many have one;
  // whether the best is the largest; and whether it holds texts.
  const columns = JSON.parse(document.getElementById("orders").textContent).map(
    ([order, known, descending, text]) => ({ order, known, descending: descending === 1, text: text === 1 }),
  );
  const headers = [...table.tHead.rows[0].cells];
  const names = headers.map((header) => header.textContent.trim());
  const caption = table.caption;
  const search = document.getElementById("search");
  const status = document.getElementById("found");
  let sorted = headers.findIndex((header) => header.hasAttribute("aria-sort"));
  let worstFirst = false;

  const counted = (number) => `${number.toLocaleString("en")} model${number === 1 ? "" : "s"}`;

  function tell() {
    const number = rows.filter((row) => !row.hidden).length;
    status.textContent =
      number === rows.length ? `${counted(number)}.` : `${number.toLocaleString("en")} of ${counted(rows.length)}.`;
    const by = sorted < 0 ? "" : `, sorted by ${names[sorted]}${worstFirst ? ", in reverse order" : ""}`;
    caption.textContent = number ? `${counted(number)}${by}` : "No model's name contains this";
  }

  function sort(place) {
    worstFirst = place === sorted && !worstFirst;
    sorted = place;
    const { order, known, descending } = columns[place];
    const ordered = worstFirst ? [...order.slice(0, known).reverse(), ...order.slice(known)] : order;
    body.append(...ordered.map((number) => rows[number]));
    headers.forEach((header, number) => {
      if (number === place) {
        header.setAttribute("aria-sort", descending !== worstFirst ? "descending" : "ascending");
      } else {
        header.removeAttribute("aria-sort");
      }
    });
    tell();
  }

  const texts = rows.map((row) =>
    [...row.cells]
      .filter((cell, place) => columns[place].text)
      .map((cell) => (cell.firstElementChild ?? cell).textContent)
      .join(" ")
      .toLowerCase(),
  );

  // As on the leaderboard's own page: words must all occur, and a semicolon means "or".
  function find() {
    const wanted = search.value.toLowerCase().split(";").map((part) => part.split(/\s+/).filter(Boolean));
    const parts = wanted.filter((words) => words.length);
    rows.forEach((row, number) => {
      row.hidden = parts.length > 0 && !parts.some((words) => words.every((word) => texts[number].includes(word)));
    });
    tell();
  }

  headers.forEach((header, place) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = names[place];
    button.addEventListener("click", () => sort(place));
    header.replaceChildren(button);
  });
  const form = document.getElementById("search-form");
  form.hidden = false;
  form.addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("input", find);
  if (search.value) {
    find(); // a browser that comes back to the page fills the field in
  }
})();
