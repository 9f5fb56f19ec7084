// The page is whole without this: it makes the table of changes sortable and filterable, and opens everything for the printer.
(function () {
  "use strict";
  var table = document.getElementById("changes-table");
  if (table) {
    var body = table.tBodies[0];
    var rows = Array.prototype.slice.call(body.rows);
    var words = rows.map(function (row) { return row.textContent.toLowerCase(); });
    var order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
    var status = document.getElementById("changes-shown");

    var key = function (row, column, text) {
      var cell = row.cells[column];
      if (text) { return cell.textContent.trim(); }
      return cell.hasAttribute("data-value") ? parseFloat(cell.getAttribute("data-value")) : -Infinity;
    };
    var sort = function (head) {
      var text = head.getAttribute("data-sort") === "text";
      // scores are looked at from the highest, everything else from A
      var first = head.getAttribute("data-sort") === "number" ? "descending" : "ascending";
      var now = head.getAttribute("aria-sort");
      var next = now ? (now === "ascending" ? "descending" : "ascending") : first;
      var sign = next === "ascending" ? 1 : -1;
      var keyed = rows.map(function (row, place) { return [key(row, head.cellIndex, text), place, row]; });
      keyed.sort(function (a, b) {
        var apart = text ? order.compare(a[0], b[0]) : (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);
        return sign * apart || a[1] - b[1];
      });
      var sorted = document.createDocumentFragment();
      keyed.forEach(function (one) { sorted.appendChild(one[2]); });
      body.appendChild(sorted);
      Array.prototype.forEach.call(head.parentNode.cells, function (other) { other.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", next);
    };
    Array.prototype.forEach.call(table.tHead.rows[0].cells, function (head) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.addEventListener("click", function () { sort(head); });
      head.textContent = "";
      head.appendChild(button);
    });

    var tools = document.getElementById("changes-tools");
    var text = document.getElementById("changes-text");
    var kind = document.getElementById("changes-kind");
    var filter = function () {
      var wanted = text.value.trim().toLowerCase().split(/\s+/);
      var shown = 0;
      rows.forEach(function (row, place) {
        var fits = (!kind.value || row.getAttribute("data-kind") === kind.value) &&
          wanted.every(function (word) { return words[place].indexOf(word) >= 0; });
        row.hidden = !fits;
        shown += fits;
      });
      status.textContent = shown + " of " + rows.length + " shown";
    };
    text.addEventListener("input", filter);
    kind.addEventListener("input", filter);
    tools.addEventListener("submit", function (event) { event.preventDefault(); });
    tools.hidden = false;
    filter();
  }

  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.prototype.slice.call(document.querySelectorAll("details:not([open]):not(.repeated)"));
    opened.forEach(function (one) { one.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (one) { one.open = false; });
  });
}());
