// Renders the results of a simulation as one HTML page with plots, which opens without a network.

import { shown } from "./charts.ts";
import { type Html, html } from "./html.ts";
import { crashPlots, damagePlots, timelinePlot } from "./plots.ts";
import type { Failure, Results, Row } from "../results.ts";
import { STYLE } from "./style.ts";

/** The page. */
export function renderReport(results: Results): string {
  return html`
    <!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>ministate: simulation with seed ${results.seed}</title>
        <style>${STYLE}</style>
      </head>
      <body>
    <h1>ministate: what the simulation found</h1>
    ${verdict(results)}
    ${results.failures.map(failure)}
    ${tiles(results)}
    ${facts(results)}
    ${CRASH_STATES}
    ${crashPlots(results)}
    ${DAMAGED_DIRECTORIES}
    ${damagePlots(results)}
    <h2>The run</h2>
    ${timelinePlot(results)}
    ${table(results.rows)}
      </body>
    </html>
  `.text;
}

function verdict({ failures, totals }: Results): Html {
  const checked = html`${shown(totals.crashStates)} crash states and ${
    shown(totals.damaged)
  } damaged directories were checked.`;
  const count = failures.length;
  // A run that looked at nothing found nothing, and that must not look like success.
  const good = count === 0 && totals.crashStates + totals.damaged > 0;
  const says = count === 1 ? "1 failure" : `${shown(count)} failures`;
  return html`
    <div class="card verdict ${good ? "good" : "bad"}">
      <span class="sign" aria-hidden="true">${good ? "✓" : "✗"}</span>
      <div><b>${says}</b>${checked}</div>
    </div>
  `;
}

function failure({ kind, workload, message, replay }: Failure): Html {
  return html`
    <section class="card failure">
      <h3>${kind}: ${workload}</h3>
      <pre>${message}</pre>
      <small>The command that shows it again:</small>
      <code class="command">${replay}</code>
    </section>
  `;
}

function tiles({ totals, seconds }: Results): Html {
  const rate = Math.round(totals.crashStates / (seconds || 1));
  const all: [string, string][] = [
    [shown(totals.crashStates), "crash states"],
    [shown(rate), "crash states/s"],
    [shown(totals.damaged), "damaged directories"],
    [shown(totals.faults), "faults"],
    [shown(Math.round(seconds)), "seconds"],
  ];
  const items = all.map(([count, name]) => html`<li><b>${count}</b><small>${name}</small></li>`);
  return html`<ul class="tiles">${items}</ul>`;
}

function facts(results: Results): Html {
  const processes = results.processes.map(({ runtime, count }) => `${runtime} × ${count}`);
  return html`
    <div class="card">
      <dl class="facts">
        <dt>Date</dt>
        <dd>${results.startedAt.slice(0, 16).replace("T", " ")} UTC</dd>
        <dt>Machine</dt>
        <dd>${results.machine}</dd>
        <dt>Runtimes × processes</dt>
        <dd>${processes.join(", ")}</dd>
        <dt>Seed</dt>
        <dd>${results.seed}</dd>
        <dt>Run it again</dt>
        <dd><code class="command">${results.command}</code></dd>
      </dl>
    </div>
  `;
}

const CRASH_STATES = html`<h2>Crash states</h2>
<p>A <b>crash state</b> is what a disk may hold after the power went, or after a call of the file system
failed, at one certain moment. What was not yet synced may be there, missing, torn in the middle or
without what was written before it; a new name may be missing from its directory. The library's real code runs
a workload on a simulated disk until that moment; then the disk is left in one such state, and each is a test of
its own.</p>
<p><b>How each one is checked.</b> The state directory is opened as any program would, without help. Everything
acknowledged must be there, in order, and nothing that was never sent: the state must equal the model's after
<i>k</i> mutations, where <i>k</i> is no less than were acknowledged and no more than were sent. Then
the next mutation must be accepted, and after another power cut all of it must be there again. In half of the
cases the directory is opened once more in between, and must give the same. After power cuts, the recovery
itself is cut short twice and must still end well.</p>`;

const DAMAGED_DIRECTORIES = html`<h2>Damaged directories</h2>
<p>No power cut flips a bit in what was synced, but disks do. Here a directory is damaged on purpose, then opened in
both ways. By default everything acknowledged must be there, or opening must be refused and nothing
changed; only the very end, which nothing after it vouches for, may be missing. With
<code>onCorruption: "quarantine"</code> it must open, say which mutations are lost, keep the damaged bytes, and go
on. A wrong state without a word is a failure.</p>`;

function table(rows: Row[]): Html {
  const order = ({ kind, workload, operation }: Row) => [kind, workload, operation].join("\n");
  const sorted = rows.toSorted((a, b) => order(a).localeCompare(order(b)) || b.count - a.count);
  const lines = sorted.map(({ kind, workload, operation, outcome, count }) =>
    html`
      <tr>
        <td>${kind}</td>
        <td>${workload}</td>
        <td>${operation}</td>
        <td>${outcome}</td>
        <td>${shown(count)}</td>
      </tr>
    `
  );
  return html`
    <details>
      <summary>All ${shown(rows.length)} counts as a table</summary>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Kind</th>
              <th>Workload</th>
              <th>Operation</th>
              <th>Outcome</th>
              <th>Count</th>
            </tr>
          </thead>
          <tbody>
    ${lines}</tbody>
        </table>
      </div>
    </details>
  `;
}
