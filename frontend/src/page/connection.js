// When the server does not answer: a plain sentence in the place of Gradio's errors, and the newest view once it is back.
() => {
  const AWAY = "The leaderboard's server does not answer. What you see may be out of date. We try again every few seconds.";
  const BACK = "The leaderboard's server answers again.";
  const APART = [2000, 4000]; // milliseconds between two tries: not everybody comes back at the same moment
  const READABLE = 4000;

  const note = document.createElement("div");
  note.id = "connection";
  note.setAttribute("role", "status");
  document.body.append(note);
  const say = (text) => {
    note.textContent = text;
    note.className = text ? `note ${text === BACK ? "good" : "bad"}` : "";
  };

  // A proxy may answer in the place of a server that is not there.
  const answers = async () => {
    try {
      const late = new AbortController();
      setTimeout(() => late.abort(), 10_000);
      const answer = await fetch("gradio_api/app_id", { cache: "no-store", signal: late.signal });
      return answer.ok && Boolean((await answer.json()).app_id);
    } catch {
      return false;
    }
  };
  const pause = ([least, most]) => new Promise((go) => setTimeout(go, least + Math.random() * (most - least)));
  const toasts = () => document.querySelectorAll(".toast-body.error");

  let isLooking = false;
  const look = async () => {
    if (isLooking) return;
    isLooking = true;
    try {
      if (await answers()) return;
      say(AWAY);
      document.body.classList.add("away");
      do await pause(APART);
      while (!(await answers()));
      for (const toast of toasts()) toast.querySelector(".toast-close")?.click();
      document.body.classList.remove("away");
      say(BACK);
      const box = document.querySelector("#catch-up :is(textarea, input)");
      box.value = Date.now();
      box.dispatchEvent(new Event("input", { bubbles: true }));
      setTimeout(() => note.textContent === BACK && say(""), READABLE);
    } finally {
      isLooking = false;
    }
  };

  // The page asks for news all the time, so Gradio notices first. It tells every error in the same way.
  const known = new WeakSet();
  new MutationObserver(() => {
    const fresh = [...toasts()].filter((toast) => !known.has(toast));
    for (const toast of fresh) known.add(toast);
    if (fresh.length) look();
  }).observe(document.body, { childList: true, subtree: true });
  addEventListener("offline", look);
}
