// Draws every plot of the page in the colours of the page, and again when these change.
(function () {
  "use strict";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");

  function themed(layout) {
    var style = getComputedStyle(document.documentElement);
    var color = function (name) { return style.getPropertyValue(name).trim(); };
    var copy = JSON.parse(JSON.stringify(layout));
    copy.paper_bgcolor = copy.plot_bgcolor = "rgba(0,0,0,0)";
    copy.font = { family: style.getPropertyValue("--font"), size: 12, color: color("--text") };
    copy.hoverlabel = { bgcolor: color("--raised"), bordercolor: color("--line"), font: { color: color("--text") }, align: "left" };
    Object.keys(copy).forEach(function (key) {
      if (/^[xy]axis/.test(key)) {
        copy[key].gridcolor = copy[key].zerolinecolor = copy[key].linecolor = color("--line");
      }
    });
    return copy;
  }

  function draw() {
    document.querySelectorAll(".plot").forEach(function (plot) {
      var spec = JSON.parse(plot.closest("figure").querySelector("script").textContent);
      Plotly.react(plot, spec.data, themed(spec.layout), { responsive: true, displaylogo: false, displayModeBar: false });
    });
  }

  draw();
  dark.addEventListener("change", draw);
  // A plot inside a closed fold has no width yet.
  document.querySelectorAll("details").forEach(function (fold) {
    fold.addEventListener("toggle", function () {
      fold.querySelectorAll(".plot").forEach(function (plot) { Plotly.Plots.resize(plot); });
    });
  });
})();
