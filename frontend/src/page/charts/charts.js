// What the plot lacks: presses that tell which model or task they mean, a name for screen readers, and the choice in the
// page's address. Whoever shows a model or a task listens to the document's events "show-model" and "show-task".
() => {
  const chart = document.querySelector("#chart");
  const told = () => document.querySelector("#chart-told");

  const listenTo = new WeakSet();
  const dress = () => {
    // What Gradio shows until plotly is loaded has a name, but no role that could have one.
    chart.querySelector(".empty")?.setAttribute("role", "img");
    const plot = chart.querySelector(".js-plotly-plot");
    if (!plot?.on) return;
    const sentence = told()?.querySelector("[role=status]").textContent ?? "";
    if (plot.ariaLabel !== sentence) plot.ariaLabel = sentence;
    plot.setAttribute("role", "img");
    if (listenTo.has(plot)) return;
    listenTo.add(plot);
    plot.on("plotly_click", ({ points: [point] }) => {
      if (point?.customdata)
        document.dispatchEvent(new CustomEvent(told().dataset.event, { detail: point.customdata }));
    });
  };

  const follow = () => {
    const address = new URL(location.href);
    if (address.searchParams.get("tab") !== "charts" || !told()) return;
    for (const name of ["chart", "of"]) address.searchParams.delete(name);
    for (const [name, value] of new URLSearchParams(told().dataset.query)) address.searchParams.append(name, value);
    if (address.href === location.href) return;
    history.replaceState(history.state, "", address);
    const others = [...address.searchParams].filter(([name]) => !name.startsWith("__"));
    if (parent !== window)
      parent.postMessage({ queryString: new URLSearchParams(others).toString() }, "https://huggingface.co");
  };

  new MutationObserver(dress).observe(chart, { childList: true, subtree: true, attributeFilter: ["class"] });
  document.addEventListener("chart-drawn", () => (dress(), follow()));
}
