(function () {
  "use strict";
  var config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };
  document.querySelectorAll(".chart").forEach(function (place) {
    try {
      var figure = JSON.parse(document.getElementById(place.id + "-data").textContent);
      Plotly.newPlot(place, figure.data, figure.layout, config);
    } catch (error) {
      place.className += " failed";
      place.textContent = "This chart could not be drawn: " + error.message;
    }
  });
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (part) { part.open = true; });
    document.querySelectorAll(".chart").forEach(function (place) { if (place.data) { Plotly.Plots.resize(place); } });
  });
})();
