// The plots of a report: which rows go into each, and what is written above it.

import { type Bars, drawBars, drawLines, isBroken, shown } from "./charts.ts";
import { type Html, html } from "./html.ts";
import { crashOutcomesOf, damageOutcomesOf, kindsOf, type Meaning } from "./legend.ts";
import { countBy, isDamage, type Results, type Row, type Sample } from "../results.ts";

/** How rows are gathered into bars. */
interface Gathering {
  nameOf: (row: Row) => string;
  partOf: "kind" | "outcome";
  meanings: Meaning[];
  shares: boolean;
}

/** All plots of crash states. */
export function crashPlots({ rows }: Results): Html {
  const crashes = rows.filter(({ kind }) => !isDamage(kind));
  if (crashes.length === 0) return html`<p>This run looked at no crash states.</p>`;
  const kinds = kindsOf(crashes.map(({ kind }) => kind));
  const outcomes = crashOutcomesOf(crashes.map(({ outcome }) => outcome));
  const byOutcome = { partOf: "outcome", meanings: outcomes, shares: false } as const;
  return html`
    ${meaningsFigure("What recovery found", crashes, "outcome", outcomes)}
    ${barsFigure("What recovery found, by workload", crashes, {
      ...byOutcome,
      nameOf: workloadOf,
      shares: true,
    })}
    ${meaningsFigure("How crash states came about", crashes, "kind", kinds)}
    ${barsFigure("Crash states by workload", crashes, {
      nameOf: workloadOf,
      partOf: "kind",
      meanings: kinds,
      shares: false,
    })}
    ${barsFigure(
      "Crash states by the operation at which the power went or the fault came",
      crashes,
      {
        ...byOutcome,
        nameOf: ({ operation }) => operation,
      },
    )}
  `;
}

/** All plots of damaged directories. */
export function damagePlots({ rows }: Results): Html {
  const damaged = rows.filter(({ kind }) => isDamage(kind));
  if (damaged.length === 0) return html`<p>This run looked at no damaged directories.</p>`;
  const outcomes = damageOutcomesOf(damaged.map(({ outcome }) => outcome));
  const kinds = countBy(damaged, "kind").map(([kind]) => kind);
  return html`
    ${meaningsFigure("Results of opening", damaged, "outcome", outcomes)}
    ${kinds.map((kind) =>
      barsFigure(`Results of opening, by directory and damage: ${kind}`, damaged, {
        nameOf: (row) => `${workloadOf(row)}: ${row.operation}`,
        partOf: "outcome",
        meanings: outcomes,
        shares: true,
      }, (row) => row.kind === kind)
    )}
  `;
}

/** How far the run had got, over its time. */
export function timelinePlot({ timeline, totals, seconds }: Results): Html {
  if (timeline.length < 2) return html``;
  const samples: Sample[] = [
    { seconds: 0, crashStates: 0, damaged: 0 },
    ...timeline,
    { seconds, crashStates: totals.crashStates, damaged: totals.damaged },
  ];
  const line = (name: string, color: string, field: "crashStates" | "damaged") => ({
    name,
    color,
    points: samples.map((sample): [number, number] => [sample.seconds, sample[field]]),
  });
  const lines = [
    line("crash states", "#0072B2", "crashStates"),
    line("damaged directories", "#E69F00", "damaged"),
  ].filter(({ points }) => points.at(-1)![1] > 0);
  const title = "Checked over time";
  return figure(title, html`${key(lines)}${drawLines({ lines }, title)}`);
}

function barsFigure(
  title: string,
  rows: Row[],
  gathering: Gathering,
  only: (row: Row) => boolean = () => true,
): Html {
  const bars = gather(rows.filter(only), gathering);
  const note = isBroken(bars)
    ? html`<small>One bar is many times as long as the others: the axis leaves out its middle.</small>`
    : html``;
  return figure(title, html`${key(bars.parts)}${drawBars(bars, title)}${note}`);
}

function gather(rows: Row[], { nameOf, partOf, meanings, shares }: Gathering): Bars {
  const labelled = rows.map((row) => ({ ...row, workload: nameOf(row) }));
  const names = countBy(labelled, "workload").map(([name]) => name);
  const parts = meanings.map(({ name, color }) => {
    const counts = new Map(countBy(labelled.filter((row) => row[partOf] === name), "workload"));
    return { name, color, counts: names.map((name) => counts.get(name) ?? 0) };
  });
  return { names, parts: parts.filter(({ counts }) => counts.some((n) => n > 0)), shares };
}

/** The workload or recording alone: how it was made to fail follows the last comma. */
function workloadOf({ kind, workload }: Row): string {
  const end = workload.lastIndexOf(", ");
  return end < 0 || kind === "power cuts" || kind === "histories"
    ? workload
    : workload.slice(0, end);
}

/** Bars with a sentence each, which are the legend of the plots after them too. */
function meaningsFigure(
  title: string,
  rows: Row[],
  field: "kind" | "outcome",
  meanings: Meaning[],
): Html {
  const counts = new Map(countBy(rows, field));
  const all = rows.reduce((sum, { count }) => sum + count, 0);
  const items = meanings.map(({ name, color, says }) => {
    const count = counts.get(name) ?? 0;
    const share = (100 * count / (all || 1)).toFixed(1);
    return html`
      <li>
        <div
          class="row"><b>${name}</b><span><b>${shown(
            count,
          )}</b> <small>${share}%</small></span></div>
        <div class="track">
          <div style="width:${share}%;background:${color}"></div>
        </div>
        <small>${says}</small>
      </li>
    `;
  });
  return figure(title, html`<ul class="meanings">${items}</ul>`);
}

function key(parts: { name: string; color: string }[]): Html {
  const items = parts.map(({ name, color }) =>
    html`<li><i style="background:${color}"></i>${name}</li>`
  );
  return html`<ul class="key">${items}</ul>`;
}

function figure(title: string, content: Html): Html {
  return html`<figure><figcaption>${title}</figcaption>${content}</figure>`;
}
