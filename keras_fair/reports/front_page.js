"use strict";
(() => {
  const numbers = JSON.parse(document.getElementById("numbers").textContent);
  const { texts, tolerances, statements, objectives, points, steps } = numbers;
  const SLACK = 1e-6;  // as in an audit: what rounding may put outside a bound
  const MARGIN = { left: 64, right: 16, top: 14, bottom: 46 };
  const by = id => document.getElementById(id);
  const sliders = [...document.querySelectorAll("input[data-text]")];
  const svg = (name, attributes, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const element = (name, ...children) => {
    const made = document.createElement(name);
    made.append(...children);
    return made;
  };
  const shown = number =>
    number === null ? "not estimable" : String(+number.toPrecision(4)).replace("-", "\u2212");
  const withEnds = ([value, low, high]) =>
    shown(value) + (value === null || low === null || high === null ? "" : ` (${shown(low)} to ${shown(high)})`);
  const described = point => [
    ...objectives.map((name, place) => `${name} ${withEnds(point.scores[place])}`),
    ...texts.map((name, place) => `${name} ${withEnds(point.gaps[place])}`),
  ];

  // The tolerance of each slider; null at its end, which asks for nothing.
  const asked = () => sliders.map((slider, place) =>
    +slider.value === steps ? null : +(tolerances[place] * slider.value / steps).toPrecision(6));
  const meets = (point, limits, sure) => limits.every((limit, place) => {
    if (limit === null) return true;
    if (sure && point.small[place]) return false;
    const gap = point.gaps[place][sure ? 2 : 0];
    return gap !== null && gap <= limit + SLACK;
  });
  const order = (point, prefer) =>
    [point.scores[prefer][0], ...point.scores.map(each => each[0]), ...point.gaps.map(each => each[0])]
      .map(each => each === null ? Infinity : each);
  const before = (one, other) => {
    const place = one.findIndex((number, index) => number !== other[index]);
    return place >= 0 && one[place] < other[place];
  };
  const pick = (limits, prefer, sure) => points
    .filter(point => point.scores[prefer][0] !== null && meets(point, limits, sure))
    .reduce((best, point) => best && !before(order(point, prefer), order(best, prefer)) ? best : point, null);

  const ticks = (low, high, most) => {
    let step = 10 ** Math.floor(Math.log10((high - low) / most));
    step *= [1, 2, 5, 10].find(factor => (high - low) / (factor * step) <= most + 1);
    const found = [];
    for (let place = Math.ceil(low / step - 1e-9); place * step <= high + 1e-9 * step; place++)
      found.push(+(place * step).toPrecision(8));
    return found;
  };
  const span = (ends, zero) => {
    const finite = ends.flat().filter(each => each !== null);
    let low = Math.min(...finite, ...(zero ? [0] : [])), high = Math.max(...finite);
    if (!(high > low)) { low -= 0.5 * (Math.abs(low) || 1); high += 0.5 * (Math.abs(high) || 1); }
    const room = zero ? 0 : 0.05 * (high - low);
    return [low - room, high + 0.05 * (high - low)];
  };

  const tell = point => {
    by("named").textContent = point === null ? "" : `${point.name}: ${described(point).join("; ")}`;
  };

  const draw = (chosen, limits) => {
    const chart = by("chart"), across = +by("across").value, along = +by("along").value;
    const focused = document.activeElement && document.activeElement.dataset
      ? document.activeElement.dataset.point : undefined;
    const width = Math.max(chart.clientWidth, 240), height = Math.min(460, Math.max(280, 0.55 * width));
    const known = points.filter(point => point.gaps[across][0] !== null && point.scores[along][0] !== null);
    chart.replaceChildren();
    if (!known.length) { chart.append(element("p", "No point has a number on both axes.")); return; }
    const [left, right] = span(known.map(point => point.gaps[across]), true);
    const [low, high] = span(known.map(point => point.scores[along]), false);
    const inner = [width - MARGIN.left - MARGIN.right, height - MARGIN.top - MARGIN.bottom];
    const x = value => MARGIN.left + inner[0] * (value - left) / (right - left);
    const y = value => MARGIN.top + inner[1] * (high - value) / (high - low);
    const bottom = height - MARGIN.bottom;
    const picture = svg("svg", {
      viewBox: `0 0 ${width} ${height}`, height, role: "group",
      "aria-label": `${known.length} points: ${texts[across]} across, ${objectives[along]} along`,
    });
    const limit = limits[across];
    if (limit !== null) picture.append(svg("rect", {
      class: "limit", x: x(left), y: MARGIN.top, height: inner[1],
      width: Math.max(Math.min(x(limit), width - MARGIN.right) - x(left), 0),
    }));
    picture.append(
      svg("line", { class: "axis", x1: MARGIN.left, x2: width - MARGIN.right, y1: bottom, y2: bottom }),
      svg("line", { class: "axis", x1: MARGIN.left, x2: MARGIN.left, y1: MARGIN.top, y2: bottom }));
    for (const tick of ticks(left, right, Math.max(2, Math.floor(inner[0] / 90)))) picture.append(
      svg("line", { class: "axis", x1: x(tick), x2: x(tick), y1: bottom, y2: bottom + 5 }),
      svg("text", { x: x(tick), y: bottom + 19, "text-anchor": "middle" }, shown(tick)));
    for (const tick of ticks(low, high, 5)) picture.append(
      svg("line", { class: "axis", x1: MARGIN.left - 5, x2: MARGIN.left, y1: y(tick), y2: y(tick) }),
      svg("text", { x: MARGIN.left - 9, y: y(tick) + 4, "text-anchor": "end" }, shown(tick)));
    const name = texts[across].length > 60 ? `${texts[across].slice(0, 58)}\u2026` : texts[across];
    picture.append(svg("text", { x: MARGIN.left, y: height - 6 }, name));
    const sorted = [...known].sort((one, other) =>
      one.gaps[across][0] - other.gaps[across][0] || one.scores[along][0] - other.scores[along][0]);
    let least = Infinity, path = "";
    for (const point of sorted) if (point.scores[along][0] < least) {
      path += path ? `H${x(point.gaps[across][0])}V${y(point.scores[along][0])}`
        : `M${x(point.gaps[across][0])} ${y(point.scores[along][0])}`;
      least = point.scores[along][0];
    }
    picture.append(svg("path", { class: "front", d: path }));
    for (const point of [...known].sort((one, other) => one.undominated - other.undominated)) {
      const [gap, from, to] = point.gaps[across], [score, under, over] = point.scores[along];
      const mark = svg("g", {
        class: "point", tabindex: 0, role: "img", "data-point": points.indexOf(point),
        "aria-label": `${point.name}: ${described(point).join("; ")}`,
      });
      if (from !== null && to !== null)
        mark.append(svg("line", { class: "reach", x1: x(from), x2: x(to), y1: y(score), y2: y(score) }));
      if (under !== null && over !== null)
        mark.append(svg("line", { class: "reach", x1: x(gap), x2: x(gap), y1: y(under), y2: y(over) }));
      const at = { cx: x(gap), cy: y(score) };
      mark.append(svg("circle", { ...at, r: 12, fill: "transparent" }),
        svg("circle", { ...at, r: 5, class: point.undominated ? "undominated" : "dominated" }));
      if (point === chosen) mark.append(svg("circle", { ...at, r: 9, class: "chosen" }));
      for (const event of ["pointerenter", "focus", "click"]) mark.addEventListener(event, () => tell(point));
      picture.append(mark);
    }
    chart.append(picture);
    if (focused !== undefined) {
      const again = picture.querySelector(`[data-point="${focused}"]`);
      if (again) again.focus();
    }
  };

  const code = (limits, prefer, sure) => {
    const held = limits.map((limit, place) => limit === null ? "" : statements[place].replace("{}", limit))
      .filter(Boolean).join("; ");
    if (!held || limits.some((limit, place) => limit !== null && !statements[place])) return "";
    const text = JSON.stringify(held), named = JSON.stringify(objectives[prefer]);
    return `front.pick(${text}, prefer=${named}${sure ? ", sure=True" : ""})`;
  };
  const report = (chosen, limits, prefer, sure) => {
    const box = by("picked");
    box.replaceChildren();
    box.classList.toggle("none", chosen === null);
    if (chosen === null) {
      box.append(element("h3", "No point is within these tolerances"));
    } else {
      box.append(element("h3", `Best by ${objectives[prefer]}: ${chosen.name}`),
        element("ul", ...described(chosen).map(each => element("li", each))));
      if (chosen.constraints) box.append(element("p", "Held to: ", element("code", chosen.constraints)));
    }
    const asPython = code(limits, prefer, sure);
    if (asPython) box.append(element("p", element("code", asPython)));
    points.forEach((point, place) => {
      const row = by(`point${place}`);
      if (point === chosen) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    });
  };

  let width = 0;
  const update = () => {
    const limits = asked(), prefer = +by("prefer").value, sure = Boolean(by("sure") && by("sure").checked);
    sliders.forEach((slider, place) => {
      const said = limits[place] === null ? "any" : shown(limits[place]);
      slider.parentElement.querySelector("output").textContent = said;
      slider.setAttribute("aria-valuetext", said);
    });
    const chosen = pick(limits, prefer, sure);
    report(chosen, limits, prefer, sure);
    draw(chosen, limits);
    width = by("chart").clientWidth;
  };
  by("interactive").hidden = false;
  by("controls").addEventListener("submit", event => event.preventDefault());
  by("interactive").addEventListener("input", update);
  document.addEventListener("keydown", event => { if (event.key === "Escape") tell(null); });
  addEventListener("resize", () => { if (by("chart").clientWidth !== width) update(); });
  update();
})();
