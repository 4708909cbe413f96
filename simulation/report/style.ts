// How a report looks: in light and in dark, on a screen and on a phone, without a font or file from elsewhere.

import { Html } from "./html.ts";

/** The style sheet. */
export const STYLE = new Html(`
:root {
  color-scheme: light dark;
  --page: #f3f5f8; --card: #ffffff; --text: #1b2430; --soft: #566273; --line: #d8dee6;
  --good: #0a6a41; --good-card: #e2f5ea; --bad: #b3201f; --bad-card: #fdeaea;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #12161c; --card: #1b212a; --text: #e5eaf1; --soft: #a3afbf; --line: #333c49;
    --good: #6fdca4; --good-card: #12352a; --bad: #ff9a94; --bad-card: #42191b;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 24px 16px 48px; max-width: 1000px;
  background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 16px; }
h2 { font-size: 1.3rem; margin: 40px 0 8px; }
p { max-width: 46em; margin: 8px 0; }
small { color: var(--soft); font-size: 0.86rem; }
code, pre { font: 0.86rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; margin: 8px 0; }
ul { list-style: none; margin: 0; padding: 0; }
.card, figure, details {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 16px; margin: 16px 0;
}
.verdict { display: flex; gap: 16px; align-items: center; border-width: 2px; }
.verdict .sign { font-size: 2.2rem; line-height: 1; }
.verdict b { display: block; font-size: 1.5rem; line-height: 1.25; }
.good { color: var(--good); background: var(--good-card); border-color: var(--good); }
.bad { color: var(--bad); background: var(--bad-card); border-color: var(--bad); }
.failure { border-left: 5px solid var(--bad); }
.failure h3 { margin: 0; font-size: 1rem; color: var(--bad); }
.command { display: block; background: var(--page); border-radius: 6px; padding: 8px 10px; }
.command { user-select: all; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 12px; }
.tiles li { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tiles li { padding: 12px 14px; }
.tiles b { display: block; font-size: 1.45rem; line-height: 1.3; }
.facts { display: grid; grid-template-columns: auto 1fr; gap: 6px 16px; margin: 0; }
.facts dt { color: var(--soft); }
.facts dd { margin: 0; min-width: 0; }
figcaption { font-weight: 600; font-size: 1.05rem; line-height: 1.35; margin-bottom: 10px; }
.key { display: flex; flex-wrap: wrap; gap: 4px 18px; margin-bottom: 12px; font-size: 0.9rem; }
.key i { display: inline-block; width: 12px; height: 12px; border-radius: 3px; margin-right: 7px; }
.meanings { display: grid; gap: 14px; }
.meanings small { display: block; }
.meanings .row { display: flex; justify-content: space-between; gap: 16px; align-items: baseline; }
.meanings .row span { white-space: nowrap; }
.meanings .row small { display: inline-block; min-width: 3.4em; text-align: right; }
.track { height: 10px; border-radius: 5px; background: var(--page); margin: 4px 0; }
.track div { height: 100%; min-width: 3px; border-radius: 5px; }
svg { display: block; width: 100%; height: auto; }
.narrow { display: none; }
summary { cursor: pointer; font-weight: 600; }
.scroll { overflow-x: auto; margin-top: 12px; }
table { border-collapse: collapse; width: 100%; font-size: 0.86rem; }
th, td { text-align: left; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); }
th { white-space: nowrap; }
th:last-child, td:last-child { text-align: right; padding-right: 0; }
b, td:last-child { font-variant-numeric: tabular-nums; }
@media (max-width: 720px) {
  .wide { display: none; }
  .narrow { display: block; max-width: 480px; }
  .facts { grid-template-columns: 1fr; gap: 0; }
  .facts dd { margin-bottom: 8px; }
  .tiles { grid-template-columns: 1fr 1fr; }
}
`);
