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

  function number(value, choice) {
    if (value === null) { return "unbounded"; }
    return choice.percent ? (100 * value).toFixed(2) + " %" : value.toFixed(choice.digits);
  }

  // Selects stand above a figure that has something to choose.
  function offer(figure, choice) {
    if (!choice || figure.querySelector("select")) { return; }
    var row = document.createElement("div");
    row.className = "choices";
    choice.picks.forEach(function (pick) {
      var label = document.createElement("label");
      var select = document.createElement("select");
      pick.options.forEach(function (text, place) {
        var option = document.createElement("option");
        option.value = place;
        option.textContent = text;
        option.selected = place === pick.chosen;
        select.appendChild(option);
      });
      label.append(pick.label + " ", select);
      row.appendChild(label);
      select.addEventListener("change", draw);
    });
    figure.insertBefore(row, figure.querySelector(".scroll"));
  }

  // Puts what is selected in the place of what the figure came with.
  function choose(figure, spec) {
    var choice = spec.choice;
    offer(figure, choice);
    if (!choice) { return; }
    var selected = Array.prototype.map.call(figure.querySelectorAll("select"), function (select) { return +select.value; });
    var found = choice.traces.map(function (places) {
      return places.reduce(function (values, place) { return values && values[selected[place]]; }, choice.values);
    });
    spec.layout.annotations = found[0] ? [] : [{
      text: "nothing to show: no fit, or too few", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5
    }];
    if (!choice.names) {
      spec.data.forEach(function (trace, place) { trace.z = found[place] || []; });
      return;
    }
    var value = function (points, row) { return points && points[row] ? points[row][0] : -Infinity; };
    var order = choice.names.map(function (_, row) { return row; });
    order.sort(function (a, b) { return value(found[0], b) - value(found[0], a) || a - b; });
    spec.layout.yaxis.ticktext = order.map(function (row) { return choice.names[row][0]; });
    var all = [];
    found.forEach(function (points) {
      (points || []).forEach(function (point) { all = all.concat((point || []).filter(function (end) { return end !== null; })); });
    });
    var least = Math.min.apply(null, all);
    var most = Math.max.apply(null, all);
    spec.data.forEach(function (trace, place) {
      var points = found[place];
      var shift = found.length === 1 ? 0 : 0.36 * (place / (found.length - 1) - 0.5);
      trace.x = []; trace.y = []; trace.text = []; trace.marker.symbol = [];
      trace.error_x.array = []; trace.error_x.arrayminus = [];
      order.forEach(function (row, position) {
        var point = points && points[row];
        if (!point) { return; }
        trace.x.push(point[0]);
        trace.y.push(position + shift);
        trace.error_x.array.push((point[2] === null ? most : point[2]) - point[0]);
        trace.error_x.arrayminus.push(point[0] - (point[1] === null ? least : point[1]));
        trace.marker.symbol.push(point[1] === null || point[2] === null ? "circle-open" : "circle");
        trace.text.push("<b>" + choice.names[row][1] + "</b><br>" + number(point[0], choice) + ", 95 % interval " +
          number(point[1], choice) + " to " + number(point[2], choice));
      });
      var names = choice.traces[place];
      var pick = names[names.length - 1];
      trace.name = choice.options[pick][selected[pick]];
      trace.showlegend = found.length > 1 && !!points;
    });
  }

  function draw() {
    document.querySelectorAll(".plot").forEach(function (plot) {
      var figure = plot.closest("figure");
      var spec = JSON.parse(figure.querySelector("script").textContent);
      choose(figure, spec);
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
