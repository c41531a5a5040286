/* Figures are drawn from their data, which stand beside each as JSON.
   They take the page's colours, and change with its light and dark theme.
   Only what plotly draws by itself is recoloured: data keep the colours they were given. */
(() => {
  const figures = () => document.querySelectorAll(".plotly-graph-div");

  const draw = () => Promise.all([...document.querySelectorAll("script[data-figure]")].map((script) => {
    const { data, layout, config } = JSON.parse(script.textContent);
    return Plotly.newPlot(script.dataset.figure, data, layout, config);
  }));

  function recolour() {
    const page = getComputedStyle(document.documentElement);
    const text = page.getPropertyValue("--pst-color-text-base").trim();
    const ground = page.getPropertyValue("--pst-color-surface").trim();
    const lines = page.getPropertyValue("--pst-color-border").trim();
    for (const figure of figures()) {
      if (!figure._fullLayout) continue;
      const change = {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font.color": text,
        "legend.bgcolor": "rgba(0,0,0,0)",
        "hoverlabel.bgcolor": ground,
        "hoverlabel.font.color": text,
        "modebar.bgcolor": "rgba(0,0,0,0)",
        "modebar.color": lines,
      };
      for (const name of Object.keys(figure._fullLayout)) {
        if (!/^[xy]axis\d*$/.test(name)) continue;
        for (const part of ["gridcolor", "linecolor", "zerolinecolor", "tickcolor"]) change[`${name}.${part}`] = lines;
      }
      for (const kind of ["sliders", "updatemenus"]) {
        (figure.layout[kind] || []).forEach((_, i) => {
          change[`${kind}[${i}].bgcolor`] = ground;
          change[`${kind}[${i}].bordercolor`] = lines;
          change[`${kind}[${i}].font.color`] = text;
          if (kind === "sliders") change[`${kind}[${i}].tickcolor`] = lines;
        });
      }
      Plotly.relayout(figure, change);
    }
  }

  const ready = async () => {
    await draw();
    recolour();
    new MutationObserver(recolour).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  };
  if (document.readyState === "complete") ready();
  else window.addEventListener("load", ready);
})();
