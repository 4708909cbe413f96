/**
 * `metrics`: what a state directory holds and has written, as text for Prometheus. It is read from the files, so that
 * any program's directory can be watched; a running program's own figures come from `stats()`.
 *
 * @module
 */

import type { Inspection } from "../src/recovery/inspection.ts";
import { type Context, sayJson } from "./context.ts";
import { EXIT } from "./exit.ts";
import { inspectSteadily } from "./steady.ts";

/** One time series. */
interface Sample {
  labels: Record<string, string>;
  value: number;
}

/** Series of one name. */
interface Metric {
  name: string;
  type: "counter" | "gauge";
  help: string;
  samples: Sample[];
}

/** Prints the metrics of a directory. Damage is a figure here, not an exit code: it must reach whoever watches. */
export async function metrics(context: Context, directory: string): Promise<number> {
  const found = metricsOf(await inspectSteadily(context, directory));
  if (context.json) sayJson(context, found);
  else context.terminal.stdout.write(found.map(expositionText).join(""));
  return EXIT.ok;
}

function metricsOf(inspection: Inspection): Metric[] {
  const { directory, journal } = inspection;
  const all = [...stateMetrics(inspection), ...fileMetrics(inspection), ...wearMetrics(inspection)];
  return all.map((metric) => ({
    ...metric,
    name: `ministate_${metric.name}`,
    samples: metric.samples.map(({ labels, value }) => ({
      labels: { directory, journal, ...labels },
      value,
    })),
  }));
}

function stateMetrics({ mutator, version, id, nextOpen, ...rest }: Inspection): Metric[] {
  const whose = { mutator: mutator ?? "", version: String(version ?? ""), id: id ?? "" };
  const counted = (severity: string): Sample => ({
    labels: { severity },
    value: rest.findings.filter((finding) => finding.severity === severity).length,
  });
  return [
    gauge("info", "What the directory belongs to.", { labels: whose, value: 1 }),
    gauge(
      "openable",
      "1 when the next open with the default settings succeeds, 0 when it needs a repair.",
      one(nextOpen.outcome === "refuse" ? 0 : 1),
    ),
    gauge(
      "findings",
      "What differs from what was written: torn is cut by the next open, corrupt is damage.",
      ...["torn", "corrupt", "notice"].map(counted),
    ),
    gauge("sequence", "The last mutation that the next open reaches.", one(nextOpen.sequence)),
    gauge(
      "replay_mutations",
      "How many mutations the next open replays after its snapshot.",
      one(nextOpen.replays),
    ),
    gauge(
      "compaction_failed",
      "1 when the last snapshot or compaction failed, as far as the files say.",
      one(rest.compactionFailure === null ? 0 : 1),
    ),
  ];
}

function fileMetrics({ segments, snapshots, quarantine }: Inspection): Metric[] {
  const kinds = Object.entries({ segment: segments, snapshot: snapshots, quarantine });
  const each = (figure: (files: { size: number }[]) => number) =>
    kinds.map(([kind, files]): Sample => ({ labels: { kind }, value: figure(files) }));
  const sizeOf = (files: { size: number }[]) => files.reduce((sum, { size }) => sum + size, 0);
  return [
    gauge("files", "Files of the directory.", ...each((files) => files.length)),
    gauge("file_bytes", "Their sizes.", ...each(sizeOf)),
  ];
}

function wearMetrics({ written }: Inspection): Metric[] {
  return [
    counter("mutations", "Mutations since the directory was made.", written.mutations),
    counter("record_bytes", "The bytes of their records.", written.recordBytes),
    counter("written_bytes", "Bytes written, with everything around the records.", written.bytes),
    counter(
      "card_bytes",
      "Bytes that the card writes for that, in whole pages.",
      written.cardBytes,
    ),
    counter("writes", "Calls that write.", written.writes),
    counter("syncs", "Calls that sync.", written.syncs),
  ];
}

function gauge(name: string, help: string, ...samples: Sample[]): Metric {
  return { name, type: "gauge", help, samples };
}

function counter(name: string, help: string, value: number): Metric {
  return { name: `${name}_total`, type: "counter", help, samples: [one(value)] };
}

function one(value: number): Sample {
  return { labels: {}, value };
}

/**
 * One metric in the text format.
 *
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
function expositionText({ name, type, help, samples }: Metric): string {
  const lines = samples.map(({ labels, value }) => {
    const text = Object.entries(labels).map(([label, of]) => `${label}="${escaped(of)}"`).join();
    return `${name}{${text}} ${value}\n`;
  });
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

/** The three characters that have a meaning in a label's value. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
