// Renders what the rig found as one HTML page with plots, which opens without a network.

import { drawBars, drawLines, shown } from "../../simulation/report/charts.ts";
import { type Html, html } from "../../simulation/report/html.ts";
import { STYLE } from "../../simulation/report/style.ts";
import { type CutRow, outcomesOf, perMutation, type RigResults, stateCount } from "./results.ts";
import { sumTraffic, type Traffic } from "./traffic.ts";

/** The page. */
export function renderReport(results: RigResults): string {
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>ministate: power cuts of emulated boards, seed ${results.seed}</title>
        <style>${STYLE}</style>
      </head>
      <body>
        <h1>ministate: power cuts of emulated boards</h1>
    ${verdict(results)}
    ${results.failures.map(failure)}
    ${facts(results)}
    ${WHAT_IT_IS}
    ${outcomes(results.cuts)}
    ${overTime(results)}
    <h2>Controls</h2>
    ${controls(results)}
    <h2>What the card is asked for</h2>
    ${traffic(results)}
    <h2>Everything else</h2>
    ${others(results)}
    ${cutTable(results.cuts)}
      </body>
    </html>
  `.text;
}

const WHAT_IT_IS =
  html`<p>Each <b>cut</b> is an arm64 board under QEMU, with Debian's kernel, that is killed while the library writes. Its
card is a network block device of ours with a volatile cache, which logs every write and flush. From the log many
<b>crash states</b> are derived: what was not flushed is kept, lost or torn at sectors of 512 bytes, in any order.
Every one is mounted by a kernel, opened by the library, held against what had been acknowledged, and gone on
with. A second cut comes while the board recovers from the first.</p>`;

function verdict(results: RigResults): Html {
  const { failures, cuts } = results;
  const good = failures.length === 0 && cuts.length > 0;
  return html`
    <div class="card verdict ${good ? "good" : "bad"}">
      <span class="sign" aria-hidden="true">${good ? "✓" : "✗"}</span>
      <div><b>${failures.length === 1 ? "1 failure" : `${shown(failures.length)} failures`}</b>
      ${shown(cuts.length)} cuts and ${shown(stateCount(results))} crash states were checked.</div>
    </div>
  `;
}

function failure({ what, detail, replay }: RigResults["failures"][number]): Html {
  return html`
    <section class="card failure">
      <h3>${what}</h3>
      <pre>${detail}</pre>
      <small>The command that shows it again:</small>
      <code class="command">${replay}</code>
    </section>
  `;
}

function facts({ startedAt, machine, seed, command, seconds }: RigResults): Html {
  return html`
    <div class="card">
      <dl class="facts">
        <dt>Date</dt>
        <dd>${startedAt.slice(0, 16).replace("T", " ")} UTC</dd>
        <dt>Machine</dt>
        <dd>${machine}</dd>
        <dt>Seconds</dt>
        <dd>${shown(Math.round(seconds))}</dd>
        <dt>Seed</dt>
        <dd>${seed}</dd>
        <dt>Command</dt>
        <dd><code class="command">${command}</code></dd>
      </dl>
    </div>
  `;
}

const COLORS = ["#3d7edb", "#2f9e6e", "#b7791f", "#8a63d2", "#c2504f", "#4a9aa8", "#9a7b4f"];
const BAD = new Set(["lost", "unopenable", "wrong", "invented", "not mounted"]);

function outcomes(cuts: readonly CutRow[]): Html {
  const names = Object.keys(outcomesOf(cuts));
  const nameOf = ({ subject, cut }: CutRow) => cut === 2 ? `${subject}, second cut` : subject;
  const groups = [...new Set(cuts.map(nameOf))];
  const parts = names.map((name, index) => ({
    name,
    color: BAD.has(name) ? "#c2504f" : COLORS[index % COLORS.length]!,
    counts: groups.map((group) =>
      outcomesOf(cuts.filter((cut) => nameOf(cut) === group))[name] ?? 0
    ),
  }));
  const title = "Crash states by workload, and the results of opening them";
  return figure(title, key(parts), drawBars({ names: groups, parts, shares: false }, title));
}

function overTime({ cuts }: RigResults): Html {
  let count = 0;
  const points = cuts.toSorted((a, b) => a.seconds - b.seconds)
    .map(({ seconds, states }): [number, number] => [seconds, count += states]);
  const title = "Crash states over time";
  return figure(
    title,
    html``,
    drawLines({ lines: [{ name: "crash states", color: COLORS[0]!, points }] }, title),
  );
}

function controls({ controls }: RigResults): Html {
  const rows = controls.map((
    { subject, ignoresFlushes, expected, states, failed, asExpected, example },
  ) => [
    subject + (ignoresFlushes ? " on a disk that ignores flushes" : ""),
    `must be ${expected === "caught" ? "caught" : "sound"}`,
    asExpected ? "as expected" : "NOT as expected",
    example,
    `${failed} of ${states}`,
  ]);
  return table(["Writer", "Expected", "Found", "For example", "Crash states wrong"], rows);
}

function traffic({ cuts, controls }: RigResults): Html {
  const own = (["bun", "deno"] as const).map((runtime) => ({
    name: `ministate on ${runtime}, one caller, 100 bytes`,
    sum: sumTraffic(
      cuts.filter((cut) => cut.subject === "counted" && cut.runtime === runtime)
        .map(({ traffic }) => traffic),
    ),
  }));
  const others = controls.filter(({ ignoresFlushes }) => !ignoresFlushes)
    .map(({ subject, traffic }) => ({ name: `${subject}, beside a busy neighbour`, sum: traffic }));
  const all = [...own, ...others].filter(({ sum }) => sum.acknowledged > 0);
  const bars = (title: string, of: (sum: Traffic) => number) =>
    figure(
      title,
      html``,
      drawBars({
        names: all.map(({ name }) => name),
        parts: [{ name: title, color: COLORS[0]!, counts: all.map(({ sum }) => of(sum)) }],
        shares: false,
      }, title),
    );
  return html`
    ${bars(
      "Bytes written for each acknowledged mutation",
      (sum) => Math.round(perMutation(sum).bytes),
    )}
    ${bars(
      "Flushes for each acknowledged mutation",
      (sum) => Math.round(100 * perMutation(sum).flushes) / 100,
    )}
  `;
}

function others({ others }: RigResults): Html {
  return table(
    ["What", "Found", "Result"],
    others.map(({ name, ok, detail }) => [name, detail, ok ? "ok" : "FAILED"]),
  );
}

function cutTable(cuts: readonly CutRow[]): Html {
  const rows = cuts.map((cut) => [
    `${cut.number}.${cut.cut}`,
    cut.subject,
    cut.runtime,
    cut.fileSystem,
    [cut.neighbour ? "neighbour" : "", cut.restarts ? "restarts" : ""].filter(Boolean).join(", "),
    `${cut.seed}`,
    Object.entries(outcomesOf([cut])).map(([name, count]) => `${name} ${count}`).join(", "),
    shown(cut.states),
  ]);
  return html`
    <details><summary>All ${shown(cuts.length)} cuts as a table</summary>
    ${table(
      ["Cut", "Workload", "Runtime", "File system", "With", "Seed", "Outcomes", "States"],
      rows,
    )}</details>
  `;
}

function table(heads: string[], rows: string[][]): Html {
  return html`
    <div class="scroll">
      <table>
        <thead>
          <tr>${heads.map((head) => html`<th>${head}</th>`)}</tr>
        </thead>
        <tbody>${rows.map((row) =>
          html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`
        )}</tbody>
      </table>
    </div>
  `;
}

function key(parts: { name: string; color: string }[]): Html {
  return html`<div class="key">${
    parts.map(({ name, color }) => html`<span><i style="background:${color}"></i>${name}</span>`)
  }</div>`;
}

function figure(title: string, legend: Html, drawing: Html): Html {
  return html`<figure><figcaption>${title}</figcaption>${legend}${drawing}</figure>`;
}
