// Draws a screening on a Leaflet map. Every text handed in has been made safe in Python: it holds
// character references and no mark-up, so that it may be set as HTML.
const equityScreen = (() => {
  "use strict";
  const MISSING = {pattern: "url(#no-data)", plain: "#d0d0d0"};
  const MANY_SHAPES = 3000;
  const EDGE = {color: "#ffffff", weight: 0.8, opacity: 0.9, fillOpacity: 1};
  const CHOSEN = {color: "#111111", weight: 3, opacity: 1};
  const REACH = {
    benefit: {color: "#10622a", fillColor: "#d9f7dd"},
    burden: {color: "#8c3d00", fillColor: "#ffe6d0", dashArray: "6 4"},
  };
  const PANES = {reach: 410, areas: 420, priority: 430, lines: 440, points: 450};
  const places = new Map();
  let city = null;

  const features = (shapes) =>
    shapes.map((geometry, index) => ({type: "Feature", properties: {index: index}, geometry: geometry}));

  const row = (label, cells) =>
    "<tr><th scope=\"row\">" + label + "</th>" + cells.map((cell) => "<td>" + cell + "</td>").join("") + "</tr>";

  function neighbourhoodCard(index) {
    const values = city.neighbourhoods.values[index];
    // What is told of some places only is blank for the others.
    const rows = city.neighbourhoods.labels.map((label, at) => (values[at] ? row(label, [values[at]]) : ""));
    return "<div class=\"card\"><strong>" + city.neighbourhoods.names[index] + "</strong><table><tbody>" +
      rows.join("") + "</tbody></table></div>";
  }

  function actionCard(index) {
    const action = city.actions[index];
    const rows = city.actionLabels.map((label, at) => row(label, [action.benefit[at], action.burden[at]]));
    return "<div class=\"card\"><strong>" + action.name + "</strong>" + action.about +
      "<table><thead><tr><td></td><th scope=\"col\">Benefit</th><th scope=\"col\">Burden</th></tr></thead><tbody>" +
      rows.join("") + "</tbody></table></div>";
  }

  const CARDS = {neighbourhood: neighbourhoodCard, action: actionCard};

  function show(key) {
    const [kind, index] = key.split(":");
    document.getElementById("details").innerHTML = key ? CARDS[kind](Number(index)) : "";
    document.getElementById("look-up").value = key;
  }

  function describe(shape, key) {
    const [kind, index] = key.split(":");
    places.set(key, shape);
    shape.bindTooltip(() => CARDS[kind](Number(index)), {sticky: true, opacity: 1});
    shape.on("click", () => show(key));
  }

  let chosen = null;

  function pointOut(shape) {
    if (chosen) chosen.shape.setStyle(chosen.style);
    const {color, weight, opacity} = (shape.getLayers ? shape.getLayers()[0] : shape).options;
    chosen = {shape: shape, style: {color: color, weight: weight, opacity: opacity}};
    shape.setStyle(CHOSEN).bringToFront();
  }

  function visit(map, key) {
    const shape = places.get(key);
    show(key);
    if (!shape) return;
    const bounds = shape.getBounds ? shape.getBounds() : shape.getLatLng().toBounds(1500);
    map.fitBounds(bounds.pad(0.25), {maxZoom: 15, animate: false});
    pointOut(shape);
  }

  function fillLookUp(map) {
    const choice = document.getElementById("look-up");
    const add = (title, kind, names) => {
      const group = document.createElement("optgroup");
      group.label = title;
      names.forEach((name, index) => {
        const option = document.createElement("option");
        option.value = kind + ":" + index;
        option.innerHTML = name;
        group.append(option);
      });
      if (names.length) choice.append(group);
    };
    add("Neighbourhoods", "neighbourhood", city.neighbourhoods.names);
    add("Actions", "action", city.actions.map((action) => action.name));
    choice.addEventListener("change", () => visit(map, choice.value));
  }

  function drawCity(map, data) {
    city = data;
    Object.entries(PANES).forEach(([name, depth]) => (map.createPane(name).style.zIndex = depth));
    const shapes = city.neighbourhoods.shapes;
    const many = shapes.length > MANY_SHAPES;
    city.missing = many ? MISSING.plain : MISSING.pattern; // a canvas knows no pattern
    document.body.classList.toggle("plain-missing", many);
    city.layer = L.geoJSON(features(shapes), {
      ...(many ? {renderer: L.canvas()} : {}),
      style: {...EDGE, fillColor: city.missing},
      onEachFeature: (feature, shape) => {
        describe(shape, "neighbourhood:" + feature.properties.index);
        shape.on("mouseover", () => shape.setStyle(CHOSEN).bringToFront());
        shape.on("mouseout", () => shape.setStyle(EDGE));
      },
    });
    fillLookUp(map);
    return city.layer;
  }

  function drawTheme(map, theme) {
    const paint = (feature) => {
      const place = theme.classes[feature.properties.index];
      return {...EDGE, fillColor: place < 0 ? city.missing : theme.colours[place]};
    };
    return L.layerGroup().on("add", () => {
      city.layer.setStyle(paint);
      document.querySelectorAll("[data-theme]").forEach((legend) => {
        legend.hidden = legend.dataset.theme !== String(theme.number);
      });
    });
  }

  function drawPriority(map, shape) {
    const outline = (style) =>
      L.geoJSON(shape, {pane: "priority", interactive: false, style: {fill: false, ...style}});
    return L.layerGroup([outline({color: "#ffffff", weight: 5}), outline({color: "#b3005e", weight: 2.5})]);
  }

  function drawMissed(map, shape) {
    const style = {stroke: false, fillColor: "url(#missed)", fillOpacity: 1};
    return L.geoJSON(shape, {pane: "reach", interactive: false, style: style});
  }

  function drawBoundary(map, shape) {
    const line = (style) => L.geoJSON(shape, {pane: "priority", interactive: false, style: {fill: false, ...style}});
    return L.layerGroup([line({color: "#ffffff", weight: 3.5}), line({color: "#1a1a1a", weight: 1.5})]);
  }

  // A light fill over the colours tells the inside, a white edge keeps the line apart from dark ones.
  function drawReach(map, reach) {
    const part = (style) => L.geoJSON(reach.shape, {pane: "reach", interactive: false, smoothFactor: 0.3, style: style});
    const casing = {fill: false, color: "#ffffff", weight: 4.5, opacity: 0.9};
    return L.layerGroup([part(casing), part({weight: 2, fillOpacity: 0.28, ...REACH[reach.ledger]})]);
  }

  // By marker: active filled or whole, not active hollow or dashed, status unknown dotted.
  const EDGES = [{}, {dashArray: "9 7"}, {dashArray: "1 8", lineCap: "round"}];
  const DOTS = {few: {radius: 6, fillOpacity: 1}, many: {radius: 3.2, fillOpacity: 0.6}};

  function dotStyle(sector, marker) {
    const size = sector.many ? DOTS.many : DOTS.few;
    const filled = {color: "#ffffff", weight: sector.many ? 0.5 : 1.5, fillColor: sector.colour};
    const hollow = {color: sector.colour, weight: sector.many ? 1.4 : 2.5, fillColor: "#ffffff"};
    return {pane: "points", ...size, ...(marker ? hollow : filled), ...(marker === 2 ? {dashArray: "2 2.5"} : {})};
  }

  const ACTION_STYLES = {
    Point: dotStyle,
    Polygon: (sector, marker, outlined) => ({
      pane: "areas", className: "action-area", color: sector.colour, weight: 3.5, fillColor: sector.colour,
      fillOpacity: marker || outlined ? 0 : 0.18, ...EDGES[marker],
    }),
    LineString: (sector, marker) =>
      ({pane: "lines", className: "action-line", color: sector.colour, weight: 5, opacity: 1, ...EDGES[marker]}),
  };

  function drawActions(map, sector) {
    const styleOf = (feature) =>
      (ACTION_STYLES[feature.geometry.type.replace("Multi", "")] || ACTION_STYLES.LineString)(
        sector, sector.markers[feature.properties.index], sector.outlined[feature.properties.index]);
    return L.geoJSON(features(sector.shapes), {
      style: styleOf,
      pointToLayer: (feature, place) => L.circleMarker(place),
      onEachFeature: (feature, shape) => describe(shape, "action:" + sector.members[feature.properties.index]),
    });
  }

  // The layer control sits in the side panel: it stays readable and off the map.
  function finish() {
    const control = document.querySelector(".leaflet-control-layers");
    if (control) document.getElementById("layers").append(control);
    return L.layerGroup();
  }

  return {city: drawCity, theme: drawTheme, priority: drawPriority, missed: drawMissed, boundary: drawBoundary, reach: drawReach, actions: drawActions, finish: finish};
})();
