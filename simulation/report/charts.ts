// Draws plots as SVG to be put into a page: stacked bars and lines, each once for a screen and once for a phone.
//
// Text takes the colour of the page around it, so that it can be read in light and in dark. A page that is
// only scaled down leaves text too small to read; hence the second drawing, with names above the bars.

import { type EChartsOption, init } from "echarts";
import { Html, html } from "./html.ts";

/** Bars that are made up of parts, the first one on top. */
export interface Bars {
  names: string[];
  /** The parts, from left to right: one count for each name. */
  parts: { name: string; color: string; counts: number[] }[];
  /** Whether every bar is as long as any other and shows shares. */
  shares: boolean;
}

/** Lines over the time. */
export interface Lines {
  lines: { name: string; color: string; points: [seconds: number, count: number][] }[];
}

const WIDE = 920;
const NARROW = 360;
const FONT_SIZE = 13;
/** No measure of the fonts that a reader has: generous for most of them. */
const CHARACTER_WIDTH = 6.9;
const NAME_LENGTH_MAX = { wide: 56, narrow: 52 };
/** How many times as long as the next one a bar may be on a plot with a whole axis. */
const LENGTH_RATIO_MAX = 4;
const GRID_COLOR = "rgba(128, 140, 155, 0.35)";
const TEXT = { color: "currentColor", fontFamily: "system-ui, sans-serif", fontSize: FONT_SIZE };

/** A count as people write it. */
export function shown(count: number): string {
  return count.toLocaleString("en");
}

/** Draws bars. `title` is read aloud to who can't see them. */
export function drawBars(bars: Bars, title: string): Html {
  const height = (row: number) => bars.names.length * row + 34;
  return html`${drawing("wide", title, WIDE, height(25), barsOption(bars, true))}
${drawing("narrow", title, NARROW, height(44), barsOption(bars, false))}`;
}

/** Draws lines. `title` is read aloud to who can't see them. */
export function drawLines(lines: Lines, title: string): Html {
  return html`${drawing("wide", title, WIDE, 260, linesOption(lines, WIDE))}
${drawing("narrow", title, NARROW, 240, linesOption(lines, NARROW))}`;
}

function drawing(
  size: string,
  title: string,
  width: number,
  height: number,
  option: EChartsOption,
): Html {
  const chart = init(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption({ animation: false, textStyle: TEXT, ...option });
  // In an HTML page the elements need no namespaces.
  const svg = chart.renderToSVGString().replace(/ (xmlns(:\w+)?|version|baseProfile)="[^"]*"/g, "");
  chart.dispose();
  return html`<div class="drawing ${size}" role="img" aria-label="${title}">${new Html(svg)}</div>`;
}

function barsOption(bars: Bars, wide: boolean): EChartsOption {
  const { names, parts, shares } = bars;
  const totals = totalsOf(bars);
  const longest = Math.max(0, ...names.map((name) => name.length));
  const nameWidth = Math.min(NAME_LENGTH_MAX.wide, longest) * CHARACTER_WIDTH;
  const totalWidth = shown(Math.max(0, ...totals)).length * CHARACTER_WIDTH + 14;
  const length = (count: number, i: number) => shares ? WHOLE * count / (totals[i]! || 1) : count;
  return {
    grid: {
      left: wide ? nameWidth + 24 : 2,
      right: totalWidth,
      top: wide ? 2 : 8,
      bottom: 30,
      outerBoundsMode: "none",
    },
    xAxis: shares ? shareAxis() : countAxis(bars, wide),
    yAxis: nameAxis(names, wide),
    series: [
      ...parts.map(({ name, color, counts }) => ({
        ...BAR,
        name,
        color,
        itemStyle: { borderColor: "var(--card)", borderWidth: 0.5 },
        data: counts.map((count, i) => count === 0 ? "-" : length(count, i)),
      })),
      totalsAtTheEnd(totals),
    ],
  } as EChartsOption;
}

const BAR = { type: "bar", stack: "all", silent: true, barWidth: 17 };
/** A sum of shares that rounding puts above 100 would be off the plot, and its total with it. */
const WHOLE = 100 - 1e-6;

/** Bars of no length after all others: they carry the totals. */
function totalsAtTheEnd(totals: number[]) {
  const formatter = ({ dataIndex }: { dataIndex: number }) => shown(totals[dataIndex]!);
  return {
    ...BAR,
    data: totals.map(() => 0),
    label: { ...TEXT, show: true, position: "right", formatter },
  };
}

function nameAxis(names: string[], wide: boolean) {
  const beside = { ...TEXT, margin: 10 };
  const above = {
    ...TEXT,
    inside: true,
    margin: 0,
    verticalAlign: "bottom",
    padding: [0, 0, 11, 0],
  };
  const lengthMax = NAME_LENGTH_MAX[wide ? "wide" : "narrow"];
  return {
    type: "category",
    inverse: true,
    data: names.map((name) => shortened(name, lengthMax)),
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { interval: 0, ...(wide ? beside : above) },
    z: 10,
  };
}

/** A name on one line that is cut at its end: the plot would cut it where it begins. */
function shortened(name: string, lengthMax: number): string {
  const line = name.replace(/\s+/g, " ");
  return line.length <= lengthMax ? line : `${line.slice(0, lengthMax - 1)}…`;
}

function valueAxis(splitNumber: number) {
  return {
    type: "value",
    splitNumber,
    splitLine: { lineStyle: { color: GRID_COLOR } },
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { ...TEXT, formatter: compact },
  };
}

function shareAxis() {
  const formatter = (at: number) => `${at}%`;
  const axisLabel = { ...TEXT, formatter, alignMinLabel: "left", alignMaxLabel: "right" };
  return { ...valueAxis(4), max: 100, interval: 25, axisLabel };
}

function countAxis(bars: Bars, wide: boolean) {
  const axis = valueAxis(wide ? 6 : 3);
  const axisLabel = { ...axis.axisLabel, alignMinLabel: "left" };
  if (!isBroken(bars)) return { ...axis, axisLabel };
  const [first = 0, second = 0] = totalsOf(bars).toSorted((a, b) => b - a);
  // The total of the second bar must find room before the break.
  const start = second * (wide ? 1.35 : 1.6);
  // After the break the axis would have few numbers, all much the same; the bar has its total.
  const formatter = (at: number) => at < start ? compact(at) : "";
  return {
    ...axis,
    axisLabel: { ...axisLabel, formatter },
    breaks: [{ start, end: first - second * 0.25, gap: "3%" }],
    breakArea: { itemStyle: { color: "var(--card)", opacity: 1, borderColor: GRID_COLOR } },
  };
}

/** Whether one bar is so much longer than the next that the others would be dots. */
export function isBroken(bars: Bars): boolean {
  const [first = 0, second = 0] = totalsOf(bars).toSorted((a, b) => b - a);
  return !bars.shares && second > 0 && first > LENGTH_RATIO_MAX * second;
}

function totalsOf({ names, parts }: Bars): number[] {
  return names.map((_, i) => parts.reduce((sum, { counts }) => sum + counts[i]!, 0));
}

/** Round times, in seconds, from one second to a day. */
const INTERVALS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 86400];

function linesOption({ lines }: Lines, width: number): EChartsOption {
  const counts = lines.flatMap(({ points }) => points.map(([, count]) => count));
  const max = Math.max(0, ...lines.flatMap(({ points }) => points.map(([seconds]) => seconds)));
  const interval = INTERVALS.find((interval) => max / interval <= width / 80) ?? max;
  return {
    grid: {
      left: compact(Math.max(0, ...counts)).length * CHARACTER_WIDTH + 18,
      right: 24,
      top: 12,
      bottom: 30,
      outerBoundsMode: "none",
    },
    xAxis: {
      ...valueAxis(1),
      max,
      interval,
      axisLabel: { ...TEXT, formatter: elapsed, showMaxLabel: false },
    },
    yAxis: valueAxis(4),
    series: lines.map(({ name, color, points }) => ({
      type: "line",
      name,
      color,
      silent: true,
      showSymbol: false,
      lineStyle: { width: 2.5 },
      areaStyle: { opacity: 0.12 },
      data: points,
    })),
  } as EChartsOption;
}

function compact(count: number): string {
  return Intl.NumberFormat("en", { notation: "compact" }).format(count);
}

/** A round time on an axis, in the unit that keeps it short. */
function elapsed(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = seconds % 60 === 0 ? "" : `:${String(seconds % 60).padStart(2, "0")}`;
  if (minutes < 60) return `${minutes}${rest} min`;
  return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")} h`;
}
