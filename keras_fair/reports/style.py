"""The style sheet of the page. Fonts are those of the reader's system, so nothing is fetched.

Text has a contrast of at least 4.5 to 1 on what it stands on, in light and in dark. On narrow screens
and on paper the rows of tables become blocks.
"""

__all__ = ["STYLE"]

STYLE = """
:root {
  color-scheme: light dark;
  --page: #f6f7f9; --paper: #ffffff; --ink: #1b1f24; --soft: #56606b; --line: #dce0e5; --faint: #eef0f3;
  --accent: #1f5fa8; --satisfied: #17703a; --violated: #b3261e; --undecided: #85560a; --unestimable: #56606b;
  --band: #dcefe1; --bound: #3f8a57; --bars: #5b93cc;
  --heat0: #eff5fb; --heat1: #d5e5f5; --heat2: #b6d2ee; --heat3: #90bbe4; --heat4: #669fd6; --heat5: #1f5fa8;
  --heat-ink: #14181d; --heat-last: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #101317; --paper: #181c22; --ink: #e7eaee; --soft: #a5afba; --line: #323943; --faint: #232931;
    --accent: #84bcff; --satisfied: #66d493; --violated: #ff9488; --undecided: #f1bd5c;
    --unestimable: #a5afba;
    --band: #1d3929; --bound: #5fae7d; --bars: #4f86bd;
    --heat0: #1b2430; --heat1: #1f3247; --heat2: #244261; --heat3: #2b547e; --heat4: #336699;
    --heat5: #93c5ff;
    --heat-ink: #eef3f8; --heat-last: #0d1218;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
body {
  margin: 0 auto; padding: 24px 20px 64px; max-width: 1080px; background: var(--page); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
  overflow-wrap: anywhere;
}
h1, h2, h3, p, ul, figure { margin: 0; }
h1 { font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.01em; }
h2 { font-size: 1.3rem; margin: 44px 0 12px; padding-bottom: 6px; border-bottom: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 24px 0 10px; }
code, pre { font: 0.875em/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
a { color: var(--accent); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.unseen {
  position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}

.verdict {
  background: var(--paper); border: 1px solid var(--line); border-left: 6px solid var(--tone);
  border-radius: 10px; padding: 22px 24px;
}
.satisfied { --tone: var(--satisfied); }
.violated { --tone: var(--violated); }
.undecided { --tone: var(--undecided); }
.unestimable { --tone: var(--unestimable); }
.value { --tone: var(--accent); }
.verdict h1 { color: var(--tone); }
.about { color: var(--soft); font-size: 0.9rem; margin-bottom: 6px; }
.summary { font-size: 1.1rem; margin: 8px 0 16px; }
.worst { margin-top: 16px; padding-top: 14px; border-top: 1px solid var(--line); max-width: 75ch; }
.divided { display: block; border-radius: 5px; }
.divided rect { fill: var(--tone); stroke: var(--paper); stroke-width: 1; }
.tiles, .legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: 8px 22px; }
.tiles { margin-top: 12px; }
.tiles li, .legend li { display: flex; align-items: center; gap: 6px; }
.legend { color: var(--soft); font-size: 0.875rem; margin-bottom: 14px; }
nav { display: flex; flex-wrap: wrap; gap: 6px 18px; margin-top: 16px; font-size: 0.95rem; }
.lead { color: var(--soft); max-width: 75ch; margin-bottom: 12px; }

.badge {
  display: inline-flex; align-items: center; gap: 5px; color: var(--tone); font-weight: 600;
  font-size: 0.875rem;
}
.badge svg { flex: none; }
td .badge { white-space: nowrap; }
.mark { fill: var(--tone); stroke: var(--paper); stroke-width: 1.5; }
.badge .mark { stroke-width: 0; }
.mark.hollow, .badge .mark.hollow { fill: var(--paper); stroke: var(--tone); stroke-width: 2.5; }

.card {
  background: var(--paper); border: 1px solid var(--line); border-radius: 10px; margin-bottom: 14px;
  padding: 0 20px;
}
.card > summary {
  display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 4px 16px;
  padding: 14px 0; cursor: pointer; list-style: none;
}
.card > summary::-webkit-details-marker { display: none; }
.card > summary h3 { margin: 0; flex: 1 1 20rem; padding-left: 20px; text-indent: -20px; font-weight: 600; }
.card > summary h3::before {
  content: "\\25B8"; display: inline-block; width: 20px; text-indent: 0; color: var(--soft);
}
.card[open] > summary h3::before { content: "\\25BE"; }
.card > summary h3 code { font-size: 0.95rem; }
.words { max-width: 75ch; margin-bottom: 14px; }
.more { margin: 4px 0 16px; }
.more > summary { cursor: pointer; color: var(--accent); padding: 6px 0; }
.note { color: var(--soft); font-weight: 400; font-size: 0.85rem; }
span.note { display: block; }
.strips .note td { border-top: 0; padding-top: 0; padding-left: 0; }

table { border-collapse: collapse; width: 100%; font-size: 0.9rem; margin-bottom: 18px; }
caption { text-align: left; color: var(--soft); font-weight: 600; font-size: 0.85rem; padding: 2px 0 4px; }
th, td { text-align: left; padding: 5px 8px; border-top: 1px solid var(--faint); vertical-align: middle; }
th:first-child { padding-left: 0; }
tr > :last-child { padding-right: 0; }
thead th { border-top: 0; color: var(--soft); font-weight: 500; font-size: 0.8rem; vertical-align: bottom; }
tbody th { font-weight: 500; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
thead .number { white-space: normal; overflow-wrap: normal; }
.strips { table-layout: fixed; }
.strips .picture { width: 27%; padding: 0 8px; }
.strips th:nth-child(3) { width: 10rem; }
.strips th:nth-child(n + 4) { width: 6rem; }
.strips th.says { width: 7.6rem; }
.strips .says { padding-left: 16px; }
small { font-size: 0.8rem; color: var(--soft); }
.strips small { display: block; line-height: 1.3; }
.sizes .picture { width: 40%; }
.strips svg, .sizes svg { display: block; overflow: visible; }
.axis text { font-size: 11px; fill: var(--soft); }
.axis .tick { stroke: var(--soft); stroke-width: 1; }
.grid { stroke: var(--line); stroke-width: 1; }
.grid.zero { stroke: var(--soft); stroke-dasharray: 2 2; }
.band { fill: var(--band); }
.bound { stroke: var(--bound); stroke-width: 1.5; }
.whisker { stroke: var(--tone); stroke-width: 2; fill: none; }
.track { fill: var(--faint); }
.size { fill: var(--bars); }

.multiples { display: grid; grid-template-columns: repeat(auto-fill, minmax(200px, 1fr)); gap: 14px; }
.multiples figure {
  background: var(--paper); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px;
  font-size: 0.85rem; break-inside: avoid;
}
.multiples p { color: var(--soft); font-size: 0.8rem; font-variant-numeric: tabular-nums; }
.histogram {
  display: block; width: 100%; height: 78px; margin-top: 6px; border-bottom: 1px solid var(--soft);
}
.bars { fill: var(--bars); }
.outline { fill: none; stroke: var(--soft); stroke-width: 1.2; vector-effect: non-scaling-stroke; }
.histogram .mean { stroke: var(--ink); stroke-width: 2; vector-effect: non-scaling-stroke; }
.cut { stroke: var(--paper); stroke-width: 3; vector-effect: non-scaling-stroke; }
.ends { display: flex; justify-content: space-between; color: var(--soft); font-size: 0.75rem; }

#sizes table, .plain, .scroll, pre {
  background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 12px 20px;
}
#sizes table { border-collapse: separate; border-spacing: 0; }
.scroll, pre { overflow-x: auto; }
pre { margin: 0; white-space: pre-wrap; }
.plain table { margin: 0; }
.plain th { width: 13rem; color: var(--soft); }
.plain tr:first-child > * { border-top: 0; }
.scroll { margin-bottom: 16px; }
.heat { width: auto; min-width: 50%; border-collapse: separate; border-spacing: 3px; margin: 0; }
.heat td {
  text-align: center; border: 0; border-radius: 5px; padding: 6px 10px; min-width: 84px;
  color: var(--heat-ink);
}
.heat th { border: 0; max-width: 16rem; }
.heat thead th { text-align: center; }
.heat thead th:first-child { text-align: left; }
.heat td b { display: block; font-variant-numeric: tabular-nums; }
.heat small { font-size: 0.75rem; white-space: nowrap; color: inherit; }
.heat .none { color: var(--soft); border: 1px dashed var(--line); }
.heat .none small { display: block; }
.heat0 { background: var(--heat0); } .heat1 { background: var(--heat1); } .heat2 { background: var(--heat2); }
.heat3 { background: var(--heat3); } .heat4 { background: var(--heat4); }
.heat .heat5 { background: var(--heat5); color: var(--heat-last); }
#caveats p { max-width: 75ch; margin-top: 12px; }
#caveats .items { padding-left: 22px; margin-top: 4px; }

@media (max-width: 980px) {
  .strips, .strips thead, .strips tbody, .strips caption { display: block; }
  .strips thead th:not(.picture) {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
  .strips tr { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 14px; padding: 8px 0; }
  .strips tbody tr { border-top: 1px solid var(--faint); }
  .strips thead tr, .strips tr.note { padding: 0; border: 0; }
  .strips th, .strips td { border: 0; padding: 0; }
  .strips small { display: inline; }
  .strips tbody th { flex: 1 1 50%; }
  .strips .says { width: auto; padding: 0; order: 1; }
  .strips .picture { flex: 1 0 100%; width: 100%; padding: 3px 0; order: 2; }
  .strips .number { order: 3; white-space: normal; text-align: left; }
  .strips td.number::before { content: attr(data-label) " "; color: var(--soft); }
}
@media (max-width: 720px) {
  body { padding: 14px 12px 48px; }
  h1 { font-size: 1.5rem; }
  .verdict { padding: 16px; }
  .card { padding: 0 14px; }
  #sizes table, .plain, .scroll, pre { padding: 10px 14px; }
  .multiples { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px; }
  .plain th { width: 8rem; }
  .sizes, .sizes tbody, .sizes caption { display: block; }
  .sizes thead {
    position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%);
  }
  .sizes tbody tr {
    display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 14px; padding: 8px 0;
    border-top: 1px solid var(--faint);
  }
  .sizes th, .sizes td { border: 0; padding: 0; }
  .sizes tbody th, .sizes tbody .picture { flex: 1 0 100%; width: 100%; }
  .sizes tbody .picture { padding: 3px 0; }
  .sizes .number { white-space: normal; text-align: left; }
  .sizes td.number::before { content: attr(data-label) " "; color: var(--soft); }
}
@media print {
  :root {
    --page: #fff; --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --faint: #ddd; --accent: #1f5fa8;
    --satisfied: #17703a; --violated: #b3261e; --undecided: #85560a; --unestimable: #444;
    --band: #dcefe1; --bound: #3f8a57; --bars: #5b93cc; --heat-ink: #14181d; --heat-last: #fff;
    --heat0: #eff5fb; --heat1: #d5e5f5; --heat2: #b6d2ee; --heat3: #90bbe4; --heat4: #669fd6;
    --heat5: #1f5fa8;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  .multiples { grid-template-columns: repeat(3, minmax(0, 1fr)); }
  nav { display: none; }
  details::details-content { content-visibility: visible; display: block; }
  .scroll { overflow: visible; }
  tr, figure, .verdict { break-inside: avoid; }
  .card { border-width: 1px 0 0; border-radius: 0; padding: 0; }
  h2, h3, summary { break-after: avoid; }
}
""".strip()
