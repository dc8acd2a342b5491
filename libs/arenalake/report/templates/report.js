// Tables can be sorted by a click on a header and filtered by text or by a value of some columns. Without JavaScript they are as they were written.
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

  // Above a long table: a filter by text, and one for each column whose values are offered.
  function offerFilters(holder, table) {
    var body = table.tBodies[0];
    var rows = Array.prototype.slice.call(body.rows);
    var cell = function (row, place) { return row.cells[place].textContent.trim(); };
    var row = document.createElement("div");
    row.className = "filter";
    function add(name, input) {
      var label = document.createElement("label");
      label.append(name + " ", input);
      row.append(label);
      return input;
    }
    var text = add("Filter", document.createElement("input"));
    text.type = "search";
    var picks = [];
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (header, place) {
      if (!header.hasAttribute("data-offered")) { return; }
      var select = add(header.textContent.trim(), document.createElement("select"));
      select.append(new Option("all", ""));
      var values = rows.map(function (row) { return cell(row, place); });
      Array.from(new Set(values)).sort(function (a, b) { return a.localeCompare(b); }).forEach(function (value) {
        select.append(new Option(value, value));
      });
      picks.push({ place: place, select: select });
    });
    var count = document.createElement("span");
    count.setAttribute("role", "status");
    row.append(count);
    row.addEventListener("input", function () {
      var wanted = text.value.trim().toLowerCase();
      var chosen = picks.filter(function (pick) { return pick.select.value; });
      rows.forEach(function (row) {
        row.hidden = row.textContent.toLowerCase().indexOf(wanted) < 0 ||
          chosen.some(function (pick) { return cell(row, pick.place) !== pick.select.value; });
      });
      var n = stripe(body);
      count.textContent = wanted || chosen.length ? n + (n === 1 ? " row" : " rows") : "";
    });
    holder.insertBefore(row, holder.firstChild);
  }

  document.querySelectorAll(".table").forEach(function (holder) {
    var table = holder.querySelector("table");
    var body = table.tBodies[0];
    stripe(body);
    if (body.rows.length > 10) { offerFilters(holder, table); }
    if (body.rows.length > 1) {
      Array.prototype.forEach.call(table.tHead.rows[0].cells, function (header) {
        var button = document.createElement("button");
        button.type = "button";
        while (header.firstChild) { button.appendChild(header.firstChild); }
        header.appendChild(button);
        button.addEventListener("click", function () { sort(table, header); });
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
        words.textContent = "Scroll right to see more. →";
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

// In a report of one file, the fragment of the address names the page that is shown, or a section of it.
(function () {
  "use strict";
  var pages = document.querySelectorAll(".page");
  if (!pages.length) { return; }

  function show() {
    var target = document.getElementById(decodeURIComponent(location.hash.slice(1).split("&")[0]));
    var page = (target && target.closest(".page")) || pages[0];
    pages.forEach(function (other) { other.hidden = other !== page; });
    document.querySelectorAll("header a").forEach(function (link) {
      if (link.hash === "#" + page.id) { link.setAttribute("aria-current", "page"); } else { link.removeAttribute("aria-current"); }
    });
    if (target && target !== page) { target.scrollIntoView(); } else { window.scrollTo(0, 0); }
  }
  window.addEventListener("hashchange", show);
  show();
})();

// Draws every plot that is shown in the colours of the page, and again when these change or the page is printed.
(function () {
  "use strict";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var PAPER = 680; // width of A4 between its margins

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
      select.addEventListener("change", drawAll);
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
      text: "nothing to show: no fit, or too few pairs", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5
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

  function draw(plot, width) {
    var figure = plot.closest("figure");
    var spec = JSON.parse(figure.querySelector("script").textContent);
    choose(figure, spec);
    var layout = themed(spec.layout);
    if (width) { layout.width = width; }
    Plotly.react(plot, spec.data, layout, { responsive: !width, displaylogo: false, displayModeBar: false });
  }

  function shown() {
    return Array.prototype.filter.call(document.querySelectorAll(".plot"), function (plot) { return !plot.closest(".page[hidden]"); });
  }

  function drawAll() { shown().forEach(function (plot) { draw(plot); }); }

  if (!window.Plotly) { return; }
  drawAll();
  // A plot that is wider than the paper is made smaller as a whole, with its words.
  window.addEventListener("beforeprint", function () {
    document.documentElement.classList.add("print");
    shown().forEach(function (plot) {
      var width = Math.max(PAPER, parseFloat(plot.style.minWidth) || 0);
      plot.style.zoom = PAPER / width;
      draw(plot, width);
    });
  });
  window.addEventListener("afterprint", function () {
    document.documentElement.classList.remove("print");
    shown().forEach(function (plot) { plot.style.zoom = ""; });
    drawAll();
  });
  dark.addEventListener("change", drawAll);
  window.addEventListener("hashchange", function () {
    shown().forEach(function (plot) { if (!plot.classList.contains("js-plotly-plot")) { draw(plot); } });
  });
  // A plot inside a closed fold has no width yet.
  document.querySelectorAll("details").forEach(function (fold) {
    fold.addEventListener("toggle", function () {
      fold.querySelectorAll(".plot").forEach(function (plot) { Plotly.Plots.resize(plot); });
    });
  });
})();

// Two models side by side. The fragment of the address holds the choice, so that a link leads back to it.
(function () {
  "use strict";

  function share(value) { return value === null ? "–" : (100 * value).toFixed(1) + " %"; }

  function element(name, text) {
    var made = document.createElement(name);
    made.textContent = text;
    return made;
  }

  function choice(label, names) {
    var holder = element("label", label + " ");
    var select = document.createElement("select");
    holder.append(select);
    fill(select, names);
    return { holder: holder, select: select };
  }

  function fill(select, names) {
    select.replaceChildren.apply(select, names.map(function (name, place) {
      var option = element("option", name);
      option.value = place;
      return option;
    }));
  }

  function pairOf(board, a, b) {
    for (var i = 0; i < board.pairs.length; i += 1) {
      var pair = board.pairs[i];
      var other = function (value) { return value === null ? null : 1 - value; };
      if (pair[0] === a && pair[1] === b) { return pair.slice(2); }
      if (pair[0] === b && pair[1] === a) { return [pair[2], other(pair[3]), other(pair[4]), other(pair[5])]; }
    }
    return null;
  }

  function heading(model, page) {
    var cell = element("th", "");
    cell.scope = "col";
    cell.className = "number";
    var name = element(model.page ? "a" : "bdi", model.name);
    if (model.page) { name.href = (page ? "#" : "") + model.page; }
    cell.append(name);
    return cell;
  }

  document.querySelectorAll(".compare").forEach(function (holder) {
    var data = JSON.parse(holder.querySelector("script").textContent);
    var page = holder.closest(".page"); // of a report of one file
    var names = function (list) { return list.map(function (item) { return item.name; }); };
    var votes = choice("Votes and method", names(data.boards));
    var first = choice("Model A", []);
    var second = choice("Model B", []);
    var form = document.createElement("form");
    form.append(votes.holder, first.holder, second.holder);
    var result = document.createElement("div");
    result.setAttribute("aria-live", "polite");
    holder.append(form, result);

    function board() { return data.boards[votes.select.value]; }

    function show() {
      var a = Number(first.select.value), b = Number(second.select.value);
      var models = [board().models[a], board().models[b]];
      var table = document.createElement("table");
      table.append(element("caption", models[0].name + " and " + models[1].name));
      var head = table.createTHead().insertRow();
      head.append(element("td", ""), heading(models[0], page), heading(models[1], page));
      var body = table.createTBody();
      function add(label, left, right) {
        var row = body.insertRow();
        var name = element("th", label);
        name.scope = "row";
        row.append(name);
        [left, right].forEach(function (text) {
          var cell = element("td", text);
          cell.className = "number";
          row.append(cell);
        });
      }
      data.labels.forEach(function (label, place) { add(label, models[0].cells[place], models[1].cells[place]); });
      var pair = pairOf(board(), a, b);
      var words = "";
      if (pair) {
        ["Predicted win rate", "Observed win rate", "Probability of being above"].forEach(function (label, place) {
          var value = pair[place + 1];
          add(label, share(value), share(value === null ? null : 1 - value));
        });
        words = pair[0].toLocaleString("en") + (pair[0] === 1 ? " vote" : " votes") + " between the two models that the method uses.";
      } else if (a === b) {
        words = "Choose two different models.";
      } else if (models[0].component === null || models[1].component === null) {
        words = "One of the models has no rating, so there is no prediction.";
      } else if (models[0].component !== models[1].component) {
        words = "The models are in different components: their ratings cannot be compared.";
      } else {
        words = "The report has no results for this pair.";
      }
      var box = document.createElement("div");
      box.className = "scroll framed";
      box.append(table);
      result.replaceChildren(box, element("p", words));
    }

    function remember() {
      var models = board().models;
      var state = new URLSearchParams();
      state.set("votes", board().key);
      state.set("a", models[first.select.value].name);
      state.set("b", models[second.select.value].name);
      location.replace("#" + (page ? page.id + "&" : "") + state.toString());
    }

    // What the address does not name, or what is no longer there, is the first that there is.
    function restore() {
      if (page && page.hidden && data.restored) { return; }
      data.restored = true;
      var state = new URLSearchParams(location.hash.slice(1));
      var at = function (list, field, wanted, otherwise) {
        var place = list.findIndex(function (item) { return item[field] === wanted; });
        return place < 0 ? Math.min(otherwise, list.length - 1) : place;
      };
      votes.select.value = at(data.boards, "key", state.get("votes"), 0);
      choose(state.get("a"), state.get("b"));
    }

    function choose(a, b) {
      var models = board().models;
      var find = function (name) { return models.findIndex(function (model) { return model.name === name; }); };
      fill(first.select, names(models));
      fill(second.select, names(models));
      first.select.value = Math.max(0, find(a));
      var other = find(b);
      second.select.value = other >= 0 ? other : Number(first.select.value) === 0 ? Math.min(1, models.length - 1) : 0;
      show();
    }

    votes.select.addEventListener("change", function () {
      choose(first.select.selectedOptions[0].textContent, second.select.selectedOptions[0].textContent);
      remember();
    });
    [first.select, second.select].forEach(function (select) {
      select.addEventListener("change", function () { show(); remember(); });
    });
    window.addEventListener("hashchange", restore);
    restore();
  });
})();
