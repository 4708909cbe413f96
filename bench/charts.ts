/**
 * Draws how close every contender comes to the floor, and how memory develops in a soak, as SVG for documents.
 *
 * @module
 */

import { type EChartsOption, init } from "echarts";
import fs from "node:fs";
import { join } from "node:path";
import { measuredOn, type Runtime } from "./contenders/contender.ts";
import { type Row, rowsOf } from "./w1_w2_commits/reckon.ts";
import type { Collected } from "./report.ts";
import type { Competition } from "./w1_w2_commits/report.ts";
import type { SoakRun } from "./soak/run.ts";
import { FEW_KEYS } from "./support/workload.ts";

const WIDTH = 860;
const BAR_HEIGHT = 15;
const ROW_GAP = 12;
const HEAD_HEIGHT = 78;
const FOOT_HEIGHT = 52;
const NAME_WIDTH = 250;
const SOAK_HEIGHT = 380;
const GRID = "#e3e6ea";
const COLORS: Record<Runtime, string> = { deno: "#2a6f97", bun: "#d1813a", node: "#5a8f4a" };
/** Makes a colour paler: ours stand out among the peers. */
const PALE = "80";
const TEXT = { fontFamily: "system-ui, sans-serif", fontSize: 12, color: "#24292f" };

/** Writes one chart for each competition, and one of the soak; returns their paths. */
export function writeCharts(collected: Collected, folder: string): string[] {
  const { competitions, soaks, machine } = collected;
  const charts = competitions.map((competition): [string, string] => [
    fileName(competition),
    drawChart(competition, machine),
  ]);
  if (soaks.length > 0) charts.push(["soak", drawSoaks(soaks, machine)]);
  return charts.map(([name, svg]) => {
    const path = join(folder, `benchmark-${name}.svg`);
    fs.writeFileSync(path, svg + "\n");
    return path;
  });
}

function fileName({ name, callers, keys }: Competition): string {
  const parts = callers === 1 ? [] : [callers, ...keys === FEW_KEYS ? [] : [`${keys}-keys`]];
  return [name.toLowerCase(), ...parts].join("-");
}

/** One chart. Who has no figure on a runtime, but should have one, is named with "failed". */
export function drawChart(competition: Competition, machine: Record<string, string>): string {
  const { name, title, entries } = competition;
  const rows = rowsOf(entries);
  const runtimes = measuredOn(entries);
  const rowHeight = runtimes.length * BAR_HEIGHT + ROW_GAP;
  const height = HEAD_HEIGHT + rows.length * rowHeight + FOOT_HEIGHT;
  const option = {
    animation: false,
    // A picture in a document doesn't know whether the page around it is light or dark.
    backgroundColor: "#ffffff",
    textStyle: TEXT,
    title: {
      text: `${name}: durable commits by ${title}`,
      subtext:
        "1.00 is what the bare floor of the same runtime does in the same round; longer is better",
      textStyle: { ...TEXT, fontSize: 16 },
      subtextStyle: TEXT,
      left: 12,
      top: 8,
    },
    legend: { bottom: 26, left: 12, textStyle: TEXT, data: [...runtimes], selectedMode: false },
    graphic: footer(machine),
    grid: {
      left: NAME_WIDTH,
      right: 120,
      top: HEAD_HEIGHT,
      bottom: FOOT_HEIGHT,
      outerBoundsMode: "none",
    },
    xAxis: {
      type: "value",
      min: 0,
      axisLabel: { show: false },
      splitLine: { lineStyle: { color: GRID } },
    },
    yAxis: {
      type: "category",
      inverse: true,
      data: rows.map((row) => row.durable ? row.name : `${row.name} (not durable)`),
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { ...TEXT, interval: 0 },
    },
    series: runtimes.map((runtime) => ({
      type: "bar",
      name: runtime,
      color: COLORS[runtime],
      silent: true,
      barWidth: BAR_HEIGHT - 2,
      barGap: "15%",
      data: rows.map((row) => barOf(row, runtime)),
    })),
  };
  return draw(option, height);
}

/** The memory of every runtime over the commits of a soak. */
export function drawSoaks(soaks: SoakRun[], machine: Record<string, string>): string {
  const option = {
    animation: false,
    backgroundColor: "#ffffff",
    textStyle: TEXT,
    title: {
      text: "Soak: memory while 64 callers commit, with automatic compaction",
      subtext: "resident MiB over millions of commits",
      textStyle: { ...TEXT, fontSize: 16 },
      subtextStyle: TEXT,
      left: 12,
      top: 8,
    },
    legend: { bottom: 26, left: 12, textStyle: TEXT, selectedMode: false },
    graphic: footer(machine),
    grid: { left: 56, right: 24, top: HEAD_HEIGHT, bottom: FOOT_HEIGHT + 24 },
    xAxis: { type: "value", axisLabel: TEXT, splitLine: { show: false } },
    yAxis: { type: "value", min: 0, axisLabel: TEXT, splitLine: { lineStyle: { color: GRID } } },
    series: soaks.map(({ runtime, samples }) => ({
      type: "line",
      name: runtime,
      color: COLORS[runtime],
      silent: true,
      showSymbol: false,
      data: samples.map(({ commits, resident }) => [commits / 1e6, resident / 2 ** 20]),
    })),
  };
  return draw(option, SOAK_HEIGHT);
}

function draw(option: object, height: number): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  chart.setOption(option as EChartsOption);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

/** Where and on what it was measured. */
function footer(machine: Record<string, string>) {
  const { date, processor, runtimes } = machine;
  return {
    type: "text",
    left: 12,
    bottom: 8,
    style: {
      text: [date, processor, machine["file system"], runtimes].join(" · "),
      fill: "#57606a",
      fontSize: 11,
      fontFamily: TEXT.fontFamily,
    },
  };
}

function barOf(row: Row, runtime: Runtime) {
  const cell = row.cells[runtime];
  const label = { ...TEXT, fontSize: 10, show: true, position: "right" };
  if (cell === undefined) {
    const formatter = row.failures[runtime] === undefined ? "" : "failed";
    return { value: 0, label: { ...label, formatter } };
  }
  const rate = Math.round(cell.perSecond.median).toLocaleString("en");
  const isOurs = ["ministate", "floor", "answering_floor"].includes(row.contender);
  return {
    value: cell.ratio.median,
    itemStyle: { color: COLORS[runtime] + (isOurs ? "" : PALE) },
    label: { ...label, formatter: `${cell.ratio.median.toFixed(2)} · ${rate}/s` },
  };
}
