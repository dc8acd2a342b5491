// Tables can be sorted by a click on a header and filtered by text. Without JavaScript they are as they were written.
(function () {
  "use strict";

  function value(row, place) {
    var text = row.cells[place].textContent.trim();
    var number = parseFloat(text.replace(/,/g, "").replace(/^−/, "-"));
    return { text: text, number: number };
  }

  function compare(a, b, numeric) {
    if (!numeric) { return a.text.localeCompare(b.text); }
    return a.number - b.number;
  }

  function stripe(body) {
    var shown = Array.prototype.filter.call(body.rows, function (row) { return !row.hidden; });
    shown.forEach(function (row, place) { row.classList.toggle("even", place % 2 === 1); });
    return shown.length;
  }

  function sort(table, header) {
    var body = table.tBodies[0];
    var place = header.cellIndex;
    var numeric = header.classList.contains("number");
    var descending = header.getAttribute("aria-sort") === "ascending";
    Array.prototype.forEach.call(header.parentNode.cells, function (other) { other.removeAttribute("aria-sort"); });
    header.setAttribute("aria-sort", descending ? "descending" : "ascending");
    var rows = Array.prototype.map.call(body.rows, function (row) { return { row: row, value: value(row, place) }; });
    rows.sort(function (a, b) {
      // What has no number stands last, whichever way.
      var missing = numeric ? isNaN(a.value.number) - isNaN(b.value.number) : 0;
      return missing || (descending ? -1 : 1) * compare(a.value, b.value, numeric) || 0;
    });
    rows.forEach(function (entry) { body.appendChild(entry.row); });
    stripe(body);
  }

  document.querySelectorAll(".table").forEach(function (holder) {
    var table = holder.querySelector("table");
    var body = table.tBodies[0];
    stripe(body);
    if (body.rows.length > 1) {
      Array.prototype.forEach.call(table.tHead.rows[0].cells, function (header) {
        var button = document.createElement("button");
        button.type = "button";
        while (header.firstChild) { button.appendChild(header.firstChild); }
        header.appendChild(button);
        button.addEventListener("click", function () { sort(table, header); });
      });
    }
    if (body.rows.length > 10) {
      var label = document.createElement("label");
      label.className = "filter";
      var input = document.createElement("input");
      input.type = "search";
      var count = document.createElement("span");
      count.setAttribute("role", "status");
      label.append("Filter ", input, " ", count);
      holder.insertBefore(label, holder.firstChild);
      input.addEventListener("input", function () {
        var wanted = input.value.trim().toLowerCase();
        Array.prototype.forEach.call(body.rows, function (row) {
          row.hidden = row.textContent.toLowerCase().indexOf(wanted) < 0;
        });
        var n = stripe(body);
        count.textContent = wanted ? n + (n === 1 ? " row" : " rows") : "";
      });
    }
  });

  // Above what is cut at its right edge stands how to see the rest.
  function hint() {
    document.querySelectorAll(".scroll").forEach(function (box) {
      var next = box.previousElementSibling;
      var told = next && next.classList.contains("cut-hint");
      var cut = box.scrollWidth > box.clientWidth + 1;
      if (cut && !told) {
        var words = document.createElement("p");
        words.className = "cut-hint";
        words.textContent = "There is more to the right: move it sideways. →";
        box.before(words);
      } else if (!cut && told) {
        next.remove();
      }
    });
  }
  window.addEventListener("resize", hint);
  window.addEventListener("load", hint);
  document.querySelectorAll("details").forEach(function (fold) { fold.addEventListener("toggle", hint); });
})();

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

  if (!window.Plotly) { return; }
  draw();
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll(".plot").forEach(function (plot) { Plotly.Plots.resize(plot); });
  });
  dark.addEventListener("change", draw);
  // A plot inside a closed fold has no width yet.
  document.querySelectorAll("details").forEach(function (fold) {
    fold.addEventListener("toggle", function () {
      fold.querySelectorAll(".plot").forEach(function (plot) { Plotly.Plots.resize(plot); });
    });
  });
})();
