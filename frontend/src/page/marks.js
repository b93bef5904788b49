// A marked score says why under the pointer: the grid draws its cells itself, so they get their title here.
() => {
  const grid = document.querySelector("#leaderboard");
  const reason = (mark) => {
    const note = document.querySelector(`#marks [data-mark="${mark}"]`);
    return note ? note.textContent.slice(mark.length).trim() : "";
  };
  let isDue = false;
  const dress = () => {
    isDue = false;
    for (const cell of grid.querySelectorAll("tbody td")) {
      const mark = cell.textContent.match(/[⁰¹²³⁴⁵⁶⁷⁸⁹]+(?=\s*$)/);
      const title = mark ? reason(mark[0]) : "";
      if (title) cell.title = title;
      else cell.removeAttribute("title");
    }
  };
  const due = () => {
    if (!isDue) requestAnimationFrame(dress);
    isDue = true;
  };
  const page = document.querySelector("#notes");
  for (const part of [grid, page])
    new MutationObserver(due).observe(part, { childList: true, subtree: true, characterData: true });
  due();
}
