// Names the open tab in the page's address, so that a link opens it and a login returns to it. The view in the address
// stays. The Hub's page, if that shows this one, is told.
(tab) => {
  const address = new URL(location.href);
  if (tab === "leaderboard") address.searchParams.delete("tab");
  else address.searchParams.set("tab", tab);
  if (tab !== "submit") address.searchParams.delete("request");
  if (tab !== "charts") for (const name of ["chart", "of"]) address.searchParams.delete(name);
  // Gradio's login button keeps only the first parameter: it must be one that leads back here.
  const rank = ([name]) => ["request", "tab", name].indexOf(name);
  address.search = new URLSearchParams([...address.searchParams].sort((a, b) => rank(a) - rank(b)));
  const isNew = address.href !== location.href;
  history.replaceState(history.state, "", address);
  const told = [...address.searchParams].filter(([name]) => !name.startsWith("__"));
  if (isNew && parent !== window)
    parent.postMessage({ queryString: new URLSearchParams(told).toString() }, "https://huggingface.co");
}
